"""What the worker does next: the newest frame first, then what can wait.

To read this file, start from `Scheduler.advance`, which is called whenever the
worker is free, and `Scheduler.prune`, which is called while a slider moves.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Signal, Slot

from app.state.accepting import (
    curve_fields,
    failed_fields,
    measured_fields,
    opened_fields,
    outcome_fields,
    still_failed,
)
from app.state.app_state import Message, Store
from app.state.timers import single_shot
from app.state.training import Training
from app.state.values import DrawnOutcome, Opened, Picture, Saved
from app.worker.outcomes import Outcomes
from app.worker.runner import Failure, Runner, Task
from core.job import Step
from core.results import Comparison, SizeCurve
from core.types import SIZES, SLOW, PruneRequest, RequestKey

if TYPE_CHECKING:
    from app.state.app_state import AppState

Work = Literal[
    "open", "prune", "pane", "preview", "explore", "measure", "baseline", "save"
]
TRIM_MS = 100  # old results are let go when the new mask is on screen
# What a preview may interrupt: all of it is asked for again.
_SLOW: frozenset[Work] = frozenset({"pane", "explore", "measure", "baseline"})
# What a pane asks for by itself: the same failure is told once.
_OWN: frozenset[Work] = frozenset({"prune", "pane", "measure", "baseline"})


class Scheduler(QObject):
    """Gives the worker its work and puts what comes back into the state.

    Parameters
    ----------
    store
        Owner of the state.
    runner
        The worker.
    resting
        Whether the user's hand rests; nothing slow begins before.
    parent
        Qt owner.
    """

    openedNew = Signal(object)  # Opened: another model or tile is on show
    shown = Signal()  # the active pane has a new outcome
    sized = Signal()  # the sizes of some pane are known
    timed = Signal()  # a latency was measured
    idle = Signal()  # there is nothing to do
    failedFirst = Signal(str)  # nothing could be opened, and why

    def __init__(
        self,
        store: Store,
        runner: Runner,
        resting: Callable[[], bool],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store, self._runner, self._resting = store, runner, resting
        # Running first, then at most one waiting; each with what it is for.
        self._queue: list[tuple[Work, PruneRequest | None]] = []
        self._told: set[str] = set()  # failures that a message has told of
        self._running: RequestKey = ()  # of the last prune, see `SIZES`
        self._live = False  # whether frames belong to the pane that is active
        self._wanted: PruneRequest | None = None  # previewed
        self._recent = Outcomes()
        self._trim = single_shot(self, TRIM_MS, self._recent.trim)
        self._curves: dict[tuple[object, ...], SizeCurve] = {}
        runner.finished.connect(self._on_finished)
        runner.failed.connect(self._on_failed)
        runner.published.connect(self._on_published)
        runner.progressed.connect(self._on_progressed)

    @property
    def free(self) -> bool:
        """Whether the worker has nothing to do."""
        return not self._queue

    @property
    def _now(self) -> Work | None:
        """What runs."""
        return self._queue[0][0] if self._queue else None

    def _has(self, *kinds: Work) -> bool:
        """Return whether such work runs or waits."""
        return any(kind in kinds for kind, _ in self._queue)

    # Work

    def submit(
        self,
        kind: Work,
        work: Callable[[Task], object],
        *,
        interrupt: bool = True,
        about: PruneRequest | None = None,
    ) -> None:
        """Have some work done next, for a request; see `Runner.submit`."""
        running = [] if interrupt else self._queue[:1]
        self._queue = [*running, (kind, about)]
        self._runner.submit(work, interrupt=interrupt)
        # What had not begun, behind work that was interrupted, was replaced as well.
        self._queue = self._queue[-max(self._runner.jobs, 1) :]
        self._store.update(busy=True)

    def prune(self) -> None:
        """Ask for the masks of the active pane, in place of a request waiting."""
        state = self._store.state
        if state.opened is None or self._has("open"):
            return  # asked again when it has been opened
        session, request = state.opened.session, state.request
        if self._waits(request):
            # a drag shows the refitted model; training begins when the hand rests
            request = replace(request, recovery="refit")
            if state.outcome is not None and state.outcome.request == request:
                return
        if self._show_known(request):
            return
        # Of a drag every frame counts; work for other settings is of no use now.
        alike = self._running == request.key(without=SIZES)
        # These take seconds or minutes: whatever is asked for next interrupts them.
        tunes = request.recovery in SLOW
        self._running, self._live = () if tunes else request.key(without=SIZES), True
        self._wanted = None
        waits = self._now == "save" or (self._now == "prune" and alike)
        self.submit(
            "prune",
            lambda task: session.prune(request, task),
            interrupt=not waits,
            about=request,
        )

    def _show_known(self, request: PruneRequest) -> bool:
        """Show a result that is still there; return whether there was one."""
        known, curve = (
            self._recent.get(request),
            self._curves.get(request.key(without=SIZES)),
        )
        if known is None or curve is None or self._has("open", "save"):
            return False
        self._runner.cancel()
        self._queue.clear()
        self._live, self._wanted = True, None
        self._store.update(**curve_fields(self._store.state, curve))
        self._accept_outcome(known, "prune")
        self.advance()
        return True

    def preview(self, request: PruneRequest | None) -> None:
        """Show another point in the active pane; None shows its own again."""
        state = self._store.state
        if request is None or request == state.request or state.opened is None:
            self._stop_preview()
            return
        known = self._recent.get(request)
        self._wanted = None if known else request
        self._store.update(preview=known)
        if known is None and self._now in _SLOW:
            self._prune_for("preview", state.opened, request)
        elif known is None:
            self.advance()

    def _stop_preview(self) -> None:
        self._wanted = None
        self._store.update(preview=None)
        if self._now == "preview":
            self._runner.cancel()
            self._queue.clear()
            self.advance()

    def drop_frames(self) -> None:
        """Forget the frames of a drag: another pane is active now."""
        self._running, self._live, self._wanted = (), False, None
        if self._now in {"prune", "preview"}:
            self._runner.cancel()
            self._queue.clear()

    def cancel(self) -> None:
        """Stop everything that runs; what is open stays."""
        self._runner.cancel()
        self._queue.clear()
        self._wanted = None
        trained = self._store.state.training
        ended = replace(trained, left=0.0) if trained else None
        self._store.update(
            todo=(), background=(), pending=None, busy=False, step=None, preview=None
        )
        self._store.update(training=ended)

    def fill(self) -> None:
        """Begin with the background, if there is any and nothing else to do."""
        if self._store.state.background:
            self.advance()

    def advance(self) -> None:
        """Do what is next when the worker is free."""
        if self._queue or self._store.state.opened is None:
            return
        state = self._forgiven()
        if state.opened is None:
            return
        asks = not state.current and state.request not in state.failed
        if asks and self._waits(state.request):
            self._store.update(busy=False, step=None)
            return
        if asks:
            self.prune()
            return
        behind = next(
            (
                pane
                for pane in state.panes
                if not pane.current and pane.request not in state.failed
            ),
            None,
        )
        if self._wanted is not None:
            self._prune_for("preview", state.opened, self._wanted)
        elif behind is not None:
            self._prune_for("pane", state.opened, behind.request)
        elif not self._advance_slow(state, state.opened):
            self._store.update(busy=False, step=None)
            self.idle.emit()

    def _forgiven(self) -> "AppState":
        """Return the state without failures of requests that have changed since."""
        failed = still_failed(self._store.state)
        if len(failed) < len(self._store.state.failed):
            self._store.update(failed=failed)
        return self._store.state

    def _waits(self, request: PruneRequest) -> bool:
        """Return whether a request takes long and the hand still moves."""
        return request.recovery in SLOW and not self._resting()

    def _advance_slow(self, state: "AppState", opened: Opened) -> bool:
        """Do what waits for a hand that rests; return whether there was any."""
        if not self._resting() and not state.todo:
            return False
        if state.todo:
            self._explore_next(opened, state.todo[0])
            return True
        panes = (state.pane, *state.before, *state.after)
        for pane in panes:
            tried = pane.request in state.failed
            if not tried and state.latency_of(pane.request) is None:
                self._measure(opened, pane.request, "measure")
                return True
        if state.background:
            self._prune_for("baseline", opened, state.background[0])
        return bool(state.background)

    def _explore_next(self, opened: Opened, request: PruneRequest) -> None:
        tried = {trial.request for trial in self._store.state.trials}
        if request in tried:
            self._measure(opened, request, "explore")
        else:
            self._prune_for("explore", opened, request)

    def _prune_for(self, kind: Work, opened: Opened, request: PruneRequest) -> None:
        known = self._recent.get(request)
        if known is not None:
            self._accept_outcome(known, kind)
            self.advance()
            return
        session = opened.session
        self.submit(kind, lambda task: session.prune(request, task), about=request)

    def _measure(self, opened: Opened, request: PruneRequest, kind: Work) -> None:
        session = opened.session
        # One word and no more: a window that draws would change what is measured.
        self._store.update(step=Step(0, 0, "measuring latency", "latency"))
        self.submit(kind, lambda task: session.measure(request, task), about=request)

    # What comes back

    @Slot(object)
    def _on_finished(self, result: object) -> None:
        kind, _ = self._taken()
        if isinstance(result, Opened):
            self._accept_opened(result)
        elif isinstance(result, DrawnOutcome):
            self._accept_outcome(result, kind)
        elif isinstance(result, Comparison):
            fields = measured_fields(
                self._store.state, result, explored=kind == "explore"
            )
            self._store.update(**fields)
            self.timed.emit()
        elif isinstance(result, Saved):
            self._store.update(message=Message(result.sentence, kind="info"))
        self.advance()

    def _taken(self) -> tuple[Work | None, PruneRequest | None]:
        """Return which work has ended, and what it was for."""
        return self._queue.pop(0) if self._queue else (None, None)

    def _accept_opened(self, opened: Opened) -> None:
        old = self._store.state.opened
        if old is not None and old.session is opened.session:
            return
        self._recent.clear()
        self._curves.clear()
        self._told.clear()
        self._wanted = None
        self._store.update(**opened_fields(self._store.state, opened))
        self.openedNew.emit(opened)

    def _accept_outcome(self, outcome: DrawnOutcome, kind: Work | None) -> None:
        self._recent.add(outcome)
        if not self._trim.isActive():
            self._trim.start()
        live = kind == "prune" and self._live
        state = self._store.state
        fields = outcome_fields(state, outcome, live=live)
        if kind == "preview" and outcome.request == self._wanted:
            self._wanted, fields["preview"] = None, outcome
        self._store.update(**fields)
        if live:
            self.shown.emit()

    @Slot(object)
    def _on_published(self, value: object) -> None:
        if isinstance(value, Picture):
            self._store.update(pending=value)
        elif isinstance(value, SizeCurve):
            self._curves[value.request.key(without=SIZES)] = value
            self._store.update(**curve_fields(self._store.state, value))
            self.sized.emit()
        elif isinstance(value, Training):
            self._store.update(training=value)
        elif (
            isinstance(value, DrawnOutcome)
            and value.request == self._store.state.request
        ):
            # what a model that is still trained finds by now; no point of a plot
            self._store.update(outcome=value)
            self.shown.emit()

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        kind, about = self._taken()
        text = failure.message
        fields: dict[str, Any] = {"pending": None, "todo": (), "background": ()}
        if kind in _OWN and about is not None:
            fields |= failed_fields(self._store.state, about, text)
        if kind not in _OWN or text not in self._told:
            fields["message"] = Message(text, failure.details)
        self._told.add(text)
        self._store.update(**fields)
        self._wanted = None
        state = self._store.state
        # What failed stays so: there may be other work to do.
        if (kind == "open" and state.opened is not None) or about in state.failed:
            self.advance()
        elif not self._queue:
            self._store.update(busy=False, step=None)
            if state.opened is None:
                self.failedFirst.emit(text)

    @Slot(object)
    def _on_progressed(self, step: Step) -> None:
        if self._now != "measure":
            self._store.update(step=step)
