"""The pruned model of the active pane as a file, for a process that runs it."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.state.events import SaveAsked
from core.options import split_model

if TYPE_CHECKING:
    from app.state.store import Store
    from app.state.values import WorkContext


class PrunedFile(QObject):
    """Writes the model on the worker, and says when it is there.

    Parameters
    ----------
    store
        Says what is open and how it is pruned.
    parent
        Qt owner.
    """

    ready = Signal(str)  # path
    failed = Signal(str)  # a sentence

    def __init__(self, store: "Store", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store

    def ask(self, folder: Path) -> None:
        """Write it into a folder, unless it is there; a model by itself is taken."""
        state = self._store.state
        opened, request = state.opened, state.request
        if opened is None:
            return
        if request.model:
            self.ready.emit(request.model)
            return
        asked = repr((opened.model.source, opened.calibrated_on, request))
        digest = hashlib.sha256(asked.encode()).hexdigest()[:12]
        path = folder / f"pruned-{digest}.safetensors"
        if path.is_file():
            self.ready.emit(str(path))
            return
        session = opened.session

        def write(task: "WorkContext") -> None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                session.export(request, str(path), task)
            except BaseException as error:
                self.failed.emit(str(error) or "The pruned model was not written.")
                raise
            self.ready.emit(str(path))

        self._store.dispatch(SaveAsked(write))


def model_arguments(source: str) -> list[str]:
    """Return the options that name a model that is open in the window."""
    _, options = split_model(source)
    # whoever opened it in the window has agreed that its code is run
    return ["--model", source, *(["--trust"] if options.network else [])]
