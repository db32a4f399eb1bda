"""The sweep window: many models over many tiles, drawn while they are tried.

It decides nothing: what the user asks for leaves as a signal.
"""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.plots.registry import charts_for
from app.views.widgets.chart_panel import ChartPanel
from app.views.widgets.store_list import StoreList, StoreRow
from app.views.widgets.sweep_form import STORES, SweepForm

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
        self._ready, self._details = False, ""
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
        self._estimate = QLabel()
        self._estimate.setWordWrap(True)
        self._estimate.setAccessibleName("Size of the sweep")
        column.addWidget(self._estimate)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setFixedHeight(6)
        self._bar.setAccessibleName("Progress of the sweep")
        column.addWidget(self._bar)
        self._doing = QLabel()
        self._doing.setWordWrap(True)
        self._doing.setAccessibleName("What the sweep does")
        self._doing.setProperty("role", "faint")
        self._doing.setMinimumHeight(2 * self.fontMetrics().height())
        self._doing.setAlignment(Qt.AlignmentFlag.AlignTop)
        column.addWidget(self._doing)
        row = QHBoxLayout()
        self._start = QPushButton("Start sweep")
        self._start.setToolTip("Runs every trial that the file does not hold yet.")
        self._start.setDefault(True)
        self._start.clicked.connect(lambda: self.startAsked.emit(self.form.wish))
        row.addWidget(self._start, 1)
        self._cancel = QPushButton("Cancel")
        self._cancel.setToolTip("Stops at once; finished trials are kept.")
        self._cancel.clicked.connect(self.cancelAsked)
        row.addWidget(self._cancel)
        column.addLayout(row)
        self.set_running(False)

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
        self._add_note(column)

    def _add_note(self, column: QVBoxLayout) -> None:
        row = QHBoxLayout()
        self._note = QLabel()
        self._note.setWordWrap(True)
        self._note.setAccessibleName("Message")
        self._note.hide()
        row.addWidget(self._note, 1)
        self._copy = QPushButton("Copy details")
        self._copy.setToolTip("Puts the details on the clipboard, for a bug report.")
        self._copy.setAutoDefault(False)
        self._copy.clicked.connect(self._on_copy)
        self._copy.hide()
        row.addWidget(self._copy)
        column.addLayout(row)

    # Setters: silent

    def set_estimate(self, words: str, *, ready: bool) -> None:
        """Say how large the sweep is, or what is missing."""
        self._estimate.setText(words)
        self._ready = ready
        self._start.setEnabled(ready and not self._cancel.isEnabled())

    def set_running(self, on: bool) -> None:
        """Allow to cancel a sweep, or to start one."""
        self._cancel.setEnabled(on)
        self._start.setEnabled(not on and self._ready)
        self.form.setEnabled(not on)
        if not on:
            self._bar.setRange(0, 1)
            self._bar.setValue(0)

    def set_progress(self, done: int, total: int, what: str) -> None:
        """Show how far the sweep is and what it does."""
        self._bar.setRange(0, total)  # 0 of 0 runs to and fro
        self._bar.setValue(done)
        share = f"{done} of {total}. " if total else ""
        self._doing.setText(share + what)

    def set_said(self, words: str) -> None:
        """Say how the sweep ended."""
        self._doing.setText(words)

    def set_note(self, words: str) -> None:
        """Say something about the results; empty: nothing."""
        self._note.setText(words)
        self._note.setVisible(bool(words))
        self.set_details("")

    def set_details(self, details: str) -> None:
        """Offer the details of an error; empty: there are none."""
        self._details = details
        self._copy.setVisible(bool(details))

    def set_stores(self, rows: Sequence[StoreRow]) -> None:
        """List the opened stores."""
        self._stores.set_rows(rows)

    # What the user does

    def _ask_results(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open results", "", STORES)
        if path:
            self.openAsked.emit(path)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self._note.text()}\n\n{self._details}")

    def closeEvent(self, event: QCloseEvent) -> None:
        """Hide; a sweep goes on, as the main window is still there."""
        event.ignore()
        self.hide()

    def reject(self) -> None:
        """Escape hides the window too."""
        self.hide()
