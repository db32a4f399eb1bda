"""An engine that makes models up: plots with many points without hours of work."""

from dataclasses import replace

from app.state.slide_map import SlideMap
from app.state.values import DrawnOutcome, Opened, Saved, Session, WorkContext
from app.worker.engine import BenchEngine
from core.results import Comparison
from core.sources import Source
from core.types import Counts, PruneRequest


class Filling:
    """The engine, whose models can be made up for a while instead of pruned.

    Nothing but hours of work adds as many points to the plots. While `on`, a model
    that is asked for has the masks of the last one, and sizes, scores and intervals
    of a smooth curve; it takes every other way that a real one takes.
    """

    def __init__(self) -> None:
        self.engine = BenchEngine()
        self.on = False
        self.curves: list[str] = []

    def open(
        self,
        model: str,
        tile: Source,
        task: WorkContext,
        *,
        before: Session | None,
        calibration: str = "",
    ) -> Opened | SlideMap:
        """Open a model whose session can be filled."""
        inner = before.inner if isinstance(before, FillingSession) else before
        opened = self.engine.open(
            model, tile, task, before=inner, calibration=calibration
        )
        if isinstance(opened, SlideMap):
            return opened
        return replace(opened, session=FillingSession(self, opened.session, opened))

    def close(self) -> None:
        """End the processes that still run."""
        self.engine.close()


class FillingSession:
    """A session that makes models up while its engine says so."""

    def __init__(self, owner: Filling, inner: Session, opened: Opened) -> None:
        self.owner, self.inner, self.dense = owner, inner, opened.counts
        self.last: DrawnOutcome | None = None

    def prune(self, request: PruneRequest, task: WorkContext) -> DrawnOutcome:
        """Prune, or make a model up."""
        if not self.owner.on or self.last is None:
            self.last = self.inner.prune(request, task)
            return self.last
        if request.heuristic not in self.owner.curves:
            self.owner.curves.append(request.heuristic)
        place = self.owner.curves.index(request.heuristic)
        score = max(0.0, 0.93 - (0.3 + 0.5 * place) * request.sparsity**3)
        left, dense = 1 - request.sparsity, self.dense
        pruned = Counts(
            round(dense.params * left),
            round(dense.macs * left**0.5),
            round(dense.channels * left**0.5),
        )
        scores = dict.fromkeys(("aji", "pq", "dice", "f1"), score)
        return replace(
            self.last,
            request=request,
            counts=pruned,
            scores=scores if self.last.scores is not None else None,
            agreement=scores,
            intervals={"aji": (score - 0.03, score + 0.02)},
        )

    def measure(self, request: PruneRequest, task: WorkContext) -> Comparison:
        """Time dense and pruned side by side."""
        return self.inner.measure(request, task)

    def export(self, request: PruneRequest, path: str, task: WorkContext) -> Saved:
        """Write the pruned model."""
        return self.inner.export(request, path, task)
