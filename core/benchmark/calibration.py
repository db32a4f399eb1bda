"""Which pixels a model is calibrated on when nobody says."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from core.models import LoadedModel
from core.nuclei import to_input
from core.types import Tile

_SIDE = 256
_PATCHES = 8


def calibration_inputs(
    model: LoadedModel, tiles: Sequence[Tile], patches: int = _PATCHES
) -> tuple[Tensor, ...]:
    """Cut a few square patches, evenly spread over the tiles.

    Parameters
    ----------
    model
        Whose inputs they become.
    tiles
        At least one; no labels are looked at.
    patches
        How many altogether, at most.

    Returns
    -------
    tuple of Tensor
        (1, 3, h, w) each.
    """
    each = max(1, patches // max(len(tiles), 1))
    side = _side(model)
    found = [
        to_input(model, patch) for tile in tiles for patch in _spread(tile, each, side)
    ]
    return tuple(found[:patches] if len(tiles) <= patches else found)


def counting_input(model: LoadedModel) -> Tensor:
    """Return an input of the size that multiply-accumulates are counted for.

    It is the same for a model wherever it is opened, whatever the tile: 256x256, or
    the window of a network that takes no other size.

    Returns
    -------
    Tensor
        Zeros, (1, 3, h, w).
    """
    side = _side(model)
    device = next(model.module.parameters()).device
    return torch.zeros(1, 3, side, side, device=device)


def _side(model: LoadedModel) -> int:
    """Side of a patch, in pixels."""
    window = model.spec.window[0]
    if model.spec.task == "patch":  # what it learned to see, and is counted for
        return window
    return max(_SIDE, window) if model.spec.reader == "hv" else _SIDE


def _spread(tile: Tile, count: int, side: int) -> Iterator[Tile]:
    """Yield the ``count`` patches with most structure on an even grid."""
    height, width = tile.pixels.shape[:2]
    rows = _starts(height, side)
    columns = _starts(width, side)
    boxes = [(y, x) for y in rows for x in columns]
    crops = [tile.pixels[y : y + side, x : x + side] for y, x in boxes]
    spread = np.array([float(crop[::8, ::8].std()) for crop in crops])
    for index in np.argsort(-spread, kind="stable")[:count]:
        yield Tile(np.ascontiguousarray(crops[index]), tile.mpp, tile.source)


def _starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    number = -(-length // side)
    return [round(k * (length - side) / (number - 1)) for k in range(number)]
