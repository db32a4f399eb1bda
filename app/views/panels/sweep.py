"""The sweep window: many models over many tiles, drawn while they are tried.

It decides nothing: what the user asks for leaves as a signal.
"""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.plots.registry import charts_for
from app.state.sweep_values import SweepSettings
from app.views.widgets.chart_panel import ChartPanel
from app.views.widgets.store_list import StoreList, StoreRow
from app.views.widgets.sweep_form import STORES, SweepForm
from app.views.widgets.work_bar import WorkBar
from app.views.widgets.work_window import WorkWindow

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


class SweepWindow(WorkWindow):
    """Settings on the left, curves of all opened stores on the right."""

    openAsked = Signal(str)  # store to draw
    closeAsked = Signal(int)  # its place

    def __init__(self, parent: QWidget | None = None) -> None:
        self.form = SweepForm()
        work = WorkBar(
            "sweep",
            ("Start sweep", "Runs every trial that the file does not hold yet."),
            "Stops at once; finished trials are kept.",
        )
        super().__init__("Sweep", (1180, 740), _FORM, work, self.form, parent)
        self.form.changed.connect(self.wishChanged)
        self.left.addWidget(self.form, 1)
        self.left.addWidget(work)
        self._add_results(self.right)

    @property
    def wish(self) -> SweepSettings:
        """What the form says."""
        return self.form.wish

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
        column.addWidget(self.note)

    # Setters: silent

    def set_stores(self, rows: Sequence[StoreRow]) -> None:
        """List the opened stores."""
        self._stores.set_rows(rows)

    # What the user does

    def _ask_results(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open results", "", STORES)
        if path:
            self.openAsked.emit(path)
