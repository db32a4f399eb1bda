"""The axes of a live chart: ticks and numbers from `app.plots.scales`."""

from collections.abc import Sequence
from typing import Any, Literal

import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFont, QFontMetricsF, QPalette, QPen

from app.plots.chart import Axis
from app.plots.scales import tick_labels, tick_positions

_OVER = 24  # pixels
_APART = {"bottom": 50, "left": 24}  # pixels from tick to tick


class ChartAxis(pg.AxisItem):
    """One axis with a calm grid.

    Parameters
    ----------
    side
        Where it is.
    """

    def __init__(self, side: Literal["bottom", "left"]) -> None:
        super().__init__(side, maxTickLength=0)
        self._side: Literal["bottom", "left"] = side
        self._axis = Axis("")
        self.enableAutoSIPrefix(False)
        self.setStyle(
            tickLength=0,
            tickTextOffset=5,
            autoExpandTextSpace=False,
            autoReduceTextSpace=False,
            maxTickLevel=0,
            tickAlpha=255,
        )
        self.setGrid(255)
        self.renew_cache()

    def renew_cache(self) -> None:
        """Keep what is painted from now on: ticks change only with the range.

        Qt leaves parts of the old picture in the new one when the size changes: that
        of the axis, or that of the plot, which the grid fills.
        """
        self.setCacheMode(self.CacheMode.NoCache)
        self.setCacheMode(self.CacheMode.DeviceCoordinateCache)

    def resizeEvent(self, ev: Any = None) -> None:
        super().resizeEvent(ev)
        self.renew_cache()

    def set_axis(self, axis: Axis) -> None:
        """Show an axis; silent."""
        if axis != self._axis:
            self._axis = axis
            self.picture = None
            self.update()

    def set_looks(self, palette: QPalette, font: QFont) -> None:
        """Follow the theme and the font of the window."""
        grid = palette.midlight().color()
        self.setPen(QPen(palette.mid().color(), 1))
        self.setTickPen(QPen(grid, 1))
        self.setTextPen(palette.placeholderText().color())
        self.setStyle(tickFont=font)
        metrics = QFontMetricsF(font)
        if self._side == "left":
            self.setWidth(round(metrics.horizontalAdvance("1,000.0") + 8))
        else:
            self.setHeight(round(metrics.height() + 6))
        self.renew_cache()

    def boundingRect(self) -> QRectF:
        # numbers at the very ends reach beyond the axis
        return QRectF(super().boundingRect()).adjusted(-_OVER, -_OVER, _OVER, _OVER)

    def tickValues(
        self, minVal: float, maxVal: float, size: float
    ) -> list[tuple[float, list[float]]]:
        most = max(int(size / _APART[self._side]), 2)
        places = tick_positions(minVal, maxVal, self._axis, most + 1)
        return [(1.0, places)]

    def tickStrings(
        self, values: Sequence[float], scale: float, spacing: float
    ) -> list[str]:
        return tick_labels(values, self._axis)
