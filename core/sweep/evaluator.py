"""One model over all tiles: everything that is worked out once and kept.

The graph, the statistics, the dense predictions and the scores of each
heuristic are computed at first need; tiles are worked on in parallel.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from core.benchmark import Material, PrunableModel, calibration_inputs, counting_input
from core.benchmark.model import to_inference_layout
from core.errors import InputError
from core.job import Job
from core.metrics import Scores, score_instances
from core.models import LoadedModel
from core.nuclei import instances, raw_maps, to_input
from core.pruning import Plan
from core.store import Overall, TileResult
from core.sweep.folder import SweepTile
from core.sweep.parallel import each
from core.sweep.patches import Floats, classify, patch_results, patch_truth
from core.sweep.provenance import weights_hash
from core.types import Prediction, PruneRequest

_CALIBRATION_TILES = 8


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
        All tiles; evenly spaced ones among them serve for calibration, without
        their labels.

    Raises
    ------
    InputError
        When the ground truth is not of the kind that the model is scored by.
    """

    def __init__(self, model: LoadedModel, tiles: tuple[SweepTile, ...]) -> None:
        # networks take a third less time so laid out, and a window lays them out so
        to_inference_layout(model.module)
        self.model = model
        self.tiles = tiles
        self.classifies = model.spec.task == "patch"
        if self.classifies:
            self._truth = patch_truth(model, tiles)
        else:
            _check_nuclei(model, tiles)
        self.weights = weights_hash(model)
        chosen = np.linspace(0, len(tiles) - 1, min(_CALIBRATION_TILES, len(tiles)))
        used = [tiles[index] for index in np.unique(chosen.round().astype(int))]
        self.calibration = tuple(tile.name for tile in used)
        self.material = Material(
            [tile.tile for tile in used], [tile.tile for tile in tiles]
        )
        inputs = calibration_inputs(model, [tile.tile for tile in used])
        self.prunable = PrunableModel(model, counting_input(model), inputs)
        self._dense: list[Prediction] | None = None
        self._dense_scores: list[Scores | None] = []
        self._dense_shares: Floats | None = None

    @property
    def example(self) -> Tensor:
        """What latency is measured on: the first tile, at most one patch of it."""
        side = self.model.spec.window[0]
        first = self.tiles[0].tile
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

    def evaluate(self, module: nn.Module, job: Job) -> Evaluation:
        """Score a pruned network on every tile."""
        if self.classifies:
            self.dense_shares(job)
            return self.judge(self.shares(module, job), job)
        dense = self._dense_predictions(job)
        before = self._dense_scores

        def one(index: int) -> TileResult:
            tile = self.tiles[index]
            found = self._predict(module, tile)
            truth = None if tile.labels is None else score(tile.labels, found)
            old = before[index]
            agreement = score(dense[index].labels, found, dense[index].classes)
            return TileResult(
                tile.name,
                None if old is None else old.as_dict(),
                None if truth is None else truth.as_dict(),
                agreement.as_dict(),
            )

        def score(
            first: NDArray[np.int32],
            second: Prediction,
            classes: NDArray[np.int64] | None = None,
        ) -> Scores:
            types = classes, second.classes
            return score_instances(first, second.labels, types=types)

        return Evaluation(tuple(each(one, len(self.tiles), job, "finding nuclei")))

    def judge(self, pruned: Floats, job: Job) -> Evaluation:
        """Score a pruned classifier by its probabilities, see `shares`."""
        dense = self.dense_shares(job)
        return Evaluation(*patch_results(self.tiles, self._truth, dense, pruned))

    def shares(self, module: nn.Module, job: Job) -> Floats:
        """Classify all tiles; probabilities, float64 (n, k)."""

        def one(index: int) -> Floats:
            return classify(self.model, module, self.tiles[index])

        return np.array(each(one, len(self.tiles), job, "classifying patches"))

    def dense_shares(self, job: Job) -> Floats:
        """Probabilities of the dense classifier, computed at first need."""
        if self._dense_shares is None:
            self._dense_shares = self.shares(self.model.module, job)
        return self._dense_shares

    def _dense_predictions(self, job: Job) -> list[Prediction]:
        if self._dense is None:
            module = self.model.module

            def one(index: int) -> Prediction:
                return self._predict(module, self.tiles[index])

            what = "finding nuclei with the dense model"
            found = each(one, len(self.tiles), job, what)
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


def _check_nuclei(model: LoadedModel, tiles: tuple[SweepTile, ...]) -> None:
    if any(tile.target for tile in tiles):
        raise InputError(
            f"{model.spec.name} finds nuclei, but these tiles have tissue classes; "
            "give a folder with label images in labels/, or without any."
        )
