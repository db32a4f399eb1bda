"""From what the user asks for to events; timers, and what comes of them.

What each view's signal leads to is listed in `app.controllers.wiring`, what an event
changes in `app.state.reduce`.
To read this file, start from `Controller.set_sparsity` (a slider moved).
"""

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QUrl, Signal, Slot
from PySide6.QtGui import QCursor, QDesktopServices

from app.controllers.presenter.nucleus_card import find_card
from app.controllers.presenter.pointer import Pointer, describe_pointer
from app.controllers.presenter.presenter import Presenter
from app.state import events
from app.state.app_state import Message
from app.state.plot_settings import PlotSettings
from app.state.repairs import fitted
from app.state.slide_map import moved_part, source_of
from app.state.store import Store
from app.state.timers import single_shot
from app.state.values import Engine, Kind
from app.worker.rereading import read_again
from app.worker.runner import Runner
from app.worker.scheduler import Scheduler
from core.errors import ModelError
from core.options import ModelOptions, split_model
from core.sources import DEFAULT_TILE, Source
from core.types import PruneRequest

if TYPE_CHECKING:
    from app.export.exporter import Exporter
    from app.state.app_state import AppState
    from app.state.session.saved_session import SavedSession
    from app.views.main_window.window import Window

REST_MS = 400  # a slider that is still this long is measured
HOVER_MS = 120  # a pointer that only passes over a point asks for nothing
IDLE_MS = 1500  # from then on the random baseline is filled in
LATE_MS = 150  # results of other settings are marked from then on
TRIM_MS = 100  # old results are let go when the new mask is on screen


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

    openedChanged = Signal(object, object)  # AppState before and after

    def __init__(
        self, window: "Window", store: Store, runner: Runner, engine: Engine
    ) -> None:
        super().__init__(window)
        self._store, self._runner, self._engine = store, runner, engine
        self._window = window
        say = store.dispatch
        # Work is begun before the window is drawn.
        self._scheduler = Scheduler(store, runner, self)
        self.presenter = Presenter(window)
        self._hovered: PruneRequest | None = None
        self._rest = single_shot(self, REST_MS, lambda: say(events.HandRested()))
        self._late = single_shot(self, LATE_MS, lambda: say(events.ResultLate()))
        self._trim = single_shot(self, TRIM_MS, lambda: say(events.CacheDue()))
        self._idle = single_shot(self, IDLE_MS, lambda: say(events.IdleBegan()))
        self._hover = single_shot(
            self, HOVER_MS, lambda: say(events.Previewed(self._hovered))
        )
        store.changed.connect(self._on_changed)
        self.presenter.show(store.state)

    @property
    def settled(self) -> bool:
        """Whether everything that was asked for is on show."""
        waiting = self._rest.isActive() or not self.presenter.settled
        return not waiting and not self._store.state.busy

    @property
    def shown(self) -> bool:
        """Whether everything that is known is on show."""
        return self.presenter.settled

    @cached_property
    def exporter(self) -> "Exporter":
        """Writes what is on show; loaded when something is exported first."""
        from app.export.exporter import Exporter

        return Exporter(self._window, self._store)

    def dispatch(self, event: events.Event) -> None:
        """Let an event change the state."""
        self._store.dispatch(event)

    # What the user asks for

    def calibrate(self, source: str) -> None:
        """Calibrate on a folder, a tile or a sample; empty for the default."""
        self.open("", "", calibration=source)

    def open(
        self,
        model: str,
        tile: Source | str,
        *,
        again: bool = False,
        calibration: str | None = None,
        kept: "SavedSession | None" = None,
    ) -> None:
        """Open a model, a tile or both; an empty string keeps what is open.

        The open model is read from its file ``again`` only when that is asked for.
        ``calibration`` is what it is calibrated on; None keeps what it was. ``kept``
        is a session that is put back when both are open.
        """
        opened = self._store.state.opened
        if calibration is None:
            calibration = opened.calibrated_on if opened else ""
        session = opened.session if opened and not again else None
        opened = None if kept is not None else opened
        model = model or (opened.model.source if opened else "demo")
        if isinstance(tile, str):
            kept_open = opened.source if opened else DEFAULT_TILE
            tile = Source.of_tile(tile) if tile else kept_open
        engine = self._engine
        self.dispatch(
            events.OpenAsked(
                model,
                tile,
                lambda task: engine.open(
                    model, tile, task, before=session, calibration=calibration
                ),
                kept,
            )
        )

    def open_part(self) -> None:
        """Open the part of a slide that is drawn."""
        choosing = self._store.state.choosing
        if choosing is not None:
            self.open(choosing.model, source_of(choosing))

    def move_part(self, x: float, y: float) -> None:
        """Open the part of the same size around another place of the slide."""
        opened = self._store.state.opened
        if opened is None or opened.slide is None:
            return
        tile = opened.source
        view = moved_part(opened.slide, tile.view, (x, y))
        if view != tile.view:
            self.open("", replace(tile, view=view, labels=""))

    def set_pixel_size(self, mpp: float | None, resample: bool) -> None:
        """Open the tile again at the pixel size that was typed; None: the file's."""
        opened = self._store.state.opened
        if opened is None:
            return
        tile = opened.source
        view = replace(tile.view, pixel_size=mpp, resample=resample)
        if view != tile.view:
            self.open("", replace(tile, view=view))

    def open_network(self, network: str, weights: str) -> None:
        """Open a network of the user's own, whose code they agreed to run."""
        from core.models.python_file import NetworkCode, allow

        try:
            allow(NetworkCode.find(network))
        except ModelError as error:
            self.tell(Message(str(error)))
            return
        self.open(ModelOptions(network=network).named(weights), "")

    def set_reader(self, reader: str) -> None:
        """Open the model again with another reader of its outputs."""
        opened = self._store.state.opened
        if opened is not None and opened.model.reader != reader:
            name, options = split_model(opened.model.source)
            other = replace(options, reader=reader, threshold={})
            self.open(other.named(name), "")

    def set_thresholds(self, values: dict[str, float]) -> None:
        """Read the outputs with other thresholds; masks and scores follow."""
        state = self._store.state
        opened = state.opened
        if opened is None:
            return
        name, options = split_model(opened.model.source)
        source = replace(options, threshold=values).named(name)
        request = state.request
        self.dispatch(
            events.ReadAgain(
                lambda task: read_again(opened, source, values, request, task)
            )
        )

    def name_classes(self, names: tuple[str, ...]) -> None:
        """Keep the names of the open classifier's classes, and open it again."""
        from core.models.class_names import write_names

        opened = self._store.state.opened
        if opened is None:
            return
        try:
            write_names(Path(opened.model.source), names)
        except ModelError as error:
            self.tell(Message(str(error)))
        else:
            self.open("", "", again=True)

    def open_labels(self, path: str) -> None:
        """Open the ground truth of the tile on show."""
        opened = self._store.state.opened
        tile = opened.source if opened else None
        if tile is None or tile.path is None:
            text = "Open a tile from a file first, then its labels."
            self.tell(Message(text, kind="warning"))
            return
        self.open("", replace(tile, labels=path))

    def set_request(self, **changes: Any) -> None:
        """Change how the active pane is pruned; its mask follows."""
        state = self._store.state
        if changes.get("recovery") == "finetune":
            changes.setdefault("training", state.tuning)  # as it was left
        # a setting is one of the open model: another model cannot be pruned
        new = replace(state.request, **{"model": "", **changes})
        if "heuristic" in changes:
            said = "recovery" in changes  # a point that is gone back to says its own
            new = fitted(new, before="" if said else state.request.heuristic)
        self.dispatch(events.RequestChanged(new))

    def set_sparsity(self, sparsity: float) -> None:
        """Change how much of the active pane's model is removed: a slider moved."""
        request = replace(self._store.state.request, sparsity=sparsity, model="")
        self.dispatch(events.RequestChanged(request))

    def set_training(self, **changes: Any) -> None:
        """Change how the active pane is fine-tuned; it is trained anew."""
        state = self._store.state
        training = state.request.training or state.tuning
        self.set_request(training=replace(training, **changes))

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
            self.dispatch(events.Previewed(None))
        else:
            self._hover.start()

    def set_display(self, **changes: Any) -> None:
        """Change how masks are drawn."""
        self.dispatch(
            events.DisplayChanged(replace(self._store.state.display, **changes))
        )

    def set_plots(self, settings: PlotSettings) -> None:
        """Change what plots have on their axes, and which curves they show."""
        self.dispatch(events.PlotsChanged(settings))

    def show_next(self, kind: Kind) -> None:
        """Go to the next nucleus of a kind, after the last to the first."""
        self.dispatch(events.NucleusAsked(kind))
        state = self._store.state
        outcome, place = state.outcome, state.visited.get(kind)
        if outcome is not None and place is not None:
            x, y = map(float, outcome.changes.places(kind)[place])
            self._window.viewer.go_to((x, y))
            self._window.layers.nuclei.select((x, y))

    def show_pointer(self, pane: int, place: tuple[float, float, float] | None) -> None:
        """Say in the status bar what is under the pointer; None: nothing."""
        pointer = None if place is None else Pointer(pane, *place)
        words = describe_pointer(self._store.state, pointer)
        self._window.status.set_place(words)

    def show_nucleus(self, x: float, y: float) -> None:
        """Show the nucleus at a place of the tile, as both models see it."""
        card = find_card(self._store.state, x, y)
        if card is not None and not self._store.state.demo:
            place = QCursor.pos()
            popup = self._window.nucleus
            popup.show_nucleus(card.picture, card.rows, card.overlap, place)

    def tell(self, message: Message | None) -> None:
        """Show a message, or take it away."""
        self.dispatch(events.MessageShown(message))

    def take_offer(self) -> None:
        """Do what the message offers."""
        message = self._store.state.message
        offered = message.offer[1] if message and message.offer else None
        if isinstance(offered, events.FolderShown):
            QDesktopServices.openUrl(QUrl.fromLocalFile(offered.path))
        self.dispatch(events.OfferTaken())

    def show_table(self, on: bool) -> None:
        """Fill the table when it appears."""
        if on:
            self.presenter.show_table()

    def close(self) -> bool:
        """Stop the worker and wait for it, a few seconds at most.

        Returns
        -------
        bool
            Whether it has ended.
        """
        for timer in (self._rest, self._hover, self._idle, self._late, self._trim):
            timer.stop()
        self.presenter.stop()
        self.dispatch(events.WorkCancelled())
        self._engine.close()  # first: what is measured waits for that process
        ended = self._runner.close()
        self._engine.close()  # it may have been started once more meanwhile
        return ended

    # What follows

    @Slot(object, object)
    def _on_changed(self, old: "AppState", new: "AppState") -> None:
        self.presenter.show(new)
        if new.moves != old.moves:
            self._rest.start()
            self._idle.stop()
        if new.work is None and old.work is not None and new.resting:
            self._idle.start()
        if new.recent is not old.recent and not self._trim.isActive():
            self._trim.start()
        if new.panes is not old.panes and not new.late:
            self._time_results(old, new)
        if new.opening is not old.opening or new.opened is not old.opened:
            self.openedChanged.emit(old, new)

    def _time_results(self, old: "AppState", new: "AppState") -> None:
        """Begin to count how long results of other settings are on show."""
        if all(pane.current for pane in new.panes):
            self._late.stop()
        elif new.outcome is not old.outcome or not self._late.isActive():
            self._late.start()
