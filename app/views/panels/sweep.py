"""The sweep window: many models over many tiles, drawn while they are tried.

It decides nothing: what the user asks for leaves as a signal.
"""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.plots.registry import charts_for
from app.views.widgets.chart_panel import ChartPanel
from app.views.widgets.store_list import StoreList, StoreRow
from app.views.widgets.sweep_form import STORES, SweepForm
from app.views.widgets.work_bar import NoteLine, WorkBar

_FORM = 330


class SweepCharts(ChartPanel):
    """The charts of trials: the first one large, the others below it.

    Parameters
    ----------
    parent
        Qt owner.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(charts_for("trials"), parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self.head())
        first, *others = self.frames.values()
        column.addWidget(first, 5)
        below = QHBoxLayout()
        below.setSpacing(12)
        for frame in others:
            below.addWidget(frame, 1)
        column.addLayout(below, 4)


class SweepWindow(QDialog):
    """Settings on the left, curves of all opened stores on the right."""

    startAsked = Signal(object)  # Wish
    cancelAsked = Signal()
    wishChanged = Signal(object)  # Wish
    openAsked = Signal(str)  # store to draw
    closeAsked = Signal(int)  # its place

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Sweep · PruneScope")
        self.resize(1180, 740)
        self.form = SweepForm()
        self.form.changed.connect(self.wishChanged)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 12, 14, 12)
        row.setSpacing(16)
        left = QWidget()
        left.setFixedWidth(_FORM)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form, 1)
        self._add_work(column)
        row.addWidget(left)
        right = QVBoxLayout()
        self._add_results(right)
        row.addLayout(right, 1)

    def _add_work(self, column: QVBoxLayout) -> None:
        self._work = WorkBar(
            "sweep",
            ("Start sweep", "Runs every trial that the file does not hold yet."),
            "Stops at once; finished trials are kept.",
        )
        self._work.startAsked.connect(lambda: self.startAsked.emit(self.form.wish))
        self._work.cancelAsked.connect(self.cancelAsked)
        column.addWidget(self._work)

    def _add_results(self, column: QVBoxLayout) -> None:
        row = QHBoxLayout()
        self._stores = StoreList()
        self._stores.closeAsked.connect(self.closeAsked)
        row.addWidget(self._stores, 1)
        more = QPushButton("Open results…")
        more.setToolTip("Draw the curves of an earlier sweep, or of another machine.")
        more.setAutoDefault(False)
        more.clicked.connect(self._ask_results)
        row.addWidget(more, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(row)
        self.charts = SweepCharts()
        column.addWidget(self.charts, 1)
        self._note = NoteLine()
        column.addWidget(self._note)

    # Setters: silent

    def set_estimate(self, words: str, *, ready: bool) -> None:
        """Say how large the sweep is, or what is missing."""
        self._work.set_estimate(words, ready=ready)

    def set_running(self, on: bool) -> None:
        """Allow to cancel a sweep, or to start one."""
        self._work.set_running(on)
        self.form.setEnabled(not on)

    def set_progress(self, done: int, total: int, what: str) -> None:
        """Show how far the sweep is and what it does."""
        self._work.set_progress(done, total, what)

    def set_said(self, words: str) -> None:
        """Say how the sweep ended."""
        self._work.set_said(words)

    def set_note(self, words: str, details: str = "") -> None:
        """Say something about the results, with details of an error to copy."""
        self._note.set_note(words, details)

    def set_stores(self, rows: Sequence[StoreRow]) -> None:
        """List the opened stores."""
        self._stores.set_rows(rows)

    # What the user does

    def _ask_results(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open results", "", STORES)
        if path:
            self.openAsked.emit(path)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hide; a sweep goes on, as the main window is still there."""
        event.ignore()
        self.hide()

    def reject(self) -> None:
        """Escape hides the window too."""
        self.hide()
