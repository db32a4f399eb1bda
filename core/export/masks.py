"""Label images as TIFF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tifffile

from core.export.writing import whole_file

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

_MICRONS_PER_CM = 10_000


def write_label_tiff(
    path: str | os.PathLike[str], labels: NDArray[np.int32], mpp: float | None = None
) -> None:
    """Write a label image that ImageJ, QuPath and `core.images.read_labels` open.

    Parameters
    ----------
    path
        Where to.
    labels
        int32 (height, width); 16 bits are written where they are enough.
    mpp
        Micrometres per pixel, kept as the resolution, or None.

    Raises
    ------
    InputError
        When nothing can be written there.
    """
    small = int(labels.max(initial=0)) <= np.iinfo(np.uint16).max
    values = labels.astype(np.uint16 if small else np.uint32)
    known = mpp is not None and mpp > 0
    scale = _MICRONS_PER_CM / mpp if known and mpp is not None else 1.0
    with whole_file(path) as part:
        tifffile.imwrite(
            part,
            values,
            compression="zlib",
            photometric="minisblack",
            resolution=(scale, scale),
            resolutionunit="CENTIMETER" if known else "NONE",
            metadata=None,
        )
