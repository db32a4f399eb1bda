"""Nuclei of a part of a tile: read from a mosaic, or cut from those of the whole.

To read this file, start from `NucleiParts`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.benchmark.tasks.nuclei import NucleiAnswer, timed
from core.nuclei import instances, maps_to_tile_grid, to_tile_grid
from core.nuclei.mosaic import Mosaic
from core.nuclei.quantised import quantised
from core.rects import build_mask, cover_rect, crop_rect, find_box, scale_rect
from core.results import Part
from core.types import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import nn

    from core.benchmark.tasks.nuclei import NucleiTask
    from core.nuclei import Maps
    from core.rects import Rect


class NucleiParts:
    """Answers for parts of the only tile of a task.

    Parameters
    ----------
    task
        With one tile.
    """

    def __init__(self, task: NucleiTask) -> None:
        self.task = task
        self._seen = task.seen_by_model(0)
        height, width = task.tiles[0].tile.pixels.shape[:2]
        self.size = width, height
        self.factor = self._seen.pixels.shape[1] / width
        # Sides are rounded apart: with one factor the last row would be out of reach.
        self._factors = self.factor, self._seen.pixels.shape[0] / height

    def start(self, module: nn.Module) -> Mosaic:
        """Return the mosaic of a network, of which nothing is known yet."""
        return Mosaic(replace(self.task.model, module=module), self._seen)

    def to_model(self, part: Rect | None) -> Rect:
        """Return a part of the tile in pixels that the network sees; None: all.

        What `describe` says of it covers the part.
        """
        height, width = self._seen.pixels.shape[:2]
        if part is None:
            return 0, 0, width, height
        seen = cover_rect(crop_rect(part, self.size), self._factors)
        return crop_rect(seen, (width, height))

    def describe(self, mosaic: Mosaic, done: Sequence[Rect], *, whole: bool) -> Part:
        """Return the part of the tile that some pixels of the network's are."""
        across, down = self._factors
        own = tuple(
            crop_rect(scale_rect(rect, 1 / across, 1 / down), self.size)
            for rect in done
        )
        return Part(own, self.size, whole, (mosaic.finished, mosaic.total))

    def read(
        self, maps: Maps, done: Sequence[Rect], part: Part, seconds: dict[str, float]
    ) -> NucleiAnswer:
        """Find the nuclei of a part.

        Parameters
        ----------
        maps
            Of the box around it, as the network sees it.
        done
            What of them is known, in pixels that the network sees.
        part
            The same, in pixels of the tile.
        seconds
            Durations are added to it.

        Returns
        -------
        NucleiAnswer
            Of the part's box.
        """
        mask = build_mask(done, find_box(done))
        if mask is not None:
            maps = {name: values * mask for name, values in maps.items()}
        shape = part.box[3], part.box[2]
        with timed(seconds, "maps"):
            kept = quantised(maps_to_tile_grid(maps, shape))
        with timed(seconds, "instances"):
            found = to_tile_grid(instances(maps, self.task.model.spec), shape)
        return NucleiAnswer(found, kept)

    def cut(self, answer: NucleiAnswer, part: Part) -> NucleiAnswer:
        """Return the nuclei of a part of those of the whole tile."""
        x, y, width, height = part.box
        rows, columns = slice(y, y + height), slice(x, x + width)
        mask = build_mask(part.done, part.box)
        maps = {
            name: values[..., rows, columns] if mask is None
            else values[..., rows, columns] * mask
            for name, values in answer.maps.items()
        }  # fmt: skip
        labels = _inside(answer.prediction.labels[rows, columns], mask)
        return NucleiAnswer(_numbered(labels, answer.prediction.classes), maps)

    def truth(self, part: Part) -> Prediction | None:
        """Return the ground truth of a part, or None without one."""
        tile = self.task.tiles[0]
        if tile.labels is None:
            return None
        x, y, width, height = part.box
        own = tile.labels[y : y + height, x : x + width]
        mask = build_mask(part.done, part.box)
        return Prediction(_inside(own, mask), tile.classes)


def _inside(
    labels: NDArray[np.int32], mask: NDArray[np.bool_] | None
) -> NDArray[np.int32]:
    return labels if mask is None else np.where(mask, labels, np.int32(0))


def _numbered(
    labels: NDArray[np.int32], classes: NDArray[np.int64] | None
) -> Prediction:
    """Number what is left from 1 on without gaps."""
    left = np.flatnonzero(np.bincount(labels.ravel()))
    left = left[left > 0]
    table = np.zeros(int(left[-1]) + 1 if left.size else 1, np.int32)
    table[left] = np.arange(1, left.size + 1)
    own: Any = None if classes is None else classes[left - 1]
    return Prediction(table[labels], own)
