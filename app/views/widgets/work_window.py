"""A window of settings, of long work that they ask for, and of its results.

Closing it hides it: the work goes on, as the main window is still there.
"""

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from app.views.widgets.work_bar import NoteLine, WorkBar


class WorkWindow(QDialog):
    """Settings on the left, with the work below them; results on the right.

    A subclass fills `left` and `right`, puts `work` and `note` into one of them, and
    says in `wish` what its settings ask for.

    Parameters
    ----------
    title
        Of the window.
    size
        (width, height) at first.
    width
        Of the left side, in pixels.
    work
        Starts and cancels the work.
    form
        The settings; disabled while the work runs.
    parent
        Qt owner.
    """

    startAsked = Signal(object)  # `wish`
    cancelAsked = Signal()
    wishChanged = Signal(object)  # `wish`

    def __init__(
        self,
        title: str,
        size: tuple[int, int],
        width: int,
        work: WorkBar,
        form: QWidget,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"{title} · PruneScope")
        self.resize(*size)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 12, 14, 12)
        row.setSpacing(16)
        side = QWidget()
        side.setFixedWidth(width)
        self.left = QVBoxLayout(side)
        self.left.setContentsMargins(0, 0, 0, 0)
        row.addWidget(side)
        self.right = QVBoxLayout()
        row.addLayout(self.right, 1)
        self.note = NoteLine()
        self.work, self._form = work, form
        work.startAsked.connect(lambda: self.startAsked.emit(self.wish))
        work.cancelAsked.connect(self.cancelAsked)

    @property
    def wish(self) -> object:
        """What the settings say."""
        raise NotImplementedError

    # Setters: silent

    def set_estimate(self, words: str, *, ready: bool) -> None:
        """Say how much the work is, or what is missing."""
        self.work.set_estimate(words, ready=ready)

    def set_running(self, on: bool) -> None:
        """Allow to cancel the work, or to start it."""
        self.work.set_running(on)
        self._form.setEnabled(not on)

    def set_progress(self, done: int, total: int, what: str) -> None:
        """Show how far the work is and what it does."""
        self.work.set_progress(done, total, what)

    def set_said(self, words: str) -> None:
        """Say how the work ended."""
        self.work.set_said(words)

    def set_note(self, words: str, details: str = "") -> None:
        """Say something about the results, with details of an error to copy."""
        self.note.set_note(words, details)

    # What the user does

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hide; the work goes on."""
        event.ignore()
        self.hide()

    def reject(self) -> None:
        """Escape hides the window too."""
        self.hide()
