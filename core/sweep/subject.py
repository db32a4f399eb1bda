"""One model over all tiles: everything that is worked out once and kept.

The graph, the statistics, the dense predictions and the scores of each
heuristic are computed at first need; tiles are worked on in parallel.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.benchmark import PrunableModel, calibration_inputs
from core.job import Job
from core.metrics import Scores, score_instances
from core.models import LoadedModel
from core.nuclei import instances, raw_maps, to_input
from core.pruning import PruningPlan
from core.store import TileResult
from core.sweep.folder import SweepTile
from core.sweep.provenance import weights_hash
from core.types import Prediction, PruneRequest

_T = TypeVar("_T")
_CALIBRATION_TILES = 8


class Subject:
    """A model made ready for a sweep.

    Parameters
    ----------
    model
        Dense.
    tiles
        All tiles; evenly spaced ones among them serve for calibration, without
        their labels.
    """

    def __init__(self, model: LoadedModel, tiles: tuple[SweepTile, ...]) -> None:
        self.model = model
        self.tiles = tiles
        self.weights = weights_hash(model)
        chosen = np.linspace(0, len(tiles) - 1, min(_CALIBRATION_TILES, len(tiles)))
        used = [tiles[index] for index in np.unique(chosen.round().astype(int))]
        self.calibration = tuple(each.name for each in used)
        inputs = calibration_inputs(model, [each.tile for each in used])
        self.prunable = PrunableModel(model, inputs[0], inputs)
        self._dense: list[Prediction] | None = None
        self._dense_scores: list[Scores | None] = []

    @property
    def example(self) -> Tensor:
        """What latency is measured on: the first tile, at most one patch of it."""
        side = self.model.spec.window[0]
        first = self.tiles[0].tile
        part = np.ascontiguousarray(first.pixels[:side, :side])
        return to_input(self.model, replace(first, pixels=part))

    def plan(self, request: PruneRequest, job: Job) -> PruningPlan:
        """Make a plan; a heuristic is scored once for all its sparsities.

        Raises
        ------
        PruningError
            When the request cannot be met.
        """
        return self.prunable.plan(request, job)

    def evaluate(self, module: nn.Module, job: Job) -> tuple[TileResult, ...]:
        """Score a pruned network on every tile."""
        dense = self._dense_predictions(job)
        before = self._dense_scores

        def one(index: int) -> TileResult:
            tile = self.tiles[index]
            found = self._predict(module, tile)
            truth = None if tile.labels is None else score(tile.labels, found)
            old = before[index]
            agreement = score(dense[index].labels, found)
            return TileResult(
                tile.name,
                None if old is None else old.as_dict(),
                None if truth is None else truth.as_dict(),
                agreement.as_dict(),
            )

        def score(first: NDArray[np.int32], second: Prediction) -> Scores:
            return score_instances(first, second.labels)

        return tuple(_each(one, len(self.tiles), job, "finding nuclei"))

    def _dense_predictions(self, job: Job) -> list[Prediction]:
        if self._dense is None:
            module = self.model.module

            def one(index: int) -> Prediction:
                return self._predict(module, self.tiles[index])

            what = "finding nuclei with the dense model"
            found = _each(one, len(self.tiles), job, what)
            pairs = zip(self.tiles, found, strict=True)
            self._dense_scores = [
                None if t.labels is None else score_instances(t.labels, p.labels)
                for t, p in pairs
            ]
            self._dense = found
        return self._dense

    def _predict(self, module: nn.Module, tile: SweepTile) -> Prediction:
        maps = raw_maps(replace(self.model, module=module), tile.tile)
        return instances(maps, self.model.spec)


def _each(work: Callable[[int], _T], count: int, job: Job, what: str) -> list[_T]:
    """Do independent pieces of work on all cores, in order, cancellable."""
    with _one_thread_each() as pool:
        futures = [pool.submit(work, index) for index in range(count)]
        try:
            found = []
            for index, future in enumerate(futures):
                job.step(index, count, what)
                found.append(future.result())
            return found
        finally:
            for future in futures:
                future.cancel()


@contextmanager
def _one_thread_each() -> Iterator[ThreadPoolExecutor]:
    """One worker a core, one torch thread a worker: tiles are small.

    On two cores this finishes 1.5 to 2 times as many tiles as one worker whose
    operations are split in two.
    """
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(os.cpu_count() or 1, initializer=_prepare_worker)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(before)


def _prepare_worker() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # holds for the thread that sets it only
