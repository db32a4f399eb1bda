"""Leaving with something: what the export menu asks for."""

from typing import TYPE_CHECKING

from app.export import as_csv, write_text
from app.state import Message, Store

if TYPE_CHECKING:
    from app.scheduler import Scheduler
    from app.window import Window


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

    def save_model(self, path: str) -> None:
        """Write the pruned model of the active pane."""
        state = self._store.state
        if state.opened is None:
            return
        session, request = state.opened.session, state.request
        self._scheduler.submit("save", lambda task: session.export(request, path, task))

    def save_table(self, path: str) -> None:
        """Write every plotted point as CSV."""
        self._tell(write_text(path, as_csv(self._store.state.trials)))

    def save_picture(self, path: str) -> None:
        """Write the window as it is, as an image."""
        done = self._window.grab().save(path)
        text = f"Saved {path}." if done else f"Cannot write {path}: choose another."
        self._tell(Message(text, kind="info" if done else "error"))

    def _tell(self, message: Message) -> None:
        self._store.update(message=message)
