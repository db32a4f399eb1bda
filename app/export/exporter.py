"""Leaving with something: what the export menu asks for."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from app.export.chart_files import save_chart
from app.export.folder import export_folder
from app.export.points import as_csv, write_text
from app.plots.exports import ChartExport
from app.plots.registry import chart_kind
from app.plots.state_data import plot_caption, plot_data, plot_settings
from app.state.app_state import Message
from app.state.events import MessageShown, SaveAsked
from app.state.session.setup_file import setup_text
from app.state.store import Store
from app.state.values import Saved, WorkContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.state.app_state import AppState
    from app.views.main_window.window import Window
    from core.job import Job


class Exporter:
    """Writes what is on show; what needs the model is left to the worker.

    Parameters
    ----------
    window
        Of which a picture can be taken.
    store
        Owner of the state.
    """

    def __init__(self, window: "Window", store: Store) -> None:
        self._window, self._store = window, store

    def export(self, what: str, path: str) -> None:
        """Write one thing.

        Parameters
        ----------
        what
            ``"model"``, ``"report"``, ``"folder"``, ``"points"``, ``"picture"``,
            ``"settings"``, ``"pruned"`` or ``"dense"`` (nuclei), or ``"plot:"``
            and the name of a plot.
        path
            Where to.
        """
        kind, _, name = what.partition(":")
        writers: dict[str, Callable[[str], None]] = {
            "model": self.save_model,
            "report": self.save_report,
            "points": self.save_table,
            "picture": self.save_picture,
            "folder": self.save_folder,
            "settings": self.save_settings,
            "pruned": lambda path: self.save_masks(path, dense=False),
            "dense": lambda path: self.save_masks(path, dense=True),
            "plot": lambda path: self.save_chart(ChartExport(name, path)),
        }
        writers[kind](path)

    def save_model(self, path: str) -> None:
        """Write the pruned model of the active pane as one file."""
        state = self._store.state
        if state.opened is None:
            return
        session, request = state.opened.session, state.request
        self._save(lambda task: session.export(request, path, task))

    def save_folder(self, path: str) -> None:
        """Write the pruned model of the active pane and all that goes with it."""
        state = self._store.state
        if state.opened is not None:
            self._save(lambda task: export_folder(state, path, task))

    def save_masks(self, path: str, *, dense: bool) -> None:
        """Write the nuclei of one model as they are coloured now."""
        state = self._store.state
        if dense or self._has_result(state):
            self._save(lambda task: _masks(state, path, task, dense=dense))

    def save_report(self, path: str) -> None:
        """Write the report of the active pane."""
        state = self._store.state
        if self._has_result(state):
            self._save(lambda task: _report(state, path, task))

    def _has_result(self, state: "AppState") -> bool:
        """Return whether the active pane shows what it says; tells when it does not.

        Masks of other settings must never be written under its name.
        """
        there = state.opened is not None and state.opening is None and state.current
        if not there:
            text = "Wait for a result, then save it: this pane is not computed yet."
            self._tell(Message(text, kind="info"))
        return there

    def _save(self, call: "Callable[[WorkContext], object]") -> None:
        self._store.dispatch(SaveAsked(call))

    def save_table(self, path: str) -> None:
        """Write every plotted point as CSV."""
        from app.worker.writing import machine

        hardware = machine().get("Processor", "")
        self._tell(write_text(path, as_csv(self._store.state.trials, hardware)))

    def save_settings(self, path: str) -> None:
        """Write what is open and how it is set."""
        self._tell(write_text(path, setup_text(self._store.state)))

    def save_chart(self, asked: ChartExport) -> None:
        """Write one chart of the window as SVG or PNG."""
        state = self._store.state
        settings = plot_settings(state).of(asked.key)
        chart = chart_kind(asked.key).build(plot_data(state), settings)
        self._tell(save_chart(chart, asked, plot_caption(state).note))

    def save_picture(self, path: str) -> None:
        """Write the window as it is, as an image."""
        done = self._window.grab().save(path)
        text = f"Saved {path}." if done else f"Cannot write {path}: choose another."
        self._tell(Message(text, kind="info" if done else "error"))

    def _tell(self, message: Message) -> None:
        self._store.dispatch(MessageShown(message))


# On the worker: what needs torch or takes a while.


def _masks(state: "AppState", path: str, task: WorkContext, *, dense: bool) -> Saved:
    """Write the nuclei of one model."""
    from app.rendering.mask_files import by_change, by_type, kinds_of, write_masks

    opened, outcome = state.opened, state.outcome if state.current else None
    assert opened is not None
    nuclei = opened.nuclei if dense or outcome is None else outcome.nuclei
    became = kinds_of(outcome.changes, dense=dense) if outcome else ()
    mpp = opened.picture.mpp
    if state.display.overlay == "difference" and became:
        described = by_change(became, mpp)
    else:
        described = by_type(nuclei, opened.model.classes, mpp, became)
    count = write_masks(path, nuclei, described, cast("Job", task))
    return Saved(f"Saved {count:,} nuclei as {path}.")


def _report(state: "AppState", path: str, task: WorkContext) -> Saved:
    """Write the report."""
    from app.export.report import facts_of, write_report
    from app.worker.writing import machine

    task.step(0, 1, "writing the report")
    facts = facts_of(state)
    assert facts is not None
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_report(path, replace(facts, machine=machine(), when=now))
    return Saved(f"Saved the report as {Path(path)}.")
