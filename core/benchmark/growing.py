"""Results of a part of the tile: what is looked at first, then more and more.

A tile that a network takes in many patches is pruned for what is on screen before
anything else; its dense model, too, is known for that part first. All other tiles have
one result, of the whole, at once. To read this file, start from `Growing.grow`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING

from core.benchmark.rereading import Rereading
from core.benchmark.tasks.nuclei import NucleiTask, compare_answers, timed
from core.benchmark.tasks.parts import NucleiParts
from core.nuclei.tiling import finish
from core.rects import find_box, overlaps
from core.results import Outcome

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


class Growing(Rereading):
    """The part of a bench that has results before the whole tile is computed."""

    _begun: tuple[nn.Module, Mosaic] | None = None  # the last network, and its maps
    _pass = 0.0  # seconds that the last network took for a tile in one pass

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

    def _start(self, module: nn.Module) -> Mosaic:
        """Return the mosaic of a network, as far as it has come."""
        assert self.parts is not None
        if self._begun is None or self._begun[0] is not module:
            self._begun = module, self.parts.start(module)
        return self._begun[1]

    def grow(
        self,
        request: PruneRequest,
        network: tuple[nn.Module, Plan],
        job: Job,
        live: Callable[[Outcome], None],
    ) -> Outcome | None:
        """Return what a pruned network finds in the part that is looked at.

        None when the network has now seen all patches: see `finish_tile`.

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
            done: tuple[Rect, ...] = (part,)
            maps = mosaic.preview(part, job)
            mosaic.keep(maps, part)
            answer = self._read(mosaic, done, whole=True, maps=maps)
            return self._part_outcome(request, network[1], *answer)
        pause = _Pause()
        while (cell := mosaic.find_next(part, part)) is not None:
            mosaic.add(cell, job)
            if not mosaic.complete and pause.over():
                own = self._patches_in(mosaic, part)
                live(self._part_outcome(request, network[1], *self._read(mosaic, own)))
                pause.begin()
        if mosaic.complete:
            return None
        own = self._patches_in(mosaic, part)
        found = self._read(mosaic, own, whole=True)
        return self._part_outcome(request, network[1], *found)

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
    ) -> tuple[Part, NucleiAnswer, dict[str, float]]:
        """Find nuclei in what is done; also returns what took how long."""
        assert self.parts is not None
        part = self.parts.describe(mosaic, done, whole=whole)
        seconds: dict[str, float] = {}
        maps = mosaic.read(find_box(done)) if maps is None else maps
        return part, self.parts.read(maps, done, part, seconds), seconds

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
        if live is not None and mosaic.total == 1 and self._takes_long(mosaic):
            part = find_middle(parts.to_model(job.seen))
            maps = mosaic.preview(part, job)
            found = self._read(mosaic, (part,), maps=maps)
            live(self._part_outcome(request, network[1], *found))
        begun = perf_counter()
        with timed(seconds, "network"):
            for _ in finish(mosaic, job, parts.factor):
                if live is not None and not mosaic.complete and pause.over():
                    found = self._read(mosaic, mosaic.done)
                    live(self._part_outcome(request, network[1], *found))
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
        part: Part,
        answer: NucleiAnswer,
        seconds: dict[str, float],
    ) -> Outcome:
        """Return the result of a part: scores are of that part only."""
        assert self.parts is not None
        before = self._dense_in(part)
        with timed(seconds, "scores"):
            found = compare_answers(before, answer, self.parts.truth(part))
        return Outcome(
            request=request,
            plan_hash=plan.hash,
            counts=self.prunable.sizes(plan),
            prediction=answer.prediction,
            scores=found.scores,
            agreement=found.agreement,
            intervals=found.intervals,
            changes=shift(found.changes, part.box[:2]),
            widths=self.prunable.widths(plan),
            warnings=plan.warnings,
            seconds=seconds,
            moved=found.moved,
            part=part,
            before=before.prediction,
        )

    def _dense_in(self, part: Part) -> NucleiAnswer:
        """Return what the dense model finds in a part."""
        assert self.parts is not None
        return self.parts.cut(self.dense_answers[0], part)


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
