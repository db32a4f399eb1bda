"""Runtimes from the window: the same comparison as ``prunescope bench``.

To read this file, start from `Comparing.start`.
"""

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from app.controllers.deployment.pruned_file import PrunedFile, model_arguments
from app.controllers.deployment.side_work import SideWork
from app.controllers.work_process import WorkProcess
from app.state.deployment import Available, RuntimesWish
from app.text.format import duration
from app.text.runtimes import cells, how_measured
from core.children import COMMAND

if TYPE_CHECKING:
    from app.state.store import Store
    from app.state.values import Opened
    from app.views.panels.runtimes import RuntimesWindow
    from app.worker.runner import Runner

_START_SECONDS = 10.0  # of the process, the model and its export


class Comparing(QObject):
    """Joins the window of runtimes and the process that times them.

    Parameters
    ----------
    window
        What asks and is set.
    store
        Says which model is open and how it is pruned.
    runner
        Finds what is installed in its lane for files.
    """

    def __init__(
        self, window: "RuntimesWindow", store: "Store", runner: "Runner"
    ) -> None:
        super().__init__(window)
        self._window, self._store = window, store
        self._wish: RuntimesWish | None = None  # of the comparison that begins
        self._folder = tempfile.TemporaryDirectory(prefix="prunescope-")
        self.process = WorkProcess(
            COMMAND, "comparison", "nothing is kept", parent=self
        )
        self._side = SideWork(runner, self)
        self._pruned = PrunedFile(store, self)
        window.startAsked.connect(self.start)
        window.cancelAsked.connect(self.cancel)
        window.wishChanged.connect(self._show_size)
        self.process.stepped.connect(window.set_progress)
        self.process.ended.connect(self._on_ended)
        self.process.failed.connect(self._on_failed)
        self._side.came.connect(self._on_came)
        self._side.failed.connect(lambda words: self._on_failed(words, ""))
        self._pruned.ready.connect(self._on_pruned)
        self._pruned.failed.connect(lambda words: self._on_failed(words, ""))
        self._side.submit(_find_available)

    def set_opened(self, _: "Opened | None") -> None:
        """Take note of what the main window shows."""
        self._show_size(self._window.wish)

    def start(self, wish: RuntimesWish) -> None:
        """Time the runtimes; the pruned model is written first."""
        opened = self._store.state.opened
        if opened is None or self.process.running or self._wish:
            return
        self._wish = wish
        self._window.set_running(True)
        self._window.set_note("")
        self._window.set_progress(0, 0, "Starting")
        if wish.pruned:
            self._pruned.ask(Path(self._folder.name))
        else:
            self._order(model_arguments(opened.model.source))

    def cancel(self) -> None:
        """End the comparison at once."""
        self._wish = None
        self.process.cancel()
        self._stopped("Cancelled.")

    def close(self) -> None:
        """End everything. Call before the window goes."""
        self._wish = None
        self.process.close()
        self._side.close()
        self._folder.cleanup()
        self._window.deleteLater()

    # What comes back

    @Slot(str)
    def _on_pruned(self, path: str) -> None:
        if self._wish is not None:
            self._order(["--model", path])

    def _order(self, model: list[str]) -> None:
        wish, self._wish = self._wish, None
        opened = self._store.state.opened
        if wish is None or opened is None:
            return
        tile = ["--tile", opened.source.text] if opened.source.text else []
        options = ["bench", *model, *tile, "--json", *wish.arguments()]
        self.process.start(json.dumps(options))

    @Slot(object)
    def _on_came(self, value: object) -> None:
        if isinstance(value, Available):
            self._window.set_runtimes(value.runtimes)
            self._show_size(self._window.wish)

    @Slot(str)
    def _on_ended(self, text: str) -> None:
        found = json.loads(text)
        rows = [cells(row) for row in found["runtimes"]]
        how = how_measured(found["shape"], found["threads"])
        self._window.set_results(rows, found["sentence"], how)
        self._stopped("Done.")

    @Slot(str, str)
    def _on_failed(self, sentence: str, details: str) -> None:
        self._wish = None
        if not self.process.running:
            self._stopped("")
        self._window.set_note(sentence, details)

    def _stopped(self, words: str) -> None:
        self._window.set_running(False)
        self._window.set_said(words)

    @Slot(object)
    def _show_size(self, wish: RuntimesWish) -> None:
        if self._store.state.opened is None:
            self._window.set_estimate("Open a model first.", ready=False)
            return
        problem = wish.missing()
        others = len(wish.runtimes) - 1
        about = f"Roughly {duration(_START_SECONDS + others * wish.seconds)}."
        self._window.set_estimate(problem or about, ready=not problem)


def _find_available() -> Available:
    from app.worker.deployment import find_available  # imports torch

    return find_available()
