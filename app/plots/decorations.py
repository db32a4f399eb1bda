"""What a live chart shows beside its series: level, front, ring, pointed-at mark."""

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QPalette, QPen

from app.plots.captions import caption_on_left
from app.plots.chart import Chart, Point
from app.plots.painting import mark_path, scaled
from app.plots.pixel_items import MarkLook, PixelMarks
from app.plots.scales import position

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
        self._frames = PixelMarks(box, 50)
        self._rings = PixelMarks(box, 60)
        for height, item in (
            (3, self._level),
            (4, self._front),
            (5, self._caption),
        ):
            item.setZValue(height)
            item.hide()
            box.addItem(item, ignoreBounds=True)
        self._looks: dict[str, MarkLook] = {}
        self._drawn: object = None
        self._front_drawn: object = None

    def set_looks(self, palette: QPalette, font: QFont) -> None:
        """Follow the theme and the font of the window."""
        text, faint = palette.text().color(), palette.placeholderText().color()
        thin, thick = _pen(text, 1.2), _pen(text, 1.8)
        circle, diamond = mark_path("circle"), mark_path("diamond")
        self._looks = {
            "frame": MarkLook(scaled(diamond, _FRAME), _pen(text, 1.3), _NO_FILL),
            "ring": MarkLook(scaled(circle, _RING), thick, _NO_FILL),
            "dot": MarkLook(scaled(circle, _DOT), thin, QBrush(text)),
            "hovered": MarkLook(scaled(circle, _LARGE), thin, _NO_FILL),
        }
        self._level.setPen(_pen(text, 1, Qt.PenStyle.DashLine))
        self._caption.setColor(text)
        self._caption.setFont(font)
        self._front.setPen(_pen(faint, 1.2, Qt.PenStyle.DotLine))
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
        self._draw_front(chart)
        self._draw_rings(chart, hovered)

    def _draw_front(self, chart: Chart) -> None:
        """Frame the points of the front and join them."""
        state = chart.front, chart.x, chart.y, self._looks["frame"]
        if state == self._front_drawn:
            return
        self._front_drawn = state
        xs = [position(x, chart.x) for x, _ in chart.front]
        ys = [position(y, chart.y) for _, y in chart.front]
        self._front.setVisible(bool(xs))
        if xs:
            self._front.setData(np.array(xs), np.array(ys))
        frame = self._looks["frame"]
        self._frames.draw([(x, y, frame) for x, y in zip(xs, ys, strict=True)])

    def _draw_rings(self, chart: Chart, hovered: Point | None) -> None:
        """Ring the point that the window is on, and the one under the pointer."""
        ring, looks = chart.ring, self._looks
        rings: list[tuple[Point, MarkLook]] = []
        if ring is not None:
            rings.append((ring, looks["ring"]))
            if ring.measured:
                rings.append((ring, looks["dot"]))
        if hovered is not None:
            rings.append((hovered, looks["hovered"]))
        self._rings.draw(
            [
                (position(point.x, chart.x), position(point.y, chart.y), look)
                for point, look in rings
            ]
        )

    def place(self, chart: Chart) -> None:
        """Put the caption of the level where there is room, inside the box."""
        if chart.level is None:
            return
        (left, right), (bottom, top) = self._box.viewRange()
        y = position(chart.level.value, chart.y)
        below = y > top - _BELOW * (top - bottom)
        on_left = caption_on_left(chart, (left, right, bottom, top), below=below)
        self._caption.setAnchor(QPointF(0 if on_left else 1, 0.1 if below else 0.9))
        self._caption.setPos(left if on_left else right, y)
        self._level.setPos(y)
