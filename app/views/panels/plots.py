"""The right column: three plots of what was tried."""

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app.plots.plot_values import BEST
from app.plots.plot_widget import Axis, Dot, Line, Plot
from app.text import format as text
from app.views.widgets.legend import Entry, Legend
from core.tables import METRICS, metrics_for
from core.tables.metrics import TaskName

_TOP = 1.15  # of the accuracy axis: room for a caption above 1


class Plots(QWidget):
    """Accuracy, latency, and one against the other; points are states."""

    pointChosen = Signal(object)  # PruneRequest
    pointHovered = Signal(object)  # the same under the pointer, or None
    metricChosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 12, 8)
        column.setSpacing(6)
        row = QHBoxLayout()
        self._legend = Legend()
        row.addWidget(self._legend, 1)
        self._metric = QComboBox()
        self._metric.setAccessibleName("Accuracy shown")
        self._metric.setToolTip(
            "AJI and PQ judge each nucleus; Dice only the area, and F1 only whether "
            "nuclei were found."
        )
        self._task: TaskName | None = None
        self.set_task("nuclei")
        self._metric.activated.connect(
            lambda index: self.metricChosen.emit(self._metric.itemData(index))
        )
        row.addWidget(self._metric, 0, Qt.AlignmentFlag.AlignTop)
        column.addLayout(row)
        removed = Axis("parameters removed", 0.0, 1.0, text.percent)
        self.accuracy = Plot("Accuracy", removed, Axis("", 0.0, _TOP, "{:g}".format))
        self.latency = Plot("Latency", removed, Axis("ms", 0.0))
        self.trade = Plot(
            "Accuracy and latency",
            Axis("ms, network on this tile", 0.0),
            Axis("", 0.0, _TOP, "{:g}".format),
            "x",
        )
        for plot in (self.accuracy, self.latency, self.trade):
            plot.chosen.connect(self.pointChosen)
            plot.hovered.connect(self.pointHovered)
            column.addWidget(plot, 3)
        self.training = Plot(
            "Training loss by step", Axis(""), Axis("\u25c6 on tiles kept back")
        )
        self.training.set_empty("Training begins when the slider rests.")
        self.training.hide()
        column.addWidget(self.training, 3)
        self.accuracy.set_empty("Move the slider: every model tried becomes a point.")
        self.latency.set_empty("Rest on a sparsity: its latency is measured.")
        self.trade.set_empty("Up and to the left is better.")

    # Setters: silent

    def set_lines(
        self, lines: tuple[tuple[Line, ...], tuple[Line, ...], tuple[Line, ...]]
    ) -> None:
        for plot, drawn in zip(self._plots(), lines, strict=True):
            plot.set_lines(drawn)

    def set_current(self, dots: tuple[Dot | None, Dot | None, Dot | None]) -> None:
        for plot, dot in zip(self._plots(), dots, strict=True):
            plot.set_current(dot)

    def set_dense(self, score: float | None, milliseconds: float | None) -> None:
        """Draw the dense model's level, where it is known."""
        for plot in (self.accuracy, self.trade):
            plot.set_level(score, "dense")
        self.latency.set_level(milliseconds, "dense")

    def set_task(self, task: TaskName) -> None:
        """Offer the scores of one kind of model."""
        if task == self._task:
            return
        self._task = task
        with QSignalBlocker(self._metric):
            self._metric.clear()
            for score in metrics_for(task):
                self._metric.addItem(score.title, score.key)
                self._metric.setItemData(
                    self._metric.count() - 1, score.tip, Qt.ItemDataRole.ToolTipRole
                )

    def set_metric(self, metric: str, against: str) -> None:
        """Name the vertical axes: which score, and against what."""
        with QSignalBlocker(self._metric):
            self._metric.setCurrentIndex(self._metric.findData(metric))
        name = METRICS[metric].title
        for plot in (self.accuracy, self.trade):
            plot.set_y(Axis(f"{name} {against}", 0.0, _TOP, "{:g}".format))

    def set_training(self, lines: tuple[Line, ...], words: str, *, on: bool) -> None:
        """Draw the loss of a training, while that is what is on."""
        self.training.set_lines(lines)
        self.training.set_x(Axis(words))
        self.training.setVisible(on)

    def set_legend(self, entries: Sequence[Entry]) -> None:
        """Name the curves."""
        best = any(dot.best for dot in self.trade.dots)
        self._legend.set_entries(entries, BEST if best else "")

    def _plots(self) -> tuple[Plot, Plot, Plot]:
        return self.accuracy, self.latency, self.trade
