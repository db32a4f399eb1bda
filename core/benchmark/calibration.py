"""Which pixels a model is calibrated on when nobody says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from core.nuclei import to_input, to_model_grid
from core.types import Tile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from core.benchmark.tasks import Task
    from core.models import LoadedModel

_T = TypeVar("_T")
_SIDE = 256
_PATCHES = 8
_TILES = 8


def calibration_tiles(task: Task[Any]) -> list[Tile]:
    """Return the tiles that a window calibrates on: those open, and other tissue.

    Parameters
    ----------
    task
        Its tiles are used without their ground truth. The built-in samples are
        added for nuclei, but not for a classifier: other stains than its own say
        little about what its layers read.
    """
    own = spread_out([each.tile for each in task.tiles], _TILES)
    if task.name == "patch":
        return own
    from core.images.samples import SAMPLES, load_sample

    others = [load_sample(name).tile for name in SAMPLES]
    known = [each.pixels for each in own]
    return own + [
        tile
        for tile in others
        if not any(np.array_equal(tile.pixels, pixels) for pixels in known)
    ]


def spread_out(tiles: Sequence[_T], most: int) -> list[_T]:
    """Return evenly spaced ones, the first and the last among them."""
    chosen = np.linspace(0, len(tiles) - 1, min(most, len(tiles)))
    return [tiles[index] for index in np.unique(chosen.round().astype(int))]


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
    seen = [to_model_grid(tile, model.spec) for tile in tiles]
    found = [
        to_input(model, patch) for tile in seen for patch in _spread(tile, each, side)
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
