"""A sheet of patches: one picture of all of them, and where each one lies.

To read this file, start from `make_sheet`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.types import Tile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_GAP = 8  # pixels between patches
_MOST = 24_000_000  # pixels of a sheet: patches are drawn smaller beyond
_PAPER = 110  # grey between patches: white and coloured rims stand out


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """All patches in one picture.

    Parameters
    ----------
    tile
        The picture.
    labels
        int32 (height, width): patch ``i`` is ``i + 1``, paper is 0.
    """

    tile: Tile
    labels: NDArray[np.int32]


def make_sheet(tiles: Sequence[Tile]) -> Sheet:
    """Lay patches out in rows, each in a cell of the same size.

    Parameters
    ----------
    tiles
        At least one. A single one is the sheet itself. Where there are too many,
        all are drawn smaller, in the same proportion.

    Returns
    -------
    Sheet
        With the pixel size of the patches where all have the same.
    """
    if len(tiles) == 1:
        shape = tiles[0].pixels.shape[:2]
        return Sheet(tiles[0], np.ones(shape, np.int32))
    high = max(each.pixels.shape[0] for each in tiles)
    wide = max(each.pixels.shape[1] for each in tiles)
    scale = min(1.0, math.sqrt(_MOST / (len(tiles) * high * wide)))
    cell = max(round(high * scale), 1), max(round(wide * scale), 1)
    columns = max(round(math.sqrt(len(tiles) * cell[0] / cell[1] * 1.2)), 1)
    rows = -(-len(tiles) // columns)
    size = (rows * (cell[0] + _GAP) + _GAP, columns * (cell[1] + _GAP) + _GAP)
    pixels = np.full((*size, 3), _PAPER, np.uint8)
    labels = np.zeros(size, np.int32)
    for index, each in enumerate(tiles):
        small = _scaled(each.pixels, scale)
        top = _GAP + (index // columns) * (cell[0] + _GAP)
        left = _GAP + (index % columns) * (cell[1] + _GAP)
        place = (
            slice(top, top + small.shape[0]),
            slice(left, left + small.shape[1]),
        )
        pixels[place], labels[place] = small, index + 1
    sizes = {each.mpp for each in tiles}
    known = next(iter(sizes)) if len(sizes) == 1 else None
    mpp = None if known is None else known / scale
    return Sheet(Tile(pixels, mpp, tiles[0].source), labels)


def _scaled(pixels: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1.0:
        return pixels
    height, width = pixels.shape[:2]
    size = max(int(width * scale), 1), max(int(height * scale), 1)
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BOX)
    return np.asarray(image, np.uint8)
