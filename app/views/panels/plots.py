"""The right column: charts of what was tried, and of a fine-tuning."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.plots.registry import CHARTS, charts_for
from app.views.widgets.chart_panel import ChartPanel
from app.views.widgets.column import ScrollColumn

_NARROWEST = 250  # pixels: titles of charts and axes still fit


class Plots(ChartPanel):
    """All charts of the registry in a column; points are states of the window.

    Parameters
    ----------
    parent
        Qt owner.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(CHARTS, parent)
        self.setMinimumWidth(_NARROWEST)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(10, 10, 0, 8)
        outer.setSpacing(4)
        outer.addLayout(self.head())
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 10, 0)
        column.setSpacing(8)
        for frame in self.frames.values():
            column.addWidget(frame, 1)
        outer.addWidget(ScrollColumn(inside), 1)
        self.set_training(on=False)

    def set_training(self, *, on: bool) -> None:
        """Show the charts of a fine-tuning, while that is what is on; silent."""
        for kind in charts_for("training"):
            self.frames[kind.key].setVisible(on)
