"""Results of a part of the tile: what is looked at first, then more and more.

A tile that a network takes in many patches is pruned for what is on screen before
anything else; its dense model, too, is known for that part first. All other tiles have
one result, of the whole, at once. To read this file, start from `Growing.grow`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any

from core.benchmark.kept import KeptMaps
from core.benchmark.rereading import Rereading
from core.benchmark.tasks.nuclei import (
    NucleiTask,
    compare_answers,
    score_part,
    timed,
)
from core.benchmark.tasks.parts import NucleiParts
from core.nuclei.tiling import describe_finding, finish
from core.rects import find_box, measure_area, overlaps
from core.results import DenseOutcome, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from core.benchmark.tasks.nuclei import NucleiAnswer
    from core.job import Job
    from core.metrics import NucleusChanges
    from core.nuclei import Maps
    from core.nuclei.mosaic import Mosaic
    from core.pruning import Plan
    from core.rects import Rect
    from core.results import Part
    from core.types import PruneRequest

_SLOW = 0.2  # seconds of one pass, from which its middle is shown before
_SHARE = 4  # times as long the network runs as what it found is looked at


@dataclass(frozen=True)
class _Found:
    """What a network has found; where, in pixels of both grids; how long it took."""

    part: Part
    done: tuple[Rect, ...]
    answer: NucleiAnswer
    seconds: dict[str, float]


class Growing(Rereading):
    """The part of a bench that has results before the whole tile is computed."""

    _begun: tuple[nn.Module, Mosaic] | None = None  # the last network, and its maps
    dense_begun: Mosaic | None = None  # None as soon as the dense model has seen all
    _kept: KeptMaps | None = None  # of the dense model
    _seconds: dict[str, float]  # that the dense model took
    _pass = 0.0  # seconds that the last network took for a tile in one pass

    def _answers(
        self, module: nn.Module, job: Job, seconds: dict[str, float]
    ) -> list[Any]:
        raise NotImplementedError

    def _notes(self) -> tuple[str, ...]:
        raise NotImplementedError

    @cached_property
    def parts(self) -> NucleiParts | None:
        """How parts of the tile are read; None where there are none."""
        task = self.task
        if not isinstance(task, NucleiTask) or len(task.tiles) > 1:
            return None
        return NucleiParts(task)

    @property
    def patches(self) -> int:
        """In how many patches a network takes the tile; 1 for a classifier's."""
        if self.parts is None:
            return 1
        return self.parts.start(self.prunable.model.module).total

    @property
    def kept_notes(self) -> tuple[str, ...]:
        """A sentence, once, where the dense result cannot be kept on the disk."""
        note = "" if self._kept is None else self._kept.note
        return (note,) if note else ()

    def _start(self, module: nn.Module) -> Mosaic:
        """Return the mosaic of a network, as far as it has come."""
        assert self.parts is not None
        if self._begun is None or self._begun[0] is not module:
            self._begun = module, self.parts.start(module)
        return self._begun[1]

    def see_dense(self, job: Job, seconds: dict[str, float], *, first: bool) -> None:
        """Let the dense model see the tiles, or the first part of a large one.

        Parameters
        ----------
        job
            Progress and cancel; what is looked at.
        seconds
            Durations are added to it.
        first
            Whether a part is enough, of a tile that takes many patches.
        """
        module, self._seconds = self.prunable.model.module, seconds
        if self.parts is None:
            self._set_dense(self._answers(module, job, seconds))
            return
        self.dense_begun = mosaic = self.parts.start(module)
        self._kept = KeptMaps(mosaic, self.prunable.weights_digest)
        took = self._kept.restore()  # computed once for model, tile and settings
        if took is not None:
            seconds["network"] = took
        if not first or mosaic.complete or mosaic.total == 1:
            self.finish_dense(job)
            return
        part = self.parts.to_model(job.seen)
        with timed(seconds, "network"):
            if mosaic.previews(part):
                mosaic.keep(mosaic.preview(part, job), part)
            else:
                cell = mosaic.find_next(part)
                assert cell is not None
                mosaic.add(cell, job)
        self._set_dense_part(mosaic)

    def finish_dense(self, job: Job, live: Callable[[], None] | None = None) -> None:
        """Let the dense model see the rest of the tile.

        Parameters
        ----------
        job
            Progress and cancel. Patches that are done by then are kept.
        live
            Called when `dense` is of a larger part.
        """
        mosaic, parts, pause = self.dense_begun, self.parts, _Pause()
        if mosaic is None or parts is None:
            return
        with timed(self._seconds, "network"):
            for _ in finish(mosaic, job, parts.factor):
                if live is not None and not mosaic.complete and pause.over():
                    self._set_dense_part(mosaic)
                    live()
                    pause.begin()
        if self._kept is not None:
            self._kept.save(self._seconds["network"])
        answer = parts.task.read(mosaic.maps, 0, self._seconds)
        self.dense_begun = None
        self._set_dense([answer])

    def _set_dense(self, answers: list[Any]) -> None:
        self.dense_answers = answers
        self.dense = DenseOutcome(
            prediction=self.task.drawn(answers),
            counts=self.prunable.counts,
            input_size=self.prunable.input_size,
            scores=self.task.against_truth(answers),
            seconds=self._seconds,
            notes=self._notes(),
        )

    def _set_dense_part(self, mosaic: Mosaic) -> None:
        """Take what the dense model has found by now for its result."""
        assert self.parts is not None
        found = self._read(mosaic, mosaic.done)
        self.dense_answers = [found.answer]
        scores = score_part(found.answer.prediction, self.parts.truth(found.part))
        self.dense = DenseOutcome(
            prediction=found.answer.prediction,
            counts=self.prunable.counts,
            input_size=self.prunable.input_size,
            scores=scores,
            seconds=self._seconds,
            notes=self._notes(),
            part=found.part,
        )

    def grow(
        self,
        request: PruneRequest,
        network: tuple[nn.Module, Plan],
        job: Job,
        live: Callable[[Outcome], None],
    ) -> Outcome | None:
        """Return what a pruned network finds in the part that is looked at.

        None when the network has now seen all patches: see `finish_tile`. The dense
        model is shown the same part, where it has not seen it yet.

        Parameters
        ----------
        request
            Which pruned model.
        network
            It, and its plan.
        job
            Its ``seen`` is the part, in pixels of the tile.
        live
            Called with what is found by then; seldom enough to take little time.
        """
        assert self.parts is not None
        mosaic, part = self._start(network[0]), self.parts.to_model(job.seen)
        if mosaic.previews(part):
            self._show_dense(part, job)
            maps = mosaic.preview(part, job)
            mosaic.keep(maps, part)
            found = self._read(mosaic, (part,), whole=True, maps=maps)
            return self._part_outcome(request, network[1], found)
        pause, what = _Pause(), describe_finding(mosaic)
        while (cell := mosaic.find_next(part, part)) is not None:
            self._show_dense_patch(cell, job)
            mosaic.add(cell, job)
            job.step(mosaic.finished, mosaic.total, what)
            if not mosaic.complete and pause.over():
                self._update_dense()
                found = self._read(mosaic, self._patches_in(mosaic, part))
                live(self._part_outcome(request, network[1], found))
                pause.begin()
            part = self.parts.to_model(job.seen)
        self._update_dense()
        if mosaic.complete:
            return None
        found = self._read(mosaic, self._patches_in(mosaic, part), whole=True)
        return self._part_outcome(request, network[1], found)

    def _show_dense(self, part: Rect, job: Job) -> None:
        """Let the dense model see a part of the tile, in pixels that it sees."""
        mosaic = self.dense_begun
        if mosaic is None or measure_area(mosaic.done, part) == part[2] * part[3]:
            return
        mosaic.keep(mosaic.preview(part, job), part)
        self._set_dense_part(mosaic)

    def _show_dense_patch(self, cell: int, job: Job) -> None:
        mosaic = self.dense_begun
        if mosaic is not None and not mosaic.has(cell):
            mosaic.add(cell, job)

    def _update_dense(self) -> None:
        """Take patches of the dense model that are new into its result."""
        mosaic, part = self.dense_begun, self.dense.part
        if mosaic is None or part is None or part.patches[0] == mosaic.finished:
            return
        self._set_dense_part(mosaic)

    def _patches_in(self, mosaic: Mosaic, part: Rect) -> tuple[Rect, ...]:
        cells = enumerate(mosaic.cells)
        return tuple(c for k, c in cells if mosaic.has(k) and overlaps(c, part))

    def _read(
        self,
        mosaic: Mosaic,
        done: tuple[Rect, ...],
        *,
        whole: bool = False,
        maps: Maps | None = None,
    ) -> _Found:
        """Find nuclei in what is done of a mosaic."""
        assert self.parts is not None
        part = self.parts.describe(mosaic, done, whole=whole)
        seconds: dict[str, float] = {}
        maps = mosaic.read(find_box(done)) if maps is None else maps
        return _Found(part, done, self.parts.read(maps, done, part, seconds), seconds)

    def finish_tile(
        self,
        request: PruneRequest,
        network: tuple[nn.Module, Plan],
        job: Job,
        seconds: dict[str, float],
        live: Callable[[Outcome], None] | None = None,
    ) -> NucleiAnswer:
        """Return what a pruned network finds in the whole tile, what is seen first."""
        assert self.parts is not None
        mosaic, parts, pause = self._start(network[0]), self.parts, _Pause()
        self.finish_dense(job)
        if live is not None and mosaic.total == 1 and self._takes_long(mosaic):
            part = find_middle(parts.to_model(job.seen))
            found = self._read(mosaic, (part,), maps=mosaic.preview(part, job))
            live(self._part_outcome(request, network[1], found))
        begun = perf_counter()
        with timed(seconds, "network"):
            for _ in finish(mosaic, job, parts.factor):
                if live is not None and not mosaic.complete and pause.over():
                    found = self._read(mosaic, mosaic.done)
                    live(self._part_outcome(request, network[1], found))
                    pause.begin()
        self._begun = None
        if mosaic.total == 1:
            self._pass = perf_counter() - begun
        answer: NucleiAnswer = parts.task.read(mosaic.maps, 0, seconds)
        return answer

    def _takes_long(self, mosaic: Mosaic) -> bool:
        """Whether one pass over the tile takes so long that its middle comes first."""
        took = self._pass or self.dense.seconds.get("network", 0.0)
        return not mosaic.complete and took > _SLOW

    def _part_outcome(
        self,
        request: PruneRequest,
        plan: Plan,
        found: _Found,
    ) -> Outcome:
        """Return the result of a part: scores are of that part only."""
        assert self.parts is not None
        part, answer, seconds = found.part, found.answer, found.seconds
        before = self._dense_in(found)
        with timed(seconds, "scores"):
            judged = compare_answers(before, answer, self.parts.truth(part))
        return Outcome(
            request=request,
            plan_hash=plan.hash,
            counts=self.prunable.sizes(plan),
            prediction=answer.prediction,
            scores=judged.scores,
            agreement=judged.agreement,
            intervals=judged.intervals,
            changes=shift(judged.changes, part.box[:2]),
            widths=self.prunable.widths(plan),
            warnings=plan.warnings,
            seconds=seconds,
            moved=judged.moved,
            part=part,
            before=before.prediction,
        )

    def _dense_in(self, found: _Found) -> NucleiAnswer:
        """Return what the dense model finds in the part of another's result."""
        assert self.parts is not None
        if self.dense_begun is None:
            return self.parts.cut(self.dense_answers[0], found.part)
        maps = self.dense_begun.read(find_box(found.done))
        return self.parts.read(maps, found.done, found.part, {})


def shift(changes: NucleusChanges, by: tuple[int, int]) -> NucleusChanges:
    """Return changes in a part of a tile with places in the tile; x and y."""
    x, y = by
    events = tuple(
        replace(event, place=(event.place[0] + y, event.place[1] + x))
        for event in changes.events
    )
    return replace(changes, events=events)


def find_middle(part: Rect) -> Rect:
    """Return the middle quarter of a rectangle."""
    x, y, width, height = part
    return x + width // 4, y + height // 4, -(-width // 2), -(-height // 2)


class _Pause:
    """Keeps what is shown meanwhile to a small share of the time."""

    def __init__(self) -> None:
        self._since = perf_counter()
        self._next = 0.0

    def over(self) -> bool:
        """Whether the next look is due; counts the time of looking from now."""
        now = perf_counter()
        if now < self._next:
            return False
        self._since = now
        return True

    def begin(self) -> None:
        """Wait as many times as long as the look took."""
        now = perf_counter()
        self._next = now + _SHARE * (now - self._since)
