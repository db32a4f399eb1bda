"""The series of a chart as pyqtgraph items, whose data are set in place.

Few items, since each costs a part of a millisecond whenever a chart is painted: a
curve has a line, and only strong ones a band and bars; all marks of weak curves are
one item, which hardly ever changes and is kept as a picture; those of strong curves
change with every move of a slider, and are plain Qt items.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtGui import QBrush, QColor, QPainterPath, QPen

from app.plots.chart import Chart, Point, Rgb, Series
from app.plots.marks import Mark
from app.plots.painting import (
    BAND,
    WEAK,
    WEAK_WIDTH,
    line_pen,
    mark_path,
    scaled,
    symbol,
)
from app.plots.pixel_items import MarkLook, PixelMarks
from app.plots.scales import position

# Heights in the view box, whose ground is 0: an item with a higher one lies above.
BANDS, WEAK_LINES, WEAK_MARKS, STRONG_LINES, STRONG_MARKS = 1, 10, 20, 30, 40
MARK_SIZE = 6.2  # pixels across
_LOWEST = -300.0  # logarithm of what is not positive
Floats = NDArray[np.float64]


class CurveItems:
    """Line, band and bars of one series; used again for whatever comes next.

    Parameters
    ----------
    box
        The view box that they are added to.
    """

    def __init__(self, box: pg.ViewBox) -> None:
        self._looks: object = None
        self._drawn: object = None
        self._band = pg.PlotCurveItem(
            pen=None, fillLevel="enclosed", antialias=False, skipFiniteCheck=True
        )
        self._bars = pg.PlotCurveItem(
            connect="pairs", antialias=False, skipFiniteCheck=True
        )
        self._line = pg.PlotCurveItem(antialias=True, skipFiniteCheck=True)
        for item in (self._band, self._bars, self._line):
            box.addItem(item, ignoreBounds=True)

    def draw(self, series: Series, chart: Chart, layer: int) -> None:
        """Show a series.

        Parameters
        ----------
        series
            What is drawn.
        chart
            Whose axes it is drawn on.
        layer
            Series with a higher one lie above.
        """
        state = (series, chart.x, chart.y, layer)
        if state == self._drawn:
            return
        self._drawn = state
        self._set_looks(series)
        height = STRONG_LINES if series.strong else WEAK_LINES
        self._band.setZValue(BANDS + layer / 100)
        self._line.setZValue(height + layer / 100)
        self._bars.setZValue(height + 1 + layer / 100)
        points = series.points
        line = places(points, chart) if series.joined and len(points) > 1 else _NOTHING
        strong = series.strong
        _show(self._line, line)
        band = strong and series.joined and series.band
        _show(self._band, _outline(points, chart) if band else _NOTHING)
        _show(self._bars, _bars(series, chart) if strong else _NOTHING)

    def hide(self) -> None:
        """Show nothing."""
        self._drawn = None
        for item in (self._band, self._bars, self._line):
            item.hide()

    def _set_looks(self, series: Series) -> None:
        looks = series.colour, series.dash, series.width, series.strong
        if looks == self._looks:
            return
        self._looks = looks
        alpha = 255 if series.strong else WEAK
        width = series.width * (1.0 if series.strong else WEAK_WIDTH)
        modes = self._line.CacheMode
        weak = modes.DeviceCoordinateCache  # they hardly ever change
        self._line.setCacheMode(modes.NoCache if series.strong else weak)
        self._line.setPen(line_pen(series.colour, width, series.dash, alpha))
        self._bars.setPen(line_pen(series.colour, 1.6))
        self._band.setBrush(QColor(*series.colour, BAND))


class WeakMarks:
    """The marks of weak curves as one item, kept as a picture.

    Parameters
    ----------
    box
        The view box that it is added to.
    """

    def __init__(self, box: pg.ViewBox) -> None:
        self._drawn: object = None
        self._item = pg.ScatterPlotItem(pxMode=True, antialias=True)
        self._item.setZValue(WEAK_MARKS)
        self._item.setCacheMode(self._item.CacheMode.DeviceCoordinateCache)
        box.addItem(self._item, ignoreBounds=True)

    def draw(self, series: Sequence[Series], chart: Chart, ground: QColor) -> None:
        """Show the marks of some series, the last above.

        Parameters
        ----------
        series
            Whose points are marked.
        chart
            Whose axes they are drawn on.
        ground
            Colour inside hollow marks.
        """
        state = (tuple(series), chart.x, chart.y, ground.rgb())
        if state == self._drawn:
            return
        self._drawn = state
        points = [(each, point) for each in series for point in each.points]
        ground_rgb = ground.rgb()
        looks = [
            _symbol_look(each.colour, each.mark, point.measured, ground_rgb)
            for each, point in points
        ]
        xs, ys = places([point for _, point in points], chart)
        self._item.setData(
            xs,
            ys,
            symbol=[path for path, _, _, _ in looks],
            size=[size for _, size, _, _ in looks],
            pen=[pen for _, _, pen, _ in looks],
            brush=[brush for _, _, _, brush in looks],
        )
        self._item.setVisible(bool(points))


class StrongMarks:
    """The marks of strong curves.

    Parameters
    ----------
    box
        The view box that they are added to.
    """

    def __init__(self, box: pg.ViewBox) -> None:
        self._marks = PixelMarks(box, STRONG_MARKS)
        self._drawn: object = None

    def draw(self, series: Sequence[Series], chart: Chart, ground: QColor) -> None:
        """Show the marks of some series, the last above; see `WeakMarks`."""
        state = (tuple(series), chart.x, chart.y, ground.rgb())
        if state == self._drawn:
            return
        self._drawn = state
        rgb = ground.rgb()
        self._marks.draw(
            [
                (
                    position(point.x, chart.x),
                    position(point.y, chart.y),
                    _mark_look(each.colour, each.mark, point.measured, rgb),
                )
                for each in series
                for point in each.points
            ]
        )


@cache
def _mark_look(colour: Rgb, mark: Mark, measured: bool, ground: int) -> MarkLook:
    """Return the looks of a strong mark: always the same object."""
    inside = QColor(*colour) if measured else QColor.fromRgb(ground)
    path = scaled(mark_path(mark), MARK_SIZE)
    return MarkLook(path, line_pen(colour, 1.4), QBrush(inside))


@cache
def _symbol_look(
    colour: Rgb, mark: Mark, measured: bool, ground: int
) -> tuple[QPainterPath, float, QPen, QBrush]:
    """Return symbol, size, pen and brush of a weak mark.

    Always the same objects: pyqtgraph draws a mark once for each.
    """
    inside = QColor(*colour, WEAK) if measured else QColor.fromRgb(ground)
    path, scale = symbol(mark)
    return path, MARK_SIZE * scale, line_pen(colour, 1.4, alpha=WEAK), QBrush(inside)


_NOTHING = np.zeros(0), np.zeros(0)


def places(points: Sequence[Point], chart: Chart) -> tuple[Floats, Floats]:
    """Return the positions of points on both axes."""
    xs = [position(point.x, chart.x) for point in points]
    ys = [position(point.y, chart.y) for point in points]
    return np.array(xs, np.float64), np.array(ys, np.float64)


def _show(item: pg.PlotCurveItem, data: tuple[Floats, Floats]) -> None:
    item.setVisible(bool(len(data[0])))
    if len(data[0]):
        item.setData(*data)


def _outline(points: Sequence[Point], chart: Chart) -> tuple[Floats, Floats]:
    """Return the outline of the interval, from point to point where it is known."""
    known = [(point.x, point.y_interval) for point in points if point.y_interval]
    if len(known) < 2:
        return _NOTHING
    xs = [position(x, chart.x) for x, _ in known]
    lows = [_inside(ends[0], chart) for _, ends in known]
    highs = [_inside(ends[1], chart) for _, ends in known]
    return np.array([*xs, *xs[::-1]]), np.array([*lows, *highs[::-1]])


def _inside(value: float, chart: Chart) -> float:
    """Return a position, a far one where a logarithmic axis has none."""
    return max(position(value, chart.y), _LOWEST)


def _bars(series: Series, chart: Chart) -> tuple[Floats, Floats]:
    """Return pairs of ends of the intervals that no band shows."""
    xs: list[float] = []
    ys: list[float] = []
    for point in series.points:
        x, y = position(point.x, chart.x), position(point.y, chart.y)
        if point.x_interval is not None:
            xs += [max(position(end, chart.x), _LOWEST) for end in point.x_interval]
            ys += [y, y]
        if point.y_interval is not None and not series.band:
            xs += [x, x]
            ys += [_inside(end, chart) for end in point.y_interval]
    return np.array(xs), np.array(ys)
