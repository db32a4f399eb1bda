"""The sweep window: many models over many tiles, drawn while they are tried.

It decides nothing: what the user asks for leaves as a signal.
"""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.plots.plot_values import BEST
from app.plots.plot_widget import Axis, Line, Plot
from app.text import format as text
from app.views.widgets.legend import Entry, Legend
from app.views.widgets.store_list import StoreList, StoreRow
from app.views.widgets.sweep_form import STORES, SweepForm

_TOP = 1.08  # of the accuracy axis
_FORM = 330


class SweepWindow(QDialog):
    """Settings on the left, curves of all opened stores on the right."""

    startAsked = Signal(object)  # Wish
    cancelAsked = Signal()
    wishChanged = Signal(object)  # Wish
    openAsked = Signal(str)  # store to draw
    closeAsked = Signal(int)  # its place
    metricChosen = Signal(str)
    pointChosen = Signal(object)  # TrialIdentity

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Sweep · PruneScope")
        self.resize(1180, 740)
        self._ready, self._details = False, ""
        self._entries: tuple[Entry, ...] = ()
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
        self._metric = QComboBox()
        self._metric.setAccessibleName("Accuracy shown")
        self._metric.setToolTip("Score on the vertical axis, mean over the tiles.")
        self._metric.activated.connect(
            lambda index: self.metricChosen.emit(self._metric.itemData(index))
        )
        row.addWidget(self._metric, 0, Qt.AlignmentFlag.AlignTop)
        more = QPushButton("Open results…")
        more.setToolTip("Draw the curves of an earlier sweep, or of another machine.")
        more.setAutoDefault(False)
        more.clicked.connect(self._ask_results)
        row.addWidget(more, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(row)
        self._legend = Legend()
        column.addWidget(self._legend)
        self._add_plots(column)
        self._add_note(column)

    def _add_plots(self, column: QVBoxLayout) -> None:
        removed = Axis("parameters removed", 0.0, 1.0, text.percent)
        score = Axis("", 0.0, _TOP, "{:g}".format)
        self.accuracy = Plot("Accuracy", removed, score)
        self.latency = Plot("Latency", removed, Axis("ms", 0.0))
        self.trade = Plot("Accuracy and latency", Axis("ms", 0.0), score, "x")
        self.accuracy.set_empty("Points appear here as models are tried.")
        self.latency.set_empty("Latency of each model, with its interval.")
        self.trade.set_empty("Up and to the left is better.")
        for plot in self._plots():
            plot.chosen.connect(self.pointChosen)
        column.addWidget(self.accuracy, 5)
        below = QHBoxLayout()
        below.setSpacing(12)
        below.addWidget(self.latency, 1)
        below.addWidget(self.trade, 1)
        column.addLayout(below, 4)

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

    def set_legend(self, entries: Sequence[Entry]) -> None:
        """Name the curves."""
        self._entries = tuple(entries)
        self._show_legend()

    def set_lines(
        self, lines: tuple[tuple[Line, ...], tuple[Line, ...], tuple[Line, ...]]
    ) -> None:
        """Draw the curves."""
        for plot, drawn in zip(self._plots(), lines, strict=True):
            plot.set_lines(drawn)
        self._show_legend()

    def _show_legend(self) -> None:
        best = any(dot.best for dot in self.trade.dots)
        self._legend.set_entries(self._entries, BEST if best else "")

    def set_level(self, score: float | None) -> None:
        """Draw the dense model's score, where it is one."""
        for plot in (self.accuracy, self.trade):
            plot.set_level(score, "dense")

    def set_metrics(self, names: dict[str, str], chosen: str, against: str) -> None:
        """Offer these scores and name the vertical axes."""
        with QSignalBlocker(self._metric):
            keys = [self._metric.itemData(k) for k in range(self._metric.count())]
            if keys != list(names):
                self._metric.clear()
                for key, name in names.items():
                    self._metric.addItem(name, key)
            self._metric.setCurrentIndex(self._metric.findData(chosen))
        caption = f"{names.get(chosen, '')} {against}".strip()
        for plot in (self.accuracy, self.trade):
            plot.set_y(Axis(caption, 0.0, _TOP, "{:g}".format))

    def _plots(self) -> tuple[Plot, Plot, Plot]:
        return self.accuracy, self.latency, self.trade

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
