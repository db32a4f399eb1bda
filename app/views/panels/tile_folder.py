"""The window that shows the tiles of a folder, the worst of them first.

It decides nothing: what the user asks for leaves as a signal.
"""

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.views.widgets.dimming import set_dimmed
from app.views.widgets.form_parts import button
from app.views.widgets.tile_grid import TileCard, TileGrid
from app.views.widgets.work_bar import NoteLine, WorkBar

__all__ = ["TileCard", "TileFolderWindow"]

_BAR = 300


class TileFolderWindow(QDialog):
    """What is scored on top, the tiles below."""

    startAsked = Signal()
    stopAsked = Signal()
    folderAsked = Signal()  # another folder
    tileChosen = Signal(object)  # source of a tile to open
    left = Signal()  # the window was closed

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Tiles of a folder · PruneScope")
        self.resize(1020, 720)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addLayout(self._build_words(), 1)
        self._work = WorkBar(
            "scoring",
            ("Score tiles", "Scores every tile with the model of the active pane."),
            "Stops; scores that are there stay, and scoring can go on.",
        )
        self._work.setFixedWidth(_BAR)
        self._work.startAsked.connect(self.startAsked)
        self._work.cancelAsked.connect(self.stopAsked)
        row.addWidget(self._work)
        column.addLayout(row)
        self._note = NoteLine()
        column.addWidget(self._note)
        self.grid = TileGrid()
        self.grid.tileChosen.connect(self.tileChosen)
        self.grid.orderWaits.connect(self._on_waiting)
        column.addWidget(self.grid, 1)
        self._waits = QLabel(" ")
        self._waits.setProperty("role", "faint")
        column.addWidget(self._waits)

    def _build_words(self) -> QVBoxLayout:
        words = QVBoxLayout()
        self._title = QLabel()
        self._title.setProperty("role", "title")
        self._title.setAccessibleName("Folder")
        self._scored = QLabel()
        self._scored.setWordWrap(True)
        self._scored.setAccessibleName("What the scores are of")
        other = button("Another folder…", "Choose another folder of tiles.")
        other.clicked.connect(self.folderAsked)
        words.addWidget(self._title)
        words.addWidget(self._scored)
        words.addStretch(1)
        row = QHBoxLayout()
        row.addWidget(other)
        row.addStretch(1)
        words.addLayout(row)
        return words

    # Setters: silent

    def set_folder(self, title: str, note: str) -> None:
        """Say which folder is on show, and what is not listed of it."""
        self._title.setText(title)
        self._note.set_note(note)

    def set_note(self, words: str) -> None:
        """Tell of a failure."""
        self._note.set_note(words)

    def set_scored(self, words: str, *, late: bool) -> None:
        """Say what the scores are of; dimmed while the controls say something else."""
        self._scored.setText(words)
        set_dimmed(self.grid, late)

    def set_running(self, on: bool) -> None:
        """Allow to stop the scoring, or to start it."""
        self._work.set_running(on)

    def set_estimate(self, words: str, *, ready: bool) -> None:
        """Say how much is to be done, or what is missing."""
        self._work.set_estimate(words, ready=ready)

    def set_progress(self, done: int, total: int, what: str) -> None:
        """Show how many tiles are scored."""
        self._work.set_progress(done, total, what)

    def set_said(self, words: str) -> None:
        """Say how the scoring ended."""
        self._work.set_said(words)

    # What the user does

    def _on_waiting(self, on: bool) -> None:
        words = "The order follows when the pointer leaves the tiles." if on else " "
        self._waits.setText(words)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hide, and say so: nobody waits for scores any more."""
        event.ignore()
        self.reject()

    def reject(self) -> None:
        """Escape hides the window too."""
        self.hide()
        self.left.emit()
