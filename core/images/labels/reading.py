"""Files of ground truth into labels: start with `read_truth`."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.images.checks import check_file, decoded
from core.images.described import describe_start
from core.images.labels import arrays, pictures, vectors
from core.images.labels.numbers import as_labels, to_truth
from core.images.labels.truth import ANY, Frame, Numbers, Truth
from core.tables import LABEL_FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from core.types import Tile

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_RASTER = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"GIF8", b"RIFF")
_MATLAB = (b"MATLAB ", b"\x89HDF")


def read_labels(path: str | Path, frame: Frame = ANY) -> NDArray[np.int32]:
    """Read an instance map.

    Parameters
    ----------
    path
        Any of `core.tables.LABEL_FORMATS`, told by its content; see `read_truth`.
    frame
        The tile that the labels belong to, for outlines and stacks.

    Returns
    -------
    labels
        int32 (height, width), 0 = background; ids as in the file, gaps kept.

    Raises
    ------
    InputError
        As `read_truth`.
    """
    return read_truth(path, frame).labels


def read_type_map(path: str | Path) -> NDArray[np.int32]:
    """Read an image whose numbers are types of pixels, not ids of nuclei.

    Parameters
    ----------
    path
        Grey PNG, TIFF, ``.npy``, ``.npz`` or ``.mat``.

    Returns
    -------
    types
        int32 (height, width), as in the file.

    Raises
    ------
    InputError
        As `read_truth`.
    """
    path = Path(path)
    reader = _array_reader(path, check_file(path))
    if reader is None:
        raise InputError(f"{path.name} is no image of types; save it as PNG or TIFF.")
    return decoded(path, lambda: as_labels(reader(path, ANY).labels, path.name))


def frame_of(tile: Tile, path: str | Path = "", index: int | None = None) -> Frame:
    """Return what readers of ground truth must know about a tile.

    Parameters
    ----------
    tile
        The image.
    path
        Of its file.
    index
        Its number where ground truth is a stack.
    """
    height, width = tile.pixels.shape[:2]
    return Frame((width, height), Path(path).stem, index)


def read_truth(path: str | Path, frame: Frame = ANY) -> Truth:
    """Read ground truth: labels, the types of nuclei, and what to know about them.

    Parameters
    ----------
    path
        Any of `core.tables.LABEL_FORMATS`, told by its content: grey, palette and
        colour-coded PNG; one-channel TIFF, or one with a second channel of types;
        ``.npy``, ``.npz`` and ``.mat`` arrays; GeoJSON, COCO and HoVer-Net JSON; Aperio
        and ASAP XML; ImageJ ROIs; or a folder with one mask for each nucleus.
    frame
        The tile that the labels belong to. Outlines need its size, stacks of arrays
        its number, files for many pictures its name.

    Returns
    -------
    Truth
        Labels that are no instances (masks, maps of classes) are their connected
        parts, and a note says so.

    Raises
    ------
    InputError
        When the file is no ground truth; the message says what to do.
    """
    path = Path(path)
    if path.is_dir():
        return decoded(path, lambda: to_truth(_folder(path), path.name))
    start = check_file(path)
    outlines = _outline_reader(path, start)
    if outlines is not None:
        return decoded(path, lambda: outlines(path, frame))
    reader = _array_reader(path, start)
    if reader is None:
        endings = ", ".join(sorted({row.endings[0] for row in LABEL_FORMATS}))
        raise InputError(
            f"{path.name} is {describe_start(path, start)}, which is no ground truth "
            f"that is opened here ({endings}); save the label image as PNG or TIFF."
        )
    return decoded(path, lambda: to_truth(reader(path, frame), path.name))


def _array_reader(path: Path, start: bytes) -> Callable[[Path, Frame], Numbers] | None:
    """Return the reader of arrays for the first bytes of a file, or None."""
    if start.startswith(b"\x93NUMPY"):
        return arrays.read_npy
    if start.startswith(_TIFF):
        return pictures.read_tiff_labels
    if start.startswith(_RASTER):
        return pictures.read_raster_labels
    if start.startswith(_MATLAB) or path.suffix.lower() == ".mat":
        return arrays.read_mat
    if start.startswith(b"PK\3\4") and _holds(path, ".npy"):
        return arrays.read_npz
    return None


def _outline_reader(path: Path, start: bytes) -> Callable[[Path, Frame], Truth] | None:
    """Return the reader of outlines for the first bytes of a file, or None."""
    if start.startswith(b"Iout") or (
        start.startswith(b"PK\3\4") and _holds(path, ".roi")
    ):
        return vectors.read_rois
    text = vectors.to_text(start).lstrip().encode()
    if text.startswith((b"{", b"[")) or start.startswith(b"\x1f\x8b"):
        return vectors.read_json
    if text.startswith((b"<?xml", b"<Annotations", b"<ASAP")):
        return vectors.read_xml
    return None


def _holds(path: Path, ending: str) -> bool:
    """Whether a zip holds a file of that ending."""
    try:
        with zipfile.ZipFile(path) as packed:
            return any(n.lower().endswith(ending) for n in packed.namelist())
    except (OSError, zipfile.BadZipFile, ValueError):
        return False


def _folder(path: Path) -> Numbers:
    files = sorted(
        each
        for each in path.iterdir()
        if each.suffix.lower() in (".png", ".bmp", ".gif") and each.name[0] != "."
    )
    if not files:
        raise InputError(
            f"{path.name} is a folder without masks; choose a label image, or a folder "
            "with one PNG mask for each nucleus."
        )
    return pictures.read_mask_folder(files, path.name)
