"""What a window with a process of its own says of it, and what starts and stops it."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)


class WorkBar(QWidget):
    """Size of the work, progress, start and cancel.

    Parameters
    ----------
    what
        The work in a word, such as ``"sweep"``.
    start, tip
        Caption and tooltip of the button that starts it.
    cancel
        Tooltip of the one that stops it.
    parent
        Qt owner.
    """

    startAsked = Signal()
    cancelAsked = Signal()

    def __init__(
        self,
        what: str,
        start: tuple[str, str],
        cancel: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._ready = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self._estimate = QLabel()
        self._estimate.setWordWrap(True)
        self._estimate.setAccessibleName(f"Size of the {what}")
        column.addWidget(self._estimate)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(6)
        self._bar.setAccessibleName(f"Progress of the {what}")
        column.addWidget(self._bar)
        self._doing = QLabel()
        self._doing.setWordWrap(True)
        self._doing.setAccessibleName(f"What the {what} does")
        self._doing.setProperty("role", "faint")
        self._doing.setMinimumHeight(2 * self.fontMetrics().height())
        self._doing.setAlignment(Qt.AlignmentFlag.AlignTop)
        column.addWidget(self._doing)
        row = QHBoxLayout()
        self._start = QPushButton(start[0])
        self._start.setToolTip(start[1])
        self._start.setDefault(True)
        self._start.clicked.connect(self.startAsked)
        row.addWidget(self._start, 1)
        self._cancel = QPushButton("Cancel")
        self._cancel.setToolTip(cancel)
        self._cancel.clicked.connect(self.cancelAsked)
        row.addWidget(self._cancel)
        column.addLayout(row)
        self.set_running(False)

    def set_estimate(self, words: str, *, ready: bool) -> None:
        """Say how large the work is, or what is missing."""
        self._estimate.setText(words)
        self._ready = ready
        self._start.setEnabled(ready and not self._cancel.isEnabled())

    def set_running(self, on: bool) -> None:
        """Allow to cancel the work, or to start it."""
        self._cancel.setEnabled(on)
        self._start.setEnabled(not on and self._ready)
        if not on:
            self._bar.setRange(0, 1)
            self._bar.setValue(0)

    def set_progress(self, done: int, total: int, what: str) -> None:
        """Show how far the work is and what it does."""
        self._bar.setRange(0, total)  # 0 of 0 runs to and fro
        self._bar.setValue(done)
        share = f"{done} of {total}. " if total else ""
        self._doing.setText(share + what)

    def set_said(self, words: str) -> None:
        """Say how the work ended."""
        self._doing.setText(words)


class NoteLine(QWidget):
    """A sentence that stays, with details to copy; hidden while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._details = ""
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        self._note = QLabel()
        self._note.setWordWrap(True)
        self._note.setAccessibleName("Message")
        row.addWidget(self._note, 1)
        self._copy = QPushButton("Copy details")
        self._copy.setToolTip("Puts the details on the clipboard, for a bug report.")
        self._copy.setAutoDefault(False)
        self._copy.clicked.connect(self._on_copy)
        row.addWidget(self._copy)
        self.set_note("")

    def set_note(self, words: str, details: str = "") -> None:
        """Say something; empty: nothing."""
        self._details = details
        self._note.setText(words)
        self._copy.setVisible(bool(details))
        self.setVisible(bool(words))

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self._note.text()}\n\n{self._details}")
