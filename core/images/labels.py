"""Label images: one whole number per pixel, 0 for background."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images.checks import check_file, decoded
from core.images.limits import check_size
from core.images.orientation import turned
from core.images.raster import open_raster
from core.images.tiff import TiffPicture
from core.images.tiff_pages import read_page
from core.types import Tile

_ADVICE = "save the label image as 8-, 16- or 32-bit whole numbers in PNG or TIFF"


def read_labels(path: str | Path) -> NDArray[np.int32]:
    """Read an instance map.

    Parameters
    ----------
    path
        Grey or palette PNG (palette *indices* are the labels), one-channel
        TIFF of any integer type, or a ``.npy`` array. 1-bit maps give 0 and 1.

    Returns
    -------
    labels
        int32 (height, width), 0 = background; ids as in the file, gaps kept.

    Raises
    ------
    InputError
        On colour, float or negative labels, ids beyond 2^31 - 1, and whatever
        `read_tile` refuses.
    """
    path = Path(path)
    start = check_file(path)
    if start.startswith(b"\x93NUMPY"):
        values = decoded(path, lambda: _read_npy(path))
    elif start.startswith((b"II", b"MM")):
        values = decoded(path, lambda: _read_tiff(path))
    elif start.startswith((b"\x89PNG", b"\xff\xd8\xff")):
        image = decoded(path, lambda: open_raster(path))
        check_size(image.size, path.name, "crop it")
        values = decoded(path, image.numbers)
    else:
        raise InputError(f"{path.name} is not a PNG or TIFF label image; {_ADVICE}.")
    return as_labels(values, path.name)


def as_labels(values: NDArray[Any], name: str) -> NDArray[np.int32]:
    """Check that an array is an instance map and make it int32.

    Raises
    ------
    InputError
        As `read_labels`.
    """
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.ndim != 2:
        raise InputError(f"{name} is a colour image, not labels; {_ADVICE}.")
    if values.size == 0:
        raise InputError(f"{name} holds no pixels; {_ADVICE}.")
    if values.dtype.kind not in "biu":
        raise InputError(
            f"{name} holds {values.dtype} numbers, but labels are whole; {_ADVICE}."
        )
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > np.iinfo(np.int32).max:
        raise InputError(
            f"{name} has labels from {low} to {high}; number nuclei from 1 upwards."
        )
    return np.ascontiguousarray(values, dtype=np.int32)


def check_labels(tile: Tile, labels: NDArray[Any]) -> None:
    """Refuse labels that do not lie pixel on pixel over a tile.

    Raises
    ------
    InputError
        Names both sizes.
    """
    tall, wide = tile.pixels.shape[:2]
    if labels.shape != (tall, wide):
        size = " x ".join(str(n) for n in reversed(labels.shape))
        raise InputError(
            f"The labels are {size} pixels and the tile is {wide} x {tall}; "
            "choose the label image that belongs to this tile."
        )


def _read_npy(path: Path) -> NDArray[Any]:
    with path.open("rb") as file:
        # mapped first: a header may claim more than the file holds
        shape = np.lib.format.open_memmap(path, mode="r").shape
        if len(shape) == 2:
            check_size((shape[1], shape[0]), path.name, "crop it")
        array: NDArray[Any] = np.load(file, allow_pickle=False)
    return array


def _read_tiff(path: Path) -> NDArray[Any]:
    with TiffPicture(path) as picture:
        check_size(picture.levels[0].size, path.name, "crop it")
        page = picture.page()
        if page.samplesperpixel > 1:
            raise InputError(f"{path.name} is a colour image, not labels; {_ADVICE}.")
        size = (0, 0, page.imagewidth, page.imagelength)
        return turned(read_page(page, size)[..., 0], picture.orientation)
