"""From intents to work and from results to state.

The only module that knows both the views and the engine. To read this file,
start from `Controller.set_request` (a slider moved) and `Controller._on_finished`.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, Slot

from app.exploring import family, row_of, without
from app.export import as_csv, write_text
from app.history import History
from app.presenter import Presenter
from app.runner import Failure, Runner, Task
from app.sources import joined, split
from app.state import Message, Store, switched
from app.timers import single_shot
from app.trials import added, trial_from, with_latency
from app.values import (
    KINDS,
    Curve,
    Engine,
    Kind,
    Measured,
    Opened,
    Outcome,
    Picture,
    Saved,
)
from core.job import Step
from core.types import PruneRequest

if TYPE_CHECKING:
    from app.window import Window

Work = Literal["open", "prune", "explore", "measure", "save"]

REST_MS = 400  # a slider that is still this long is measured
PLOTS_MS = 60  # plots follow the masks, in a frame of their own


class Controller(QObject):
    """Joins a window, a worker and an engine.

    Parameters
    ----------
    window
        Whose views ask and are set.
    store
        Owner of the state.
    runner
        The worker.
    engine
        What the worker calls.
    """

    def __init__(
        self, window: "Window", store: Store, runner: Runner, engine: Engine
    ) -> None:
        super().__init__(window)
        self._store, self._runner, self._engine = store, runner, engine
        self._window = window
        self._presenter = Presenter(window)
        self._queue: list[Work] = []  # running first, then at most one waiting
        self._running: tuple[object, ...] = ()  # family of the last prune
        self._history = History()
        self._visited: dict[Kind, int] = {}
        self._rest = single_shot(self, REST_MS, self._on_rest)
        self._plots = single_shot(self, PLOTS_MS, self._on_plots_due)
        store.changed.connect(self._on_changed)
        runner.finished.connect(self._on_finished)
        runner.failed.connect(self._on_failed)
        runner.published.connect(self._on_published)
        runner.progressed.connect(self._on_progressed)
        self._connect(window)

    def _connect(self, window: "Window") -> None:
        controls, viewer = window.controls, window.viewer
        controls.heuristicChosen.connect(lambda v: self.set_request(heuristic=v))
        controls.scopeChosen.connect(lambda v: self.set_request(scope=v))
        controls.countChosen.connect(lambda v: self.set_request(count=v))
        controls.recoveryChosen.connect(lambda v: self.set_request(recovery=v))
        controls.sparsityChosen.connect(lambda v: self.set_request(sparsity=v))
        controls.exploreAsked.connect(self.explore)
        window.demo.stepChosen.connect(lambda v: self.set_request(sparsity=v))
        window.plots.pointChosen.connect(self.go_to)
        window.plots.metricChosen.connect(lambda v: self.set_display(metric=v))
        viewer.overlayChosen.connect(lambda v: self.set_display(overlay=v))
        viewer.visibleChosen.connect(lambda v: self.set_display(visible=v))
        viewer.opacityChosen.connect(lambda v: self.set_display(opacity=v))
        viewer.truthChosen.connect(lambda v: self.set_display(truth=v))
        window.nuclei.kindChosen.connect(self.next_nucleus)
        window.messages.dismissed.connect(lambda: self._store.update(message=None))
        window.status.cancelAsked.connect(self.cancel)
        window.openAsked.connect(self.open)
        window.labelsAsked.connect(self.open_labels)
        window.saveAsked.connect(self.save)
        window.demoAsked.connect(lambda on: self._store.update(demo=on))
        window.displayAsked.connect(self._on_display_asked)
        window.undoAsked.connect(lambda: self._travel(self._history.undone()))
        window.redoAsked.connect(lambda: self._travel(self._history.redone()))
        window.tableAsked.connect(self.save_table)
        window.pictureAsked.connect(self.save_picture)
        window.closing.connect(self.close)

    # What the user asks for

    def open(self, model: str, tile: str) -> None:
        """Open a model, a tile or both; an empty string keeps what is open."""
        opened = self._store.state.opened
        session = opened.session if opened else None
        model = model or (opened.model.source if opened else "demo")
        tile = tile or (opened.source if opened else "")
        engine = self._engine
        self._store.update(todo=(), step=Step(0, 0, "opening"))
        self._submit(
            "open",
            lambda task: engine.open(model, tile, task, before=session),
            interrupt=True,
        )

    def open_labels(self, path: str) -> None:
        """Open the ground truth of the tile on show."""
        opened = self._store.state.opened
        tile = split(opened.source)[0] if opened else ""
        if not tile or tile.startswith("sample:"):
            text = "Open a tile from a file first, then its labels."
            self._tell(Message(text, kind="warning"))
            return
        self.open("", joined(tile, path))

    def set_request(self, **changes: Any) -> None:
        """Change what is pruned; the mask follows as fast as it is computed."""
        state = self._store.state
        new = replace(state.request, **changes)
        if new == state.request:
            return
        fresh: dict[str, Any] = {"request": new}
        if family(new) != family(state.request):
            fresh["curve"] = None
        self._store.update(**fresh)
        self._rest.start()
        self._prune()

    def go_to(self, request: object) -> None:
        """Go back to a plotted point."""
        if isinstance(request, PruneRequest):
            fields = PruneRequest.__dataclass_fields__
            self.set_request(**{name: getattr(request, name) for name in fields})

    def set_display(self, **changes: Any) -> None:
        """Change how masks are drawn."""
        new = replace(self._store.state.display, **changes)
        if new != self._store.state.display:
            self._store.update(display=new)
            self._plots.start()

    def explore(self) -> None:
        """Try a row of sparsities with the settings of now, or stop doing so."""
        state = self._store.state
        if state.todo:
            self._store.update(todo=())
            return
        if state.opened is None:
            return
        self._store.update(todo=row_of(state))
        self._continue()

    def save(self, path: str) -> None:
        """Write the pruned model on show."""
        state = self._store.state
        if state.opened is None:
            return
        session, request = state.opened.session, state.request
        self._submit(
            "save", lambda task: session.export(request, path, task), interrupt=True
        )

    def save_table(self, path: str) -> None:
        """Write every plotted point as CSV."""
        table = as_csv(self._store.state.trials)
        self._tell(write_text(path, table))

    def save_picture(self, path: str) -> None:
        """Write the window as it is, as an image."""
        done = self._window.grab().save(path)
        text = f"Saved {path}." if done else f"Cannot write {path}: choose another."
        self._tell(Message(text, kind="info" if done else "error"))

    def _tell(self, message: Message) -> None:
        self._store.update(message=message)

    def cancel(self) -> None:
        """Stop everything that runs; what is open stays."""
        self._runner.cancel()
        self._queue.clear()
        self._rest.stop()
        self._store.update(todo=(), pending=None, busy=False, step=None)

    def next_nucleus(self, kind: str) -> None:
        """Go to the next nucleus of a kind."""
        outcome = self._store.state.outcome
        if outcome is None or kind not in KINDS:
            return
        places = outcome.changes.places.get(kind)
        if places is None or not len(places):
            return
        index = (self._visited.get(kind, -1) + 1) % len(places)
        self._visited[kind] = index
        x, y = places[index]
        self._window.viewer.go_to((float(x), float(y)))

    @property
    def settled(self) -> bool:
        """Whether everything that was asked for is on show."""
        return not (self._rest.isActive() or self._plots.isActive() or self._queue)

    def close(self) -> None:
        """Stop the worker and wait for it."""
        self._rest.stop()
        self._plots.stop()
        self._runner.close()
        self._engine.close()

    # Work

    def _submit(
        self, kind: Work, work: Callable[[Task], object], *, interrupt: bool
    ) -> None:
        self._queue = [kind] if interrupt else [*self._queue[:1], kind]
        self._runner.submit(work, interrupt=interrupt)
        self._store.update(busy=True)

    def _prune(self) -> None:
        """Ask for the masks of the request; they replace a request still waiting."""
        state = self._store.state
        if state.opened is None or "open" in self._queue:
            return  # asked again when it has been opened
        session, request = state.opened.session, state.request
        # Of a drag every frame counts; work for other settings is of no use now.
        alike = self._running == family(request)
        self._running = family(request)
        waits = self._queue[:1] == ["save"] or (self._queue[:1] == ["prune"] and alike)
        self._submit(
            "prune", lambda task: session.prune(request, task), interrupt=not waits
        )

    def _measure(self, request: PruneRequest, kind: Work = "measure") -> None:
        state = self._store.state
        if state.opened is None:
            return
        session = state.opened.session
        # One word and no more: a window that draws would change what is measured.
        self._store.update(step=Step(0, 0, "measuring latency"))
        self._submit(kind, lambda task: session.measure(request, task), interrupt=True)

    def _continue(self) -> None:
        """Do what is next when the worker is free."""
        state = self._store.state
        if self._queue or state.opened is None:
            return
        if not state.current:
            self._prune()
        elif not self._rest.isActive() and state.latency is None and not state.todo:
            self._measure(state.request)
        elif state.todo:
            self._explore_next(state.opened, state.todo[0])
        else:
            self._store.update(busy=False, step=None)

    def _explore_next(self, opened: Opened, request: PruneRequest) -> None:
        tried = {trial.request for trial in self._store.state.trials}
        if request in tried:
            self._measure(request, "explore")
        else:
            session = opened.session
            self._submit(
                "explore", lambda task: session.prune(request, task), interrupt=True
            )

    # What comes back

    @Slot(object)
    def _on_finished(self, result: object) -> None:
        kind = self._queue.pop(0) if self._queue else None
        if isinstance(result, Opened):
            self._accept_opened(result)
        elif isinstance(result, Outcome):
            self._accept_outcome(result, explored=kind == "explore")
        elif isinstance(result, Measured):
            self._accept_measured(result, explored=kind == "explore")
        elif isinstance(result, Saved):
            self._store.update(message=Message(result.sentence, kind="info"))
        self._continue()

    def _accept_opened(self, opened: Opened) -> None:
        old = self._store.state.opened
        fresh: dict[str, Any] = {"opened": opened, "pending": None, "outcome": None}
        fresh |= {"trials": (), "curve": None, "measured": None, "message": None}
        usable = [item.name for item in opened.heuristics if not item.missing]
        request = self._store.state.request
        if usable and request.heuristic not in usable:
            fresh["request"] = replace(request, heuristic=usable[0])
        if old is not None and old.session is opened.session:
            return
        self._visited.clear()
        self._store.update(**fresh)
        self._rest.start()

    def _accept_outcome(self, outcome: Outcome, *, explored: bool) -> None:
        state = self._store.state
        if state.opened is None:
            return
        trials = added(state.trials, trial_from(state.opened, outcome))
        if explored:
            self._store.update(trials=trials, todo=without(state.todo, outcome.request))
        else:
            self._visited.clear()
            self._store.update(outcome=outcome, trials=trials)

    def _accept_measured(self, measured: Measured, *, explored: bool) -> None:
        state = self._store.state
        fresh: dict[str, Any] = {
            "measured": measured,
            "trials": with_latency(state.trials, measured),
        }
        if explored:
            fresh["todo"] = without(state.todo, measured.request)
        self._store.update(**fresh)

    @Slot(object)
    def _on_published(self, value: object) -> None:
        if isinstance(value, Picture):
            self._store.update(pending=value)
        elif isinstance(value, Curve) and self._fits(value):
            self._store.update(curve=value)

    def _fits(self, curve: Curve) -> bool:
        """Return whether a curve is that of the controls."""
        return family(curve.request) == family(self._store.state.request)

    @Slot(object)
    def _on_failed(self, failure: Failure) -> None:
        kind = self._queue.pop(0) if self._queue else None
        text = failure.message
        self._store.update(
            message=Message(text, failure.details), pending=None, todo=()
        )
        state = self._store.state
        if kind == "open" and state.opened is not None:
            self._continue()
        elif not self._queue:
            self._store.update(busy=False, step=None)
            if state.opened is None:
                self._window.viewer.set_note(text)

    @Slot(object)
    def _on_progressed(self, step: Step) -> None:
        if self._queue[:1] != ["measure"]:
            self._store.update(step=step)

    # Time

    @Slot()
    def _on_rest(self) -> None:
        self._set_history(self._history.visited(self._store.state.request))
        self._continue()

    @Slot()
    def _on_plots_due(self) -> None:
        self._presenter.show_plots(self._store.state)

    @Slot(object, object)
    def _on_changed(self, old: Any, new: Any) -> None:
        self._presenter.show(old, new)
        due = any(
            getattr(old, name) is not getattr(new, name)
            for name in ("trials", "opened", "request")
        )
        # Not restarted while it runs: during a drag it would never end.
        if due and not self._plots.isActive():
            self._plots.start()

    def _set_history(self, history: History) -> None:
        self._history = history
        self._window.set_travel(back=history.back, forth=history.forth)

    def _travel(self, history: History) -> None:
        self._set_history(history)
        if history.past:
            self.go_to(history.past[-1])

    @Slot(str)
    def _on_display_asked(self, what: str) -> None:
        self.set_display(**switched(self._store.state.display, what))
