"""What a live chart shows beside its series: level, front, ring, pointed-at mark."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPalette, QPen

from app.plots.chart import Chart, Point
from app.plots.painting import symbol
from app.plots.scales import position
from app.plots.series_items import places

_FRAME, _RING, _DOT, _LARGE = 12.0, 14.0, 4.0, 11.0  # pixels across
_BELOW = 0.14  # of the height: a level nearer to the top has its caption below it
_NO_FILL = QBrush(Qt.BrushStyle.NoBrush)


def _pen(
    colour: QColor, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine
) -> QPen:
    """Return a pen whose width is that of the screen at any zoom."""
    pen = QPen(colour, width, style)
    pen.setCosmetic(True)
    return pen


class Decorations:
    """Items above and below the series of one view box.

    Parameters
    ----------
    box
        That they are added to.
    """

    def __init__(self, box: pg.ViewBox) -> None:
        self._box = box
        self._level = pg.InfiniteLine(angle=0, movable=False)
        self._caption = pg.TextItem(anchor=(1, 1))
        self._front = pg.PlotCurveItem(antialias=True, skipFiniteCheck=True)
        self._frames = pg.ScatterPlotItem(pxMode=True, antialias=True)
        path, scale = symbol("diamond")
        self._frames.setSymbol(path)
        self._frames.setSize(_FRAME * scale)
        self._rings = pg.ScatterPlotItem(pxMode=True, antialias=True)
        self._rings.setSymbol(symbol("circle")[0])
        for height, item in (
            (3, self._level),
            (4, self._front),
            (5, self._caption),
            (50, self._frames),
            (60, self._rings),
        ):
            item.setZValue(height)
            item.hide()
            box.addItem(item, ignoreBounds=True)
        self._ink, self._pens = QBrush(), (QPen(), QPen())
        self._drawn: object = None

    def set_looks(self, palette: QPalette, font: QFont) -> None:
        """Follow the theme and the font of the window."""
        text, faint = palette.text().color(), palette.placeholderText().color()
        self._ink, self._pens = QBrush(text), (_pen(text, 1.2), _pen(text, 1.8))
        self._level.setPen(_pen(text, 1, Qt.PenStyle.DashLine))
        self._caption.setColor(text)
        self._caption.setFont(font)
        self._front.setPen(_pen(faint, 1.2, Qt.PenStyle.DotLine))
        self._frames.setPen(_pen(text, 1.3))
        self._frames.setBrush(_NO_FILL)
        self._drawn = None

    def draw(self, chart: Chart, hovered: Point | None) -> None:
        """Show what a chart has of these, and mark the point under the pointer."""
        state = (chart.level, chart.front, chart.ring, hovered, chart.x, chart.y)
        if state == self._drawn:
            return
        self._drawn = state
        level = chart.level
        for item in (self._level, self._caption):
            item.setVisible(level is not None)
        if level is not None:
            self._caption.setText(level.caption)
            self.place(chart)
        xs = np.array([position(x, chart.x) for x, _ in chart.front], np.float64)
        ys = np.array([position(y, chart.y) for _, y in chart.front], np.float64)
        for item in (self._front, self._frames):
            item.setVisible(bool(len(xs)))
            if len(xs):
                item.setData(xs, ys)
        self._draw_rings(chart, hovered)

    def _draw_rings(self, chart: Chart, hovered: Point | None) -> None:
        """Ring the point that the window is on, and the one under the pointer."""
        ring, thin, thick = chart.ring, *self._pens
        rings: list[tuple[Point, float, QPen, QBrush]] = []
        if ring is not None:
            rings.append((ring, _RING, thick, _NO_FILL))
            if ring.measured:
                rings.append((ring, _DOT, thin, self._ink))
        if hovered is not None:
            rings.append((hovered, _LARGE, thin, _NO_FILL))
        self._rings.setVisible(bool(rings))
        if rings:
            xs, ys = places([point for point, *_ in rings], chart)
            self._rings.setData(
                xs,
                ys,
                size=[size for _, size, _, _ in rings],
                pen=[pen for _, _, pen, _ in rings],
                brush=[brush for _, _, _, brush in rings],
            )

    def place(self, chart: Chart) -> None:
        """Put the caption of the level where there is room, inside the box."""
        if chart.level is None:
            return
        (left, right), (bottom, top) = self._box.viewRange()
        y = position(chart.level.value, chart.y)
        below = y > top - _BELOW * (top - bottom)
        # where the horizontal axis is a cost, the dense model is on the right
        on_left = chart.x.unit != "share"
        self._caption.setAnchor(QPointF(0 if on_left else 1, 0.1 if below else 0.9))
        self._caption.setPos(left if on_left else right, y)
        self._level.setPos(y)
