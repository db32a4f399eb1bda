"""One model on its tiles: the rounds that everything else asks for.

To read this file, start from `Bench.prune`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from core.benchmark.calibration import Calibration, choose_calibration, prepare
from core.benchmark.growing import Growing
from core.benchmark.model import PrunableModel, to_inference_layout
from core.benchmark.recovery import Material, Tuned, TunedModels, summary_of
from core.benchmark.tasks import make_task
from core.benchmark.tasks.nuclei import timed
from core.benchmark.tasks.parallel import each
from core.job import Job
from core.latency import QUICK, compare
from core.nuclei import Scale, find_scale, to_input, to_model_grid
from core.pruning import find_method
from core.types import LabelledTile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from core.benchmark.tasks import Task
    from core.latency import Comparison, LatencyProcess, TimingSettings
    from core.models import LoadedModel
    from core.pruning import Plan
    from core.results import Outcome, SizeCurve
    from core.training import Progress
    from core.types import PruneRequest, Recovery, Tile


class Bench(Growing):
    """A model, its tiles and what the dense model says of them.

    Not thread-safe: one worker owns it.

    Parameters
    ----------
    prunable
        The model, traced.
    task
        The tiles, and how a network is judged on them.
    calibration
        What the model is calibrated on.
    """

    def __init__(
        self, prunable: PrunableModel, task: Task[Any], calibration: Calibration
    ) -> None:
        self.prunable, self.task, self.calibration = prunable, task, calibration
        self._last: tuple[PruneRequest, nn.Module, Plan] | None = None
        self._tunings = TunedModels()
        self._shown: list[Any] = []  # the last pruned model's answers
        self.dense_answers: list[Any] = []  # the dense model's answers, tile by tile

    @property
    def tile(self) -> Tile:
        """What a window shows: the tile, or a sheet of all patches."""
        return self.task.picture

    @property
    def labels(self) -> NDArray[np.int32] | None:
        """Ground truth of nuclei, int32 (height, width), or None."""
        return self.task.tiles[0].labels

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
        """Open one tile; see `open_tiles`.

        Parameters
        ----------
        model, tile
            What to open.
        labels, classes
            Ground truth, or None: scores are then agreement with the dense model.
            Classes are types as the model numbers them.
        job, calibration, before
            As of `open_tiles`.

        Raises
        ------
        InputError
            When the label map has another size than the tile.
        """
        name = Path(tile.source).stem or "tile"
        only = LabelledTile(name, tile, labels, classes=classes)
        return cls.open_tiles(
            model, [only], job, calibration=calibration, before=before
        )

    @classmethod
    def open_tiles(
        cls,
        model: LoadedModel,
        tiles: Sequence[LabelledTile],
        job: Job | None = None,
        *,
        calibration: Sequence[Tile] | None = None,
        before: Bench | None = None,
        first: bool = False,
    ) -> Self:
        """Trace the model, run it over all tiles and score it.

        Parameters
        ----------
        model
            Dense.
        tiles
            One tile for a model that finds nuclei; one or many for a classifier.
        job
            Progress and cancel.
        calibration
            See `choose_calibration`.
        before
            A bench whose model is used again when it is the same: its graph, and
            its statistics, too, where the calibration tiles are.
        first
            Whether the dense model need see only a part of a large tile by now: see
            `Growing.finish_dense`.

        Raises
        ------
        InputError
            When the ground truth is not of the kind that the model is scored by.
        """
        job = job or Job()
        task = make_task(model, tiles, keep_maps=True)
        to_inference_layout(model.module)
        seconds: dict[str, float] = {}
        used = choose_calibration(task, calibration)
        old = before.prunable if before is not None else None
        if old is not None and before is not None and old.model is model:
            same = before.calibration.digest == used.digest
            prunable = old if same else prepare(model, used, old)
        else:
            job.step(0, 3, "tracing the model")
            with timed(seconds, "trace"):
                prunable = prepare(model, used)
        bench = cls(prunable, task, used)
        job.step(1, 3, f"{task.describe().finding} with the dense model")
        bench.see_dense(job, seconds, first=first)
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
            Progress and cancel; which part is looked at, and whether only that is
            wanted.
        live
            Called with what is found by then: of parts of the tile, and every few
            seconds of a fine-tuning, at first when it is refitted only.
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
        job.step(0, 0, f"{self.task.describe().finding} with the pruned model")
        if job.visible_only and self.parts is not None and training is None:
            found = self.grow(request, (module, plan), job, live or (lambda _: None))
            if found is not None:
                return found
        growing = live if training is None else None
        return replace(
            self.judge(request, module, plan, job, seconds, growing),
            training=training,
        )

    def judge(
        self,
        request: PruneRequest,
        module: nn.Module,
        plan: Plan,
        job: Job,
        seconds: dict[str, float],
        live: Callable[[Outcome], None] | None = None,
    ) -> Outcome:
        """Let a pruned module see the tiles, and compare; see `prune`."""
        if self.parts is None:
            answers = self._answers(module, job, seconds)
        else:
            network = module, plan
            answers = [self.finish_tile(request, network, job, seconds, live)]
        self._shown = answers
        return self._outcome(request, plan, answers, seconds)

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
        with timed(seconds, "plan"):
            plan = self.prunable.plan(request, job)

        def look(module: nn.Module) -> None:
            if live is not None and not job.cancelled:
                live(self.judge(request, module, plan, Job(), {}))

        if live is not None:
            repairs = find_method(request).recoveries
            first: Recovery = "refit" if "refit" in repairs else "none"
            look(self.pruned(replace(request, recovery=first), job)[0])
        spec, on_snapshot = self.prunable.model.spec, look if live else None
        tiles = [to_model_grid(tile, spec) for tile in self._unlabelled()]
        scored = [to_model_grid(one.tile, spec) for one in self.task.tiles]
        place = self._tunings.checkpoint(request) if live is not None else None
        material = Material(tiles, scored, on_snapshot, on_progress, place)
        with timed(seconds, "training"):
            trained = self.prunable.finetune(request, plan, material, job)
        tuned = Tuned(to_inference_layout(trained.module), plan, summary_of(trained))
        self._tunings.add(request, tuned)
        job.step(0, 0, "fine-tuned")  # stops here when it was cancelled
        return tuned

    def _unlabelled(self) -> Sequence[Tile]:
        """Return tiles to learn the dense model's outputs on, the open ones first."""
        own = [one.tile for one in self.task.tiles]
        mine = {id(tile.pixels) for tile in own}
        others = (t for t in self.calibration.tiles if id(t.pixels) not in mine)
        return [*own, *others]

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
        with timed(seconds, "plan"):
            plan = self.prunable.plan(request, job)
        with timed(seconds, "build"):
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
            self.example(),
            settings=settings,
            job=job,
            process=process,
        )
        return replace(found, request=request, pixels=self.pixels_timed)

    @property
    def pixels_timed(self) -> int:
        """Pixels of tissue that one timed call stands for.

        The tile where the network takes it whole, else the part of a patch that is
        kept.
        """
        height, width = self._first.pixels.shape[:2]
        whole, kept = self.prunable.model.spec.window
        seen = height * width if max(height, width) <= whole else kept**2
        return round(seen / self.scale.factor**2)

    @property
    def scale(self) -> Scale:
        """How pixels of the (first) tile relate to the model's."""
        return find_scale(self.task.tiles[0].tile, self.prunable.model.spec)

    @property
    def _first(self) -> Tile:
        """The first tile as the network sees it."""
        return to_model_grid(self.task.tiles[0].tile, self.prunable.model.spec)

    def _notes(self) -> tuple[str, ...]:
        """Sentences about the (first) tile that its numbers depend on."""
        told = (*self.prunable.model.notes, *self.task.tiles[0].tile.notes)
        if self.scale.deserves_a_note:
            told = (*told, self.scale.describe())
        if self.dense_begun is not None:  # a part of a tile may well look unlike it
            return told
        told = (*told, *self.kept_notes)
        return (*told, *self.task.doubts(self.dense_answers))

    def example(self) -> Tensor:
        """Return what the network is fed with: the first tile, or one window of it."""
        side, first = self.prunable.model.spec.window[0], self._first
        corner = np.ascontiguousarray(first.pixels[:side, :side])
        return to_input(self.prunable.model, replace(first, pixels=corner))

    def _answers(
        self, module: nn.Module, job: Job, seconds: dict[str, float]
    ) -> list[Any]:
        """Return what a network says of each tile."""
        count = len(self.task.tiles)
        if count == 1:
            return [self.task.predict(module, 0, job, seconds)]
        words = self.task.describe().finding
        with timed(seconds, "network"):
            return each(
                lambda index: self.task.predict(module, index), count, job, words
            )

    def export(self, request: PruneRequest, job: Job | None = None) -> LoadedModel:
        """Return the pruned model as one that `core.models.save_model` writes."""
        module, plan = self.pruned(request, job)
        return self.prunable.exported(module, plan)
