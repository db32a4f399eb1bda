"""Leaving with something: what the export menu asks for."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from app.export.picture_files import save_widget
from app.export.points import as_csv, write_text
from app.state.app_state import Message, Store
from app.state.session.setup_file import setup_text
from app.state.values import Saved, Task

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.state.app_state import AppState
    from app.views.main_window.window import Window
    from app.worker.scheduler import Scheduler
    from core.job import Job


class Exporter:
    """Writes what is on show; what needs the model is left to the worker.

    Parameters
    ----------
    window
        Of which a picture can be taken.
    store
        Owner of the state.
    scheduler
        Gives the worker its work.
    """

    def __init__(self, window: "Window", store: Store, scheduler: "Scheduler") -> None:
        self._window, self._store, self._scheduler = window, store, scheduler

    def export(self, what: str, path: str) -> None:
        """Write one thing.

        Parameters
        ----------
        what
            ``"report"``, ``"folder"``, ``"settings"``, ``"pruned"`` or
            ``"dense"`` (nuclei), or ``"plot:"`` and the name of a plot.
        path
            Where to.
        """
        kind, _, name = what.partition(":")
        writers: dict[str, Callable[[str], None]] = {
            "report": self.save_report,
            "folder": self.save_model,
            "settings": self.save_settings,
            "pruned": lambda path: self.save_masks(path, dense=False),
            "dense": lambda path: self.save_masks(path, dense=True),
            "plot": lambda path: self.save_plot(path, name),
        }
        writers[kind](path)

    def save_model(self, path: str) -> None:
        """Write the pruned model of the active pane: a file, or a folder."""
        state = self._store.state
        if state.opened is None:
            return
        session, request = state.opened.session, state.request
        self._scheduler.submit("save", lambda task: session.export(request, path, task))

    def save_masks(self, path: str, *, dense: bool) -> None:
        """Write the nuclei of one model as they are coloured now."""
        state = self._store.state
        if state.opened is not None and state.outcome is not None:
            self._scheduler.submit(
                "save", lambda task: _masks(state, path, task, dense=dense)
            )

    def save_report(self, path: str) -> None:
        """Write the report of the active pane."""
        state = self._store.state
        if state.opened is None or state.outcome is None:
            self._tell(Message("Wait for a result, then save its report.", kind="info"))
            return
        self._scheduler.submit("save", lambda task: _report(state, path, task))

    def save_table(self, path: str) -> None:
        """Write every plotted point as CSV."""
        self._tell(write_text(path, as_csv(self._store.state.trials)))

    def save_settings(self, path: str) -> None:
        """Write what is open and how it is set."""
        self._tell(write_text(path, setup_text(self._store.state)))

    def save_plot(self, path: str, name: str) -> None:
        """Write one plot as SVG or PNG."""
        self._tell(save_widget(getattr(self._window.plots, name), path))

    def save_picture(self, path: str) -> None:
        """Write the window as it is, as an image."""
        done = self._window.grab().save(path)
        text = f"Saved {path}." if done else f"Cannot write {path}: choose another."
        self._tell(Message(text, kind="info" if done else "error"))

    def _tell(self, message: Message) -> None:
        self._store.update(message=message)


# On the worker: what needs torch or takes a while.


def _masks(state: "AppState", path: str, task: Task, *, dense: bool) -> Saved:
    """Write the nuclei of one model."""
    from app.rendering.mask_files import by_change, by_type, kinds_of, write_masks

    opened, outcome = state.opened, state.outcome
    assert opened is not None
    assert outcome is not None
    nuclei = opened.nuclei if dense else outcome.nuclei
    became = kinds_of(outcome.changes, dense=dense)
    mpp = opened.picture.mpp
    if state.display.overlay == "difference":
        described = by_change(became, mpp)
    else:
        described = by_type(nuclei, opened.model.classes, mpp, became)
    count = write_masks(path, nuclei, described, cast("Job", task))
    return Saved(f"Saved {count:,} nuclei as {path}.")


def _report(state: "AppState", path: str, task: Task) -> Saved:
    """Write the report."""
    from app.export.report import facts_of, write_report
    from app.worker.writing import machine

    task.step(0, 1, "writing the report")
    facts = facts_of(state)
    assert facts is not None
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_report(path, replace(facts, machine=machine(), when=now))
    return Saved(f"Saved the report as {Path(path)}.")
