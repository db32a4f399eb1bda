"""State to views: compares two states and sets what is different.

To read this file, start from `Presenter.show`.
"""

from typing import TYPE_CHECKING

from app.controllers.presenter.heads import dense_head, pruned_heads
from app.controllers.presenter.masks import MaskMaker, heats, legend
from app.controllers.presenter.plotting import show_plots
from app.plots.styles import series_name
from app.plots.training import training_lines, training_words
from app.state.app_state import MOST
from app.state.trials import predictor, work_of
from app.state.values import KINDS, Kind
from app.text import format as text
from app.text import story
from app.text.speed import describe_latency

if TYPE_CHECKING:
    from app.state.app_state import AppState
    from app.views.main_window.window import Window


_DRAWN = (
    *("opened", "seen", "before", "after", "display", "pending", "demo"),
    "failed",
)
_HEADS = (
    *("opened", "request", "seen", "before", "after", "trials", "demo", "lock"),
    "failed",
)


class Presenter:
    """Keeps the views of a window up to date with its state.

    Parameters
    ----------
    window
        Whose views are set.
    """

    def __init__(self, window: "Window") -> None:
        self._window = window
        self._masks = MaskMaker()

    def show(self, old: "AppState", new: "AppState") -> None:
        """Set what is different, except the plots, which may wait."""
        if old.opened is not new.opened or old.pending is not new.pending:
            self._show_opened(old, new)
        if old.request != new.request or old.opened is not new.opened:
            self._window.controls.set_request(new.request)
            self._window.layers.network.set_locked(new.request.locked)
            self._window.demo.set_step(new.request.sparsity)
        if _differ(old, new, *_HEADS):
            self._show_panes(new)
        if _differ(old, new, "request", "curve", "opened", "outcome", "failed"):
            self._show_counts(new)
        if _differ(old, new, *_DRAWN):
            self._show_masks(new)
        if _differ(old, new, "seen", "opened"):
            self._show_outcome(new)
        if _differ(old, new, "outcome", "opened", "trials", "request", "failed"):
            self._show_story(new)
        if old.demo != new.demo:
            self._window.set_demo(new.demo)
        self._show_message(old, new)
        self._show_training(old, new)
        if _differ(old, new, "busy", "step", "todo", "background"):
            self._show_work(new)

    # The parts

    def _show_message(self, old: "AppState", new: "AppState") -> None:
        message = new.message
        if old.message is not message:
            self._window.messages.set_message(
                *((message.text, message.details, message.kind) if message else ("",))
            )

    def _show_opened(self, old: "AppState", new: "AppState") -> None:
        opened, views = new.opened, self._window
        picture = new.pending or (opened.picture if opened else None)
        shown = old.pending or (old.opened.picture if old.opened else None)
        if picture is not shown:
            views.viewer.set_picture(picture)
        if old.opened is new.opened:
            return
        views.controls.set_ready(opened is not None)
        views.controls.set_model(opened.model if opened else None)
        if opened is not None:
            views.controls.set_heuristics(opened.heuristics)
            views.layers.set_layers(opened.layers)
            card = opened.model
            views.status.set_machine(
                f"{card.device} · {text.counted(card.threads, 'thread')}"
            )
            views.setWindowTitle(f"{opened.picture.name} · {card.name} · PruneScope")

    def _show_panes(self, new: "AppState") -> None:
        heads = pruned_heads(new)
        active = 0 if len(heads) == 1 else new.active
        self._window.viewer.set_heads(dense_head(new), heads, active)
        titles = (
            {item.name: item.title for item in new.opened.heuristics}
            if (new.opened)
            else {}
        )
        names = [series_name(pane.request, titles) for pane in new.panes]
        self._window.controls.set_panes(names, new.active, full=len(names) >= MOST)
        self._window.controls.set_lock(new.lock)
        self._window.set_panes(0 if new.demo else len(new.panes))

    def _show_counts(self, new: "AppState") -> None:
        if new.opened is None:
            self._window.controls.set_counts(None, None)
            return
        left = new.outcome.counts if new.outcome and new.current else None
        if left is None and new.curve is not None:
            left = new.curve.at(new.request.sparsity)
        if left is None and new.request in new.failed:
            self._window.controls.set_counts(None, None)  # never those of another
            return
        if left is None and new.request.sparsity > 0:
            return  # the curve is on its way; the old figures stay until then
        self._window.controls.set_counts(new.opened.counts, left)

    def _show_masks(self, new: "AppState") -> None:
        opened = new.opened
        if opened is None or new.pending is not None:
            self._window.viewer.set_masks((), ())
            return
        self._window.viewer.set_display(
            new.display.overlay, new.display.visible, new.display.opacity
        )
        self._window.viewer.set_truth(opened.truth is not None, new.display.truth)
        display, viewer = new.display, self._window.viewer
        viewer.set_swipe(display.swipe)
        viewer.set_masks(*self._masks.of(new))
        viewer.set_heats(display.heat, heats(new))
        viewer.set_legend(legend(new), display.hidden_types)
        self._window.nuclei.set_hidden(
            display.hidden_kinds,
            offered=display.overlay == "difference" and display.visible,
        )

    def _show_outcome(self, new: "AppState") -> None:
        opened, outcome, views = new.opened, new.seen, self._window
        if opened is None:
            return
        counts: dict[Kind, int] = {}
        if outcome is not None:
            counts = {kind: outcome.changes.count(kind).events for kind in KINDS}
        types = opened.nuclei.classes is not None
        views.nuclei.set_counts(counts, types=types)
        listed = outcome.changes.columns if outcome else None
        views.layers.nuclei.set_events(
            listed, opened.model.classes if types else (), opened.picture.mpp
        )
        views.controls.set_warnings(outcome.warnings if outcome else ())

    def _show_story(self, new: "AppState") -> None:
        opened, outcome = new.opened, new.outcome
        if opened is not None and new.request in new.failed and not new.current:
            # the words of other settings must not stay
            self._window.controls.set_latency(text.DASH)
            self._window.demo.set_story(new.failed[new.request], "")
        if opened is None or outcome is None or not new.current:
            return
        measured = new.latency
        left = outcome.counts.macs / max(opened.counts.macs, 1)
        predicted = predictor(new.trials)(work_of(new.request, left))
        self._window.controls.set_latency(describe_latency(measured, predicted))
        why = (measured.reason,) if measured and measured.reason else ()
        self._window.controls.set_warnings((*why, *outcome.warnings))
        self._window.demo.set_story(
            story.headline(opened, outcome, measured),
            story.explanation(opened, outcome),
        )

    def _show_training(self, old: "AppState", new: "AppState") -> None:
        training = new.training
        if not _differ(old, new, "training", "request"):
            return
        if training is not None and training.request != new.request:
            training = None  # of another pruned model
        self._window.plots.set_training(
            training_lines(training),
            training_words(training),
            on=new.request.training is not None,
        )

    def _show_work(self, new: "AppState") -> None:
        if not new.busy:
            self._window.status.set_work(None)
            return
        step = new.step
        words = _capital(step.what) if step else "Working"
        if new.todo:
            words = f"Exploring, {len(new.todo)} to go"
        elif new.background:
            words = f"Random baseline, {len(new.background)} to go"
        done, total = (step.done, step.total) if step else (0, 0)
        self._window.status.set_work(words, done, total)
        self._window.controls.set_exploring(len(new.todo))

    def show_plots(self, new: "AppState") -> None:
        """Set the plots; called a little later, so that masks come first."""
        self._window.controls.set_exploring(len(new.todo))
        if new.opened is not None:
            self._window.layers.set_kept(new.seen.widths if new.seen else {})
        show_plots(self._window.plots, new)
        self.show_table(new)

    def show_table(self, new: "AppState") -> None:
        """Set the table, while it is on show: hidden it costs nothing."""
        table = self._window.table
        if table.isVisible():
            table.set_trials(new.trials)
            table.set_current(new.request)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _differ(old: "AppState", new: "AppState", *names: str) -> bool:
    """Return whether any of the fields is another value."""
    return any(getattr(old, name) is not getattr(new, name) for name in names)
