"""Label images: numbers of pixels, or colours that stand for numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import InputError
from core.images.labels.arrays import one_mask_a_nucleus
from core.images.labels.numbers import ADVICE
from core.images.labels.truth import Numbers
from core.images.limits import check_bytes, check_size
from core.images.orientation import turned
from core.images.raster import open_raster
from core.images.tiff_pages import read_page

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from core.images.labels.truth import Frame

_MOST_MASKS = 20_000
_SOLID = 0.6  # of coloured pixels that have the colour of their right neighbour


def read_raster_labels(path: Path, frame: Frame) -> Numbers:
    """Read PNG, BMP or GIF: grey values, palette indices, or colours."""
    image = open_raster(path)
    check_size(image.size, path.name, "crop it")
    return from_picture(image.numbers(), path.name)


def read_tiff_labels(path: Path, frame: Frame) -> Numbers:
    """Read TIFF: one page of numbers, two of instances and types, or colours."""
    from tifffile import TiffFile, TiffPage

    with TiffFile(path) as tiff:
        pages = [tiff.pages[n] for n in range(min(_pages(tiff), 8))]
        base = pages[0]
        if not isinstance(base, TiffPage):
            raise TypeError("no page")
        size = (base.imagewidth, base.imagelength)
        check_size(size, path.name, "crop it")
        region = (0, 0, *size)
        same = [p for p in pages if isinstance(p, TiffPage) and p.shape == base.shape]
        if len(same) > 2:
            raise InputError(
                f"{path.name} is a stack of at least {len(same)} label images; save "
                "the one of this tile."
            )
        way = base.tags.valueof("Orientation")
        values = [turned(read_page(p, region), way if way in range(1, 9) else 1)
                  for p in same]  # fmt: skip
    if len(values) == 2 and values[0].shape[2] == 1:  # instances and types
        return Numbers(values[0][..., 0], values[1][..., 0])
    if values[0].shape[2] == 2:
        return Numbers(values[0][..., 0], values[0][..., 1])
    return from_picture(values[0], path.name)


def _pages(tiff: Any) -> int:
    """Number of pages as far as eight; a long list is not walked."""
    for number in range(8):
        try:
            tiff.pages[number]
        except IndexError:
            return number
    return 8


def from_picture(values: NDArray[Any], name: str) -> Numbers:
    """Take grey values as they are, and number the colours of a colour image.

    Parameters
    ----------
    values
        (height, width) or (height, width, samples).
    name
        Named in errors.

    Raises
    ------
    InputError
        When the colours are those of a photograph, or there is only one.
    """
    if values.ndim == 3 and values.shape[2] in (2, 4) and values.dtype.kind == "u":
        values = values[..., :-1]  # opacity
    if values.ndim == 2 or values.shape[2] == 1:
        return Numbers(values.reshape(values.shape[:2]))
    if values.shape[2] != 3 or values.dtype != np.uint8:
        raise InputError(f"{name} is a colour image, not labels; {ADVICE}.")
    if (values[..., :1] == values).all() and values.any():
        return Numbers(values[..., 0])
    colours = values.astype(np.int32) @ np.array([65536, 256, 1], np.int32)
    found, numbers = np.unique(colours, return_inverse=True)
    numbers = numbers.reshape(colours.shape)
    ground = _background(found, numbers)
    alike = numbers[:, 1:] == numbers[:, :-1]
    drawn = numbers[:, 1:] != ground
    if len(found) < 2 or alike[drawn].mean() < _SOLID:
        raise InputError(f"{name} is a colour image, not labels; {ADVICE}.")
    numbers[numbers > ground] -= 1
    labels = np.where(colours == found[ground], 0, numbers + 1)
    note = (
        f"{name} is coloured: each of its {len(found) - 1} colours is taken for an id."
    )
    return Numbers(labels.astype(np.int32), notes=(note,))


def _background(colours: NDArray[Any], numbers: NDArray[Any]) -> int:
    """Place of black, else of white, else of the most frequent colour."""
    for wanted in (0, 0xFFFFFF):
        if wanted in colours:
            return int(np.searchsorted(colours, wanted))
    return int(np.bincount(numbers.ravel()).argmax())


def read_mask_folder(files: list[Path], name: str) -> Numbers:
    """Join the files of a folder that holds one mask a nucleus (DSB 2018).

    Parameters
    ----------
    files
        Masks, black where the nucleus is not.
    name
        Of the folder, for errors.

    Raises
    ------
    InputError
        When their sizes differ.
    """
    if len(files) > _MOST_MASKS:
        raise InputError(f"{name} holds {len(files):,} masks; split it.")
    packed: list[NDArray[Any]] = []
    shape: tuple[int, ...] = ()
    for file in files:
        image = open_raster(file)
        check_size(image.size, file.name, "crop it")
        mask = image.numbers()
        mask = mask.max(axis=2) if mask.ndim == 3 else mask
        shape = shape or mask.shape
        if mask.shape != shape:
            raise InputError(
                f"{file.name} has another size than the masks beside it; remove it."
            )
        packed.append(np.packbits(mask > 0, axis=1))  # thousands of them
        check_bytes(packed[0].nbytes * len(files), name, "split it")
    masks = (np.unpackbits(each, axis=1)[:, : shape[1]] for each in packed)
    return one_mask_a_nucleus(masks, (shape[0], shape[1]))
