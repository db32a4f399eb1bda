"""The live chart of the demo view: one curve, in plain words."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.plots.data import PlotData
from app.plots.loading import make_view
from app.plots.plain import PLAIN
from app.state.plot_settings import PlotSettings


class DemoPlot(QWidget):
    """How much of the full model's result smaller models keep.

    Parameters
    ----------
    parent
        Qt owner.
    """

    chosen = Signal(object)  # request of a point

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        self._data, self._settings = PlotData(), PlotSettings()
        self._made = False
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        title = QLabel(PLAIN.title)
        title.setProperty("role", "title")
        self._column.addWidget(title)
        below = QLabel("share of the model removed")
        below.setProperty("role", "faint")
        below.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._column.addWidget(below)

    def sizeHint(self) -> QSize:
        return QSize(24 * self.fontMetrics().height(), 0)

    def set_data(self, data: PlotData, settings: PlotSettings) -> None:
        """Draw this, now or when it is shown; silent."""
        self._data, self._settings = data, settings
        if self.isVisible():
            self._draw()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._draw()

    def _draw(self) -> None:
        if not self._made:  # charts take a moment to load: not before they are seen
            self._made = True
            self._view = make_view()
            self._view.setAccessibleName(PLAIN.title)
            self._view.setAccessibleDescription(PLAIN.about)
            self._view.chosen.connect(self.chosen)
            self._column.insertWidget(1, self._view, 1)
        chart = PLAIN.build(self._data, self._settings.of(PLAIN.key))
        if chart != self._view.chart:
            self._view.set_chart(chart)
