"""From what the user asks for to work and to state.

What each view's signal leads to is listed in `app.controllers.wiring`; what the
worker does next is decided in `app.worker.scheduler`; what a result changes in
`app.state.accepting`.
To read this file, start from `Controller.set_request` (a slider moved).
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot

from app.controllers.panes import Panes, moved_fields
from app.controllers.presenter.presenter import Presenter
from app.controllers.visits import Visits
from app.export.exporter import Exporter
from app.state.app_state import Message, Store, switched
from app.state.exploring import baseline_of, row_of
from app.state.history import History, arrangement_of
from app.state.repairs import fitted
from app.state.session.sources import joined, split
from app.state.timers import single_shot
from app.state.values import Engine
from app.worker.runner import Runner
from app.worker.scheduler import Scheduler
from core.job import Step
from core.types import SIZES, FineTune, PruneRequest

if TYPE_CHECKING:
    from app.views.main_window.window import Window

REST_MS = 400  # a slider that is still this long is measured
PLOTS_MS = 60  # plots follow the masks, in a frame of their own
HOVER_MS = 120  # a pointer that only passes over a point asks for nothing
IDLE_MS = 1500  # from then on the random baseline is filled in


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
        self._training = FineTune()  # as it was last asked for
        self._history = History()
        self._rest = single_shot(self, REST_MS, self._on_rest)
        self._plots = single_shot(self, PLOTS_MS, self._on_plots_due)
        self.scheduler = Scheduler(
            store, runner, lambda: not self._rest.isActive(), self
        )
        self._hover = single_shot(self, HOVER_MS, self._on_hovered)
        self._hovered: PruneRequest | None = None
        self._idle = single_shot(self, IDLE_MS, self._on_idle)
        self.panes = Panes(store, self.scheduler, self._rest.start)
        self.exporter = Exporter(window, store, self.scheduler)
        self.visits = Visits(window.viewer, window.layers.nuclei, store)
        self.scheduler.shown.connect(self.visits.forget)
        self.scheduler.sized.connect(self.panes.follow)
        self.scheduler.timed.connect(self.panes.refine)
        self.scheduler.idle.connect(self._idle.start)
        self.scheduler.openedNew.connect(self._on_opened)
        self.scheduler.failedFirst.connect(window.viewer.set_note)
        store.changed.connect(self._on_changed)

    @property
    def settled(self) -> bool:
        """Whether everything that was asked for is on show."""
        waiting = self._rest.isActive() or self._plots.isActive()
        return not waiting and self.scheduler.free

    # What the user asks for

    def open(self, model: str, tile: str) -> None:
        """Open a model, a tile or both; an empty string keeps what is open."""
        opened = self._store.state.opened
        session = opened.session if opened else None
        model = model or (opened.model.source if opened else "demo")
        tile = tile or (opened.source if opened else "")
        engine = self._engine
        self._store.update(todo=(), step=Step(0, 0, "opening"))
        self.scheduler.submit(
            "open", lambda task: engine.open(model, tile, task, before=session)
        )

    def open_labels(self, path: str) -> None:
        """Open the ground truth of the tile on show."""
        opened = self._store.state.opened
        tile = split(opened.source)[0] if opened else ""
        if not tile or tile.startswith("sample:"):
            text = "Open a tile from a file first, then its labels."
            self._store.update(message=Message(text, kind="warning"))
            return
        self.open("", joined(tile, path))

    def set_request(self, **changes: Any) -> None:
        """Change how the active pane is pruned; its mask follows."""
        state = self._store.state
        if changes.get("recovery") == "finetune":
            changes.setdefault("training", self._training)  # as it was left
        new = replace(state.request, **changes)
        if "heuristic" in changes:
            said = "recovery" in changes  # a point that is gone back to says its own
            new = fitted(new, before="" if said else state.request.heuristic)
        if new == state.request:
            return
        fresh: dict[str, Any] = {"request": new}
        if new.key(without=SIZES) != state.request.key(without=SIZES):
            fresh["curve"] = None
        self.panes.settle()
        fresh |= {"preview": None, **moved_fields(replace(state, **fresh))}
        self._store.update(**fresh)
        self._rest.start()
        self.scheduler.prune()

    def set_training(self, **changes: Any) -> None:
        """Change how the active pane is fine-tuned; it is trained anew."""
        training = self._store.state.request.training or self._training
        self._training = replace(training, **changes)
        self.set_request(training=self._training)

    def toggle_layer(self, name: str) -> None:
        """Lock a layer at full width, or let it be pruned again."""
        locked = set(self._store.state.request.locked) ^ {name}
        self.set_request(locked=tuple(locked))

    def go_to(self, request: object) -> None:
        """Go back to a plotted point."""
        if isinstance(request, PruneRequest):
            fields = PruneRequest.__dataclass_fields__
            self.set_request(**{name: getattr(request, name) for name in fields})

    def preview(self, request: object) -> None:
        """Show a plotted point while the pointer is on it; None when it leaves."""
        self._hovered = request if isinstance(request, PruneRequest) else None
        if self._hovered is None:
            self._hover.stop()
            self.scheduler.preview(None)
        else:
            self._hover.start()

    def set_display(self, **changes: Any) -> None:
        """Change how masks are drawn."""
        new = replace(self._store.state.display, **changes)
        if new != self._store.state.display:
            self._store.update(display=new)
            self._plots.start()

    def switch_display(self, what: str) -> None:
        """Turn one way of drawing on or off; see `switched`."""
        self.set_display(**switched(self._store.state.display, what))

    def set_demo(self, on: bool) -> None:
        """Show the demo view, or the bench."""
        self._store.update(demo=on)

    def dismiss(self) -> None:
        """Take the message away."""
        self._store.update(message=None)

    def explore(self) -> None:
        """Try a row of sparsities with the settings of now, or stop doing so."""
        state = self._store.state
        if state.todo:
            self._store.update(todo=())
            return
        if state.opened is None:
            return
        self._store.update(todo=(*row_of(state), *baseline_of(state)))
        self.scheduler.advance()

    def cancel(self) -> None:
        """Stop everything that runs; what is open stays."""
        self._stop_timers()
        self.scheduler.cancel()

    def _stop_timers(self) -> None:
        for timer in (self._rest, self._hover, self._idle):
            timer.stop()

    def undo(self) -> None:
        """Go back to the settings before."""
        self._travel(self._noted().undone())

    def redo(self) -> None:
        """Take the last undo back."""
        self._travel(self._noted().redone())

    def close(self) -> None:
        """Stop the worker and wait for it."""
        self._stop_timers()
        self._plots.stop()
        self._runner.close()
        self._engine.close()

    # What follows

    @Slot(object)
    def _on_opened(self, _: object) -> None:
        self.visits.forget()
        self._rest.start()

    @Slot()
    def _on_rest(self) -> None:
        self._set_history(self._noted())
        self.scheduler.advance()

    @Slot()
    def _on_hovered(self) -> None:
        self.scheduler.preview(self._hovered)

    @Slot()
    def _on_idle(self) -> None:
        if self.scheduler.free:
            self._store.update(background=baseline_of(self._store.state))
            self.scheduler.fill()

    def show_table(self, on: bool) -> None:
        """Fill the table when it appears."""
        if on:
            self._presenter.show_table(self._store.state)

    @Slot()
    def _on_plots_due(self) -> None:
        self._presenter.show_plots(self._store.state)

    @Slot(object, object)
    def _on_changed(self, old: Any, new: Any) -> None:
        self._presenter.show(old, new)
        due = any(
            getattr(old, name) is not getattr(new, name)
            for name in (
                "trials",
                "opened",
                "request",
                "seen",
                "before",
                "after",
                "demo",
            )
        )
        # Not restarted while it runs: during a drag it would never end.
        if due and not self._plots.isActive():
            self._plots.start()

    def _noted(self) -> History:
        """Return the history with the settings of now, rested on or not."""
        return self._history.visited(arrangement_of(self._store.state))

    def _set_history(self, history: History) -> None:
        self._history = history
        self._window.set_travel(back=history.back, forth=history.forth)

    def _travel(self, history: History) -> None:
        self._set_history(history)
        if history.past:
            self.panes.arrange(history.past[-1])
