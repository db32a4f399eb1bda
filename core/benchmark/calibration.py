"""Which tiles a model is calibrated on: one default everywhere, or those chosen.

To read this file, start from `choose_calibration`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from core.nuclei import to_input, to_model_grid
from core.types import Tile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from core.benchmark.model import PrunableModel
    from core.benchmark.tasks import Task
    from core.models import LoadedModel

_T = TypeVar("_T")
_SIDE = 256
_PATCHES = 8
_TILES = 8
_NAMED = 4  # tiles that are named one by one


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The unlabelled tiles that activation statistics of a model are read from.

    They are a part of every result: other tiles give other pruned models.

    Parameters
    ----------
    tiles
        At least one.
    """

    tiles: tuple[Tile, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each tile: that of its file, or of the built-in sample."""
        return tuple(Path(tile.source).name or "tile" for tile in self.tiles)

    @property
    def digest(self) -> str:
        """Hash of all pixels, 16 hexadecimal digits."""
        found = hashlib.sha256()
        for tile in self.tiles:
            found.update(repr((tile.pixels.shape, tile.mpp)).encode())
            found.update(np.ascontiguousarray(tile.pixels).tobytes())
        return found.hexdigest()[:16]

    @property
    def words(self) -> str:
        """The tiles in a few words."""
        names = self.names
        if len(names) <= _NAMED:
            return ", ".join(names)
        return f"{len(names)} tiles, {names[0]} to {names[-1]}"

    def as_dict(self) -> dict[str, Any]:
        """Return what is written beside results, ready for JSON."""
        return {"tiles": list(self.names), "digest": self.digest}


def choose_calibration(
    task: Task[Any], chosen: Sequence[Tile] | None = None
) -> Calibration:
    """Return the tiles that a model is calibrated on, the same on every surface.

    Parameters
    ----------
    task
        Its tiles are used without their ground truth, eight at most. The built-in
        samples are added for nuclei, but not for a classifier: other stains than its
        own say little about what its layers read.
    chosen
        Tiles to use instead, evenly spaced ones of many.
    """
    if chosen:
        return Calibration(tuple(spread_out(chosen, _TILES)))
    own = spread_out([each.tile for each in task.tiles], _TILES)
    return Calibration(tuple(own) if task.name == "patch" else with_samples(own))


def with_samples(own: Sequence[Tile]) -> tuple[Tile, ...]:
    """Return tiles, followed by the built-in samples that are not among them."""
    from core.images.samples import SAMPLES, load_sample

    others = [load_sample(name).tile for name in SAMPLES]
    known = [each.pixels for each in own]
    return (
        *own,
        *(
            tile
            for tile in others
            if not any(np.array_equal(tile.pixels, pixels) for pixels in known)
        ),
    )


def prepare(
    model: LoadedModel, used: Calibration, before: PrunableModel | None = None
) -> PrunableModel:
    """Trace a model and cut its calibration inputs.

    Parameters
    ----------
    model
        Dense.
    used
        What it is calibrated on.
    before
        The same model as it was made ready before: its graph is used again.
    """
    from core.benchmark.model import PrunableModel

    inputs = calibration_inputs(model, used.tiles)
    graph = before.graph if before is not None and before.model is model else None
    return PrunableModel(model, counting_input(model), inputs, graph)


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
