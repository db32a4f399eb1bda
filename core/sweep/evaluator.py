"""One model over all tiles: everything that is worked out once and kept.

The graph, the statistics, the dense answers and the scores of each heuristic are
computed at first need; tiles are worked on in parallel.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from core.benchmark import Material
from core.benchmark.calibration import choose_calibration, prepare
from core.benchmark.model import to_inference_layout
from core.benchmark.tasks import make_task
from core.benchmark.tasks.parallel import each
from core.nuclei import to_input, to_model_grid
from core.sweep.provenance import weights_hash
from core.sweep.running import Running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from core.job import Job
    from core.models import LoadedModel
    from core.pruning import Plan
    from core.store import Overall, TileResult
    from core.types import LabelledTile, PruneRequest, Tile


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a pruned network does on a folder.

    Parameters
    ----------
    tiles
        Scores tile by tile.
    overall
        Scores that exist only for all tiles together; empty for nuclei models.
    """

    tiles: tuple[TileResult, ...]
    overall: Overall = field(default_factory=dict)


class Subject:
    """A model made ready for a sweep.

    Parameters
    ----------
    model
        Dense.
    tiles
        All tiles.
    calibration
        See `choose_calibration`.
    running
        With what networks run.

    Raises
    ------
    InputError
        When the ground truth is not of the kind that the model is scored by, or the
        network cannot run so here.
    """

    def __init__(
        self,
        model: LoadedModel,
        tiles: tuple[LabelledTile, ...],
        calibration: Sequence[Tile] | None = None,
        running: Running | None = None,
    ) -> None:
        self.running = running or Running()
        self.running.check(model)
        # networks take a third less time so laid out, and a window lays them out so
        to_inference_layout(model.module)
        self.model = model
        self.task = make_task(model, tiles)
        self.weights = weights_hash(model)
        self.calibration = choose_calibration(self.task, calibration)
        learned, scored = (
            [to_model_grid(tile, model.spec) for tile in some]
            for some in (self.calibration.tiles, [tile.tile for tile in tiles])
        )
        self.material = Material(learned, scored)
        self.prunable = prepare(model, self.calibration)
        self._dense: list[Any] | None = None
        self._deployed: nn.Module | None = None  # the dense network

    @property
    def example(self) -> Tensor:
        """What latency is measured on: the first tile, at most one patch of it."""
        side = self.model.spec.window[0]
        first = to_model_grid(self.task.tiles[0].tile, self.model.spec)
        part = np.ascontiguousarray(first.pixels[:side, :side])
        return to_input(self.model, replace(first, pixels=part))

    def plan(self, request: PruneRequest, job: Job) -> Plan:
        """Make a plan; a heuristic is scored once for all its sparsities.

        Raises
        ------
        PruningError
            When the request cannot be met.
        """
        return self.prunable.plan(request, job)

    def build(self, request: PruneRequest, plan: Plan, job: Job) -> nn.Module:
        """Build the pruned network and repair it as the request says.

        Raises
        ------
        PruningError, InputError
            When that cannot be done.
        """
        return to_inference_layout(
            self.prunable.build(request, plan, job, self.material)
        )

    def deploy(self, model: LoadedModel) -> nn.Module:
        """Return a module that runs a network as `running` says.

        Raises
        ------
        ModelError
            When the network cannot be exported.
        """
        if self.running.plain:
            return model.module
        from core.deployment import deploy

        threads = self.running.threads or torch.get_num_threads()
        return deploy(model, self.running.runtime, threads)

    @property
    def dense_module(self) -> nn.Module:
        """The dense network, made ready to run once."""
        if self._deployed is None:
            self._deployed = self.deploy(self.model)
        return self._deployed

    def evaluate(self, module: nn.Module, job: Job) -> Evaluation:
        """Score a pruned network, as `deploy` returned it, on every tile."""
        task, count = self.task, len(self.task.tiles)
        words = task.describe().finding
        dense = self.find_dense(job)

        def one(index: int) -> tuple[Any, TileResult]:
            answer = task.predict(module, index)
            return answer, task.compare(index, dense[index], answer)

        found = each(one, count, job, words)
        overall = task.aggregate(dense, [answer for answer, _ in found])
        return Evaluation(tuple(result for _, result in found), overall)

    def find_dense(self, job: Job) -> list[Any]:
        """Return the dense model's answers on every tile, worked out once."""
        if self._dense is None:
            task, module = self.task, self.dense_module
            self._dense = each(
                lambda index: task.predict(module, index),
                len(task.tiles),
                job,
                f"{task.describe().finding} with the dense model",
            )
        return self._dense

    def prepare(self, job: Job, *, statistics: bool) -> None:
        """Work out now what is the same for all trials, to be sent along.

        Parameters
        ----------
        job
            Progress and cancel.
        statistics
            Whether activations are needed, by a heuristic or a repair.
        """
        if statistics:
            self.prunable.statistics(job)
        self.find_dense(job)
