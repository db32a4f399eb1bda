"""From the state to the views: what is different is set, and nothing else.

To read this file, start from `Presenter.show`; which field of the view leads to which
setter is listed in ``_SETTERS``.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.controllers.presenter.heads import Heads, find_widths
from app.controllers.presenter.masks import MaskMaker, heats, legend
from app.controllers.presenter.parts import MapView, PartView
from app.controllers.presenter.plotting import show_plots
from app.controllers.presenter.tuning import Tuning
from app.controllers.presenter.view import Drawn, Story, Tabs, View, Working, resolve
from app.state.app_state import Message
from app.state.demo import PAGES
from app.state.display import Display
from app.state.plot_settings import PlotSettings
from app.state.timers import single_shot
from app.state.values import ModelCard
from app.text import format as text
from app.views.widgets.pixel_size import PixelSize
from core.types import Counts, PruneRequest

if TYPE_CHECKING:
    from app.state.app_state import AppState
    from app.state.values import DrawnOutcome, Opened
    from app.views.main_window.window import Window
    from core.results import PatchChange

PLOTS_MS = 60  # plots follow the masks, in a frame of their own
_PLOTTED = frozenset(
    {"opened", "drawn", "outcome", "trials", "plotted", "plots", "training", "demo"}
)

# Compared by value; all else, which may hold arrays, by identity.
_PLAIN = (
    *(str, int, float, bool, frozenset, Counts, Display, Heads, Message),
    *(MapView, ModelCard, PartView, PixelSize, PlotSettings, PruneRequest),
    *(Story, Tabs, Tuning, Working),
)


class Presenter(QObject):
    """Keeps the views of a window up to date with its state.

    Parameters
    ----------
    window
        Whose views are set; its owner.
    """

    openedShown = Signal(object)  # Opened: another model or tile is on show
    demoShown = Signal(bool)
    layersLocked = Signal(tuple)  # names of layers that keep all channels

    def __init__(self, window: "Window") -> None:
        super().__init__(window)
        self._window = window
        self._masks = MaskMaker()
        self._shown: View | None = None
        self._drawn: Drawn | None = None
        self._named: tuple[object, ...] = ()  # colours of the legend
        self._state: AppState | None = None  # for the plots that are due
        self._plots = single_shot(self, PLOTS_MS, self._show_plots)

    @property
    def settled(self) -> bool:
        """Whether everything is on show."""
        return not self._plots.isActive()

    @property
    def heads(self) -> Heads | None:
        """What is written above the panes."""
        return self._shown.heads if self._shown else None

    def show(self, state: "AppState") -> None:
        """Set what is different from what was shown last; plots follow soon."""
        old, new = self._shown, resolve(state)
        self._shown, self._state = new, state
        found = [
            field.name
            for field in fields(View)
            if old is None
            or not _same(getattr(old, field.name), getattr(new, field.name))
        ]
        if old is not None and _only_grew(old.opened, new.opened):
            found.remove("opened")  # the dense model has seen more of the same tile
        for name in found:
            setter = _SETTERS.get(name)
            if setter is not None:
                setter(self._window, new)
        if "drawn" in found:
            self._draw(new)
        self._tell(old, new, found)
        # Not restarted while it runs: during a drag it would never end.
        if _PLOTTED.intersection(found) and not self._plots.isActive():
            self._plots.start()

    def _tell(self, old: View | None, new: View, found: list[str]) -> None:
        """Tell those who only need to know of what seldom changes."""
        if "opened" in found and new.opened is not None:
            self.openedShown.emit(new.opened)
        if "demo" in found:
            self.demoShown.emit(new.demo)
        if old is None or old.request.locked != new.request.locked:
            self.layersLocked.emit(new.request.locked)

    def stop(self) -> None:
        """Draw nothing more: the window goes."""
        self._plots.stop()

    def show_table(self) -> None:
        """Set the table, while it is on show: hidden it costs nothing."""
        table, view = self._window.table, self._shown
        if view is not None and table.isVisible():
            table.set_trials(view.trials)
            table.set_current(view.request)

    def _show_plots(self) -> None:
        state, view = self._state, self._shown
        if state is None or view is None:
            return
        self._window.layers.set_kept(find_widths(state) if view.opened else {})
        # What is being opened has no points yet.
        known = state if view.opened else replace(state, trials=())
        show_plots(self._window.plots, known, self._window.demo.plot)
        self.show_table()

    def _draw(self, view: View) -> None:
        drawn, viewer, old = view.drawn, self._window.viewer, self._drawn
        self._drawn = drawn
        display, opened = drawn.display, drawn.opened
        other = old is None or old.opened is not opened or old.display != display
        if other:
            self._show_display(drawn)
        viewer.set_masks(*self._masks.make(drawn))
        if display.heat or (old is not None and old.display.heat):
            viewer.set_heats(display.heat, heats(drawn))
        note = opened.model.types_note if opened else ""
        named = legend(drawn), display.hidden_types, note
        if named != self._named:
            self._named = named
            viewer.set_legend(*named)

    def _show_display(self, drawn: Drawn) -> None:
        """Set how everything is drawn; seldom called, and never by a drag."""
        display, opened, viewer = drawn.display, drawn.opened, self._window.viewer
        viewer.set_display(display.overlay, display.visible, display.opacity)
        truth = opened is not None and opened.truth is not None
        viewer.set_truth(truth, display.truth)
        viewer.set_swipe(display.swipe)
        self._window.nuclei.set_hidden(
            display.hidden_kinds,
            offered=display.overlay == "difference" and display.visible,
        )


# One setter a field, in the order of the fields


def _set_picture(window: "Window", view: View) -> None:
    window.viewer.set_picture(view.picture)


def _set_note(window: "Window", view: View) -> None:
    window.viewer.set_note(view.note)


def _set_title(window: "Window", view: View) -> None:
    window.setWindowTitle(view.title)


def _set_part(window: "Window", view: View) -> None:
    part = view.part
    if part is not None:
        slide = part.slide
        window.part.set_slide(slide.picture, slide.size, slide.note)
        window.part.set_region(part.region, part.pixel_size)
        window.part.set_words(part.words)
    window.set_choosing(part is not None)


def _set_map(window: "Window", view: View) -> None:
    window.viewer.set_map(
        *((view.map.slide.picture, view.map.slide.size, view.map.region))
        if view.map
        else (None, (1, 1), (0, 0, 1, 1))
    )


def _set_pixel_size(window: "Window", view: View) -> None:
    window.set_pixel_size(view.pixel_size)


def _set_opened(window: "Window", view: View) -> None:
    opened = view.opened
    if opened is None:
        return  # the controls keep their choices while something is opened
    window.controls.set_heuristics(opened.heuristics)
    window.controls.set_request(view.request)
    window.layers.set_layers(opened.layers)
    window.ratios.set_layers([each.name for each in opened.layers])
    stem = PurePath(opened.model.source).stem
    window.reader_box.set_reader(opened.model.reader, dict(opened.model.threshold))
    window.set_classes(opened.model.classes, f"{stem}.classes.txt")
    window.layers.network.set_locked(view.request.locked)
    threads = text.counted(opened.model.threads, "thread")
    window.status.set_machine(f"{opened.model.device} · {threads}")


def _set_card(window: "Window", view: View) -> None:
    window.controls.set_model(view.card)
    window.controls.set_ready(view.card is not None)


def _set_request(window: "Window", view: View) -> None:
    window.controls.set_request(view.request)
    window.layers.network.set_locked(view.request.locked)


def _set_heads(window: "Window", view: View) -> None:
    heads = view.heads
    window.viewer.set_heads(heads.dense, heads.pruned, heads.active)


def _set_tabs(window: "Window", view: View) -> None:
    tabs = view.tabs
    window.controls.set_panes(tabs.names, tabs.active, full=tabs.full)


def _set_counts(window: "Window", view: View) -> None:
    window.controls.set_counts(*view.counts)


def _set_outcome(window: "Window", view: View) -> None:
    opened, outcome = view.opened, view.outcome
    types = opened is not None and opened.nuclei.classes is not None
    task = opened.model.task if opened else "nuclei"
    window.nuclei.set_task(task)
    window.viewer.set_task(task)
    window.nuclei.set_changes(outcome.changes if outcome else None, types=types)
    listed = outcome.changes.columns if outcome else None
    window.layers.nuclei.set_events(
        listed,
        opened.model.classes if opened and types else (),
        opened.picture.mpp if opened else None,
        _patches(outcome) if outcome else (),
    )


def _set_late(window: "Window", view: View) -> None:
    window.nuclei.set_late(view.late)
    window.layers.nuclei.set_late(view.late)


def _patches(outcome: "DrawnOutcome") -> tuple["PatchChange", ...]:
    """Return patches in the order of the events that they are."""
    if not outcome.patches:
        return ()
    return tuple(outcome.patches[e.before[0] - 1] for e in outcome.changes.events)


def _set_story(window: "Window", view: View) -> None:
    story = view.story
    if story is None:
        return
    window.demo.set_story(story.headline, story.explanation, story.meaning)
    window.demo.set_step(story.step)
    window.demo.set_page(story.page, len(PAGES), story.words)
    window.demo.set_slide(story.slide)


def _set_message(window: "Window", view: View) -> None:
    message = view.message
    window.messages.set_message(
        message.text if message else "",
        message.details if message else "",
        message.kind if message else "error",
        message.offer[0] if message and message.offer else "",
    )


def _set_working(window: "Window", view: View) -> None:
    working = view.working
    if working is None:
        window.status.set_work(None)
    else:
        window.status.set_work(working.words, working.done, working.total)


def _set_training(window: "Window", view: View) -> None:
    window.plots.set_training(on=view.request.training is not None)


def _set_tuning(window: "Window", view: View) -> None:
    tuning = view.tuning
    if tuning is not None:
        window.controls.training.set_progress(tuning.offer, tuning.words)


def _only_grew(old: "Opened | None", new: "Opened | None") -> bool:
    """Return whether no other model or tile is open."""
    if old is None or new is None or old is new:
        return False
    return old.session is new.session and old.model is new.model


def _same(one: object, other: object) -> bool:
    """Return whether two fields show the same.

    Values that hold arrays are compared by identity: a new result is another object.
    """
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Drawn):
        return all(
            _same(getattr(one, f.name), getattr(other, f.name)) for f in fields(Drawn)
        )
    return type(one) in _PLAIN and one == other


_SETTERS: Mapping[str, Callable[["Window", View], None]] = {
    "picture": _set_picture,
    "note": _set_note,
    "title": _set_title,
    "part": _set_part,
    "map": _set_map,
    "pixel_size": _set_pixel_size,
    "opened": _set_opened,
    "card": _set_card,
    "request": _set_request,
    "heads": _set_heads,
    "tabs": _set_tabs,
    "lock": lambda window, view: window.controls.set_lock(view.lock),
    "dimmed": lambda window, view: window.viewer.set_dimmed(view.dimmed),
    "counts": _set_counts,
    "outcome": _set_outcome,
    "late": _set_late,
    "latency": lambda window, view: window.controls.set_latency(view.latency),
    "costs": lambda window, view: window.layers.network.set_costs(view.costs),
    "warnings": lambda window, view: window.controls.set_warnings(view.warnings),
    "advice": lambda window, view: window.controls.set_advice(view.advice),
    "demo": lambda window, view: window.set_demo(view.demo),
    "story": _set_story,
    "reading": lambda window, view: window.set_reading(view.reading),
    "message": _set_message,
    "working": _set_working,
    "exploring": lambda window, view: window.controls.set_exploring(view.exploring),
    "training": _set_training,
    "tuning": _set_tuning,
    "flags": lambda window, view: window.set_flags(view.flags),
    "saving": lambda window, view: window.set_saving(view.saving),
}
