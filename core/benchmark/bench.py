"""One model on one tile: the rounds that everything else asks for.

To read this file, start from `Bench.prune`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Self

import numpy as np

from core.benchmark.calibration import calibration_inputs, counting_input
from core.benchmark.model import PrunableModel, to_inference_layout
from core.benchmark.recovery import Material, Tuned, TunedModels, summary_of
from core.errors import InputError
from core.job import Job
from core.latency import QUICK, compare
from core.metrics import (
    nucleus_changes,
    overlap,
    score_instances,
    score_intervals,
    score_overlap,
)
from core.nuclei import forward, instances, raw_maps, to_input
from core.nuclei.quantised import moved, quantised
from core.pruning import find_method
from core.results import DenseOutcome, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from core.latency import Comparison, LatencyProcess, TimingSettings
    from core.models import LoadedModel
    from core.pruning import Plan
    from core.results import ScoreMap, SizeCurve
    from core.training import Progress
    from core.types import Prediction, PruneRequest, Recovery, Tile


class Bench:
    """A model, a tile and what the dense model finds in it.

    Not thread-safe: one worker owns it.

    Parameters
    ----------
    prunable
        The model, traced.
    tile
        What it looks at.
    labels, classes
        Ground truth, int32 (height, width) and int64 (n,), or None.
    """

    def __init__(
        self,
        prunable: PrunableModel,
        tile: Tile,
        labels: NDArray[np.int32] | None,
        classes: NDArray[np.int64] | None,
    ) -> None:
        self.prunable = prunable
        self.tile = tile
        self.labels = labels
        self.classes = classes
        self._last: tuple[PruneRequest, nn.Module, Plan] | None = None
        self._input: Tensor | None = None
        self._maps: Mapping[str, NDArray[np.uint8]] = {}  # of the last prediction
        self._dense_maps: Mapping[str, NDArray[np.uint8]] = {}
        self._tunings = TunedModels()
        self._calibration: Sequence[Tile] | None = None
        self.dense: DenseOutcome

    @classmethod
    def open(  # noqa: PLR0913 - everything a round depends on
        cls,
        model: LoadedModel,
        tile: Tile,
        labels: NDArray[np.int32] | None = None,
        classes: NDArray[np.int64] | None = None,
        job: Job | None = None,
        *,
        calibration: Sequence[Tile] | None = None,
        before: Bench | None = None,
    ) -> Self:
        """Trace the model, run it over the tile and score it.

        Parameters
        ----------
        model, tile
            What to open.
        labels, classes
            Ground truth, or None: scores are then agreement with the dense model.
            Classes are types as the model numbers them.
        job
            Progress and cancel.
        calibration
            Unlabelled tiles to read activation statistics from; the open tile
            and the built-in samples when left out.
        before
            A bench whose model is used again, graph and statistics included,
            when it is the same.

        Raises
        ------
        InputError
            When the label map has another size than the tile.
        """
        job = job or Job()
        if labels is not None and labels.shape != tile.pixels.shape[:2]:
            height, width = tile.pixels.shape[:2]
            raise InputError(
                f"The label image is {labels.shape[1]}x{labels.shape[0]} and the tile "
                f"{width}x{height}: pass the labels of this tile."
            )
        to_inference_layout(model.module)
        seconds: dict[str, float] = {}
        if before is not None and before.prunable.model is model:
            prunable = before.prunable
        else:
            job.step(0, 3, "tracing the model")
            with _timed(seconds, "trace"):
                tiles = [tile, *_samples()] if calibration is None else calibration
                inputs = calibration_inputs(model, tiles)
                prunable = PrunableModel(model, counting_input(model), inputs)
        bench = cls(prunable, tile, labels, classes)
        bench._calibration = calibration
        job.step(1, 3, "finding nuclei with the whole model")
        prediction = bench._predict(model.module, job, seconds)
        bench._dense_maps = bench._maps
        bench.dense = DenseOutcome(
            prediction=prediction,
            counts=prunable.counts,
            input_size=prunable.input_size,
            scores=bench._against_truth(prediction),
            seconds=seconds,
        )
        return bench

    def curve(self, request: PruneRequest, job: Job | None = None) -> SizeCurve:
        """Return sizes along the whole slider for one heuristic and scope."""
        return self.prunable.curve(request, job)

    def prune(
        self,
        request: PruneRequest,
        job: Job | None = None,
        live: Callable[[Outcome], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Outcome:
        """Prune, repair, predict and compare.

        Parameters
        ----------
        request
            Which pruned model.
        job
            Progress and cancel.
        live
            Called every few seconds of a fine-tuning with what the model finds by
            then, at first when it is refitted only.
        on_progress
            Called a few times a second of a fine-tuning with how far it is.

        Raises
        ------
        PruningError
            When the request cannot be met.
        Cancelled
            When the job was cancelled.
        """
        job = job or Job()
        seconds: dict[str, float] = {}
        job.step(0, 0, "pruning")
        if request.recovery == "finetune":
            tuned = self._tuned(request, job, seconds, live, on_progress)
            module, plan, training = tuned.module, tuned.plan, tuned.summary
        else:
            (module, plan), training = self.pruned(request, job, seconds), None
        job.step(0, 0, "finding nuclei with the pruned model")
        return replace(
            self._judge(request, module, plan, job, seconds), training=training
        )

    def _judge(
        self,
        request: PruneRequest,
        module: nn.Module,
        plan: Plan,
        job: Job,
        seconds: dict[str, float],
    ) -> Outcome:
        prediction = self._predict(module, job, seconds)
        with _timed(seconds, "scores"):
            before = self.dense.prediction
            pairs = overlap(before.labels, prediction.labels)
            types = before.classes, prediction.classes
            agreement = score_overlap(pairs, types=types).by_name()
            scores = None
            if self.labels is not None:
                pairs = overlap(self.labels, prediction.labels)
                types = self.classes, prediction.classes
                scores = score_overlap(pairs, types=types).by_name()
            changes = nucleus_changes(
                before.labels, prediction.labels, before.classes, prediction.classes
            )
        with _timed(seconds, "maps"):
            change = moved(self._dense_maps, self._maps)
        with _timed(seconds, "intervals"):
            intervals = score_intervals(pairs)
        return Outcome(
            request=request,
            plan_hash=plan.hash,
            counts=self.prunable.sizes(plan),
            prediction=prediction,
            scores=scores,
            agreement=agreement,
            intervals=intervals,
            changes=changes,
            widths=self.prunable.widths(plan),
            warnings=plan.warnings,
            seconds=seconds,
            moved=change,
        )

    def _tuned(
        self,
        request: PruneRequest,
        job: Job,
        seconds: dict[str, float],
        live: Callable[[Outcome], None] | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Tuned:
        """Return a fine-tuned model; it is trained unless that was done before."""
        known = self._tunings.get(request)
        if known is not None and known.complete:
            return known
        with _timed(seconds, "plan"):
            plan = self.prunable.plan(request, job)

        def look(module: nn.Module) -> None:
            if live is not None and not job.cancelled:
                live(self._judge(request, module, plan, Job(), {}))

        if live is not None:
            repairs = find_method(request).recoveries
            first: Recovery = "refit" if "refit" in repairs else "none"
            look(self.pruned(replace(request, recovery=first), job)[0])
        tiles, on_snapshot = self._unlabelled(), look if live else None
        material = Material(tiles, [self.tile], on_snapshot, on_progress)
        with _timed(seconds, "training"):
            trained = self.prunable.finetune(request, plan, material, job)
        tuned = Tuned(to_inference_layout(trained.module), plan, summary_of(trained))
        self._tunings.add(request, tuned)
        job.step(0, 0, "fine-tuned")  # stops here when it was cancelled
        return tuned

    def _unlabelled(self) -> list[Tile]:
        """Return tiles to learn the dense model's outputs on, the open one first."""
        others = _samples() if self._calibration is None else self._calibration
        same = self.tile.pixels
        return [
            self.tile,
            *(tile for tile in others if not np.array_equal(tile.pixels, same)),
        ]

    def pruned(
        self,
        request: PruneRequest,
        job: Job | None = None,
        seconds: dict[str, float] | None = None,
    ) -> tuple[nn.Module, Plan]:
        """Return the pruned module and its plan; the last one is kept.

        One whose fine-tuning was stopped early is returned as it was then.
        """
        if request.recovery == "finetune":
            tuned = self._tunings.get(request) or self._tuned(
                request, job or Job(), {} if seconds is None else seconds
            )
            return tuned.module, tuned.plan
        if self._last is not None and self._last[0] == request:
            return self._last[1], self._last[2]
        seconds = {} if seconds is None else seconds
        with _timed(seconds, "plan"):
            plan = self.prunable.plan(request, job)
        with _timed(seconds, "build"):
            module = to_inference_layout(self.prunable.build(request, plan, job))
        self._last = request, module, plan
        return module, plan

    def compare(
        self,
        request: PruneRequest,
        job: Job | None = None,
        *,
        settings: TimingSettings = QUICK,
        process: LatencyProcess | None = None,
    ) -> Comparison:
        """Measure the network alone, dense against pruned, on the tile's input.

        Parameters
        ----------
        request
            Which pruned model.
        job
            Progress and cancel.
        settings
            How long to measure.
        process
            A measuring process that is already there; else one is started and
            ended.

        Raises
        ------
        PruningError
            When the request cannot be met.
        Cancelled
            When the job was cancelled.
        """
        module, _ = self.pruned(request, job)
        found = compare(
            self.prunable.model.module,
            module,
            self._example(),
            settings=settings,
            job=job,
            process=process,
        )
        return replace(found, request=request, pixels=self._pixels_timed)

    @property
    def _pixels_timed(self) -> int:
        """Pixels of tissue that one timed call stands for.

        The tile where the network takes it whole, else the part of a patch that is
        kept.
        """
        height, width = self.tile.pixels.shape[:2]
        whole, kept = self.prunable.model.spec.window
        return height * width if max(height, width) <= whole else kept**2

    def _example(self) -> Tensor:
        """Return what the network is fed with: the whole tile, or one patch."""
        if self._input is not None:
            return self._input
        side = self.prunable.model.spec.window[0]
        corner = np.ascontiguousarray(self.tile.pixels[:side, :side])
        return to_input(self.prunable.model, replace(self.tile, pixels=corner))

    def export(self, request: PruneRequest, job: Job | None = None) -> LoadedModel:
        """Return the pruned model as one that `core.models.save_model` writes."""
        module, plan = self.pruned(request, job)
        return self.prunable.exported(module, plan)

    def _predict(
        self, module: nn.Module, job: Job, seconds: dict[str, float]
    ) -> Prediction:
        model = self.prunable.model
        spec = model.spec
        with _timed(seconds, "network"):
            if max(self.tile.pixels.shape[:2]) <= spec.window[0]:
                if self._input is None:
                    self._input = to_input(model, self.tile)
                shape = self.tile.pixels.shape[0], self.tile.pixels.shape[1]
                maps = forward(module, spec, self._input, shape)
            else:
                maps = raw_maps(replace(model, module=module), self.tile, job)
        with _timed(seconds, "maps"):
            self._maps = quantised(maps)
        with _timed(seconds, "instances"):
            return instances(maps, spec)

    def _against_truth(self, prediction: Prediction) -> ScoreMap | None:
        if self.labels is None:
            return None
        types = self.classes, prediction.classes
        return score_instances(self.labels, prediction.labels, types=types).by_name()


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + perf_counter() - start


def _samples() -> list[Tile]:
    """Return the built-in tiles: other tissue than the one that is open."""
    from core.images.samples import SAMPLES, load_sample

    return [load_sample(name).tile for name in SAMPLES]
