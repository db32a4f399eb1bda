"""How a plot is painted: functions on a canvas, a part each.

To read this file, start from `paint_line`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPalette,
    QPen,
    QPolygonF,
)

from app.plots.marks import draw_mark
from app.plots.plot_values import Axis, Dot, Line, place_of
from app.text.format import ticks

_BAND = 46  # of 255: opacity of a band
_FRAME = 6.5  # radius of the frame around points of the front
_WEAK = 110  # of 255: opacity of a curve that no pane is on


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where to paint, and what values lie at its edges."""

    painter: QPainter
    box: QRectF
    limits: QRectF
    palette: QPalette

    def place(self, x: float, y: float) -> QPointF:
        """Return the screen position of a value."""
        return place_of(x, y, self.box, self.limits)


def paint_frame(canvas: Canvas, font: QFont, title: str, x: Axis, y: Axis) -> None:
    """Paint title, grid, numbers and captions."""
    painter, box, colours = canvas.painter, canvas.box, canvas.palette
    bold = QFont(font)
    bold.setWeight(QFont.Weight.DemiBold)
    painter.setFont(bold)
    painter.setPen(colours.text().color())
    height = QFontMetricsF(bold).height()
    painter.drawText(QPointF(2, height - 3), title)
    painter.setFont(font)
    painter.fillRect(box, colours.base())
    _paint_columns(canvas, x, height)
    _paint_rows(canvas, y, height)
    painter.setPen(colours.placeholderText().color())
    area = QRectF(box.left(), box.bottom() + height + 2, box.width(), height)
    painter.drawText(area, Qt.AlignmentFlag.AlignHCenter, x.caption)
    area = QRectF(box.left(), 1, box.width(), height)
    painter.drawText(area, Qt.AlignmentFlag.AlignRight, y.caption)


def _paint_columns(canvas: Canvas, x: Axis, height: float) -> None:
    painter, box, limits = canvas.painter, canvas.box, canvas.limits
    grid = canvas.palette.midlight().color()
    faint = canvas.palette.placeholderText().color()
    for value in ticks(limits.left(), limits.right(), max(int(box.width() / 55), 2)):
        across = canvas.place(value, limits.top()).x()
        painter.setPen(QPen(grid, 1))
        painter.drawLine(QPointF(across, box.top()), QPointF(across, box.bottom()))
        painter.setPen(faint)
        area = QRectF(across - 40, box.bottom() + 4, 80, height)
        painter.drawText(area, Qt.AlignmentFlag.AlignHCenter, x.show(value))


def _paint_rows(canvas: Canvas, y: Axis, height: float) -> None:
    painter, box, limits = canvas.painter, canvas.box, canvas.limits
    grid = canvas.palette.midlight().color()
    faint = canvas.palette.placeholderText().color()
    flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for value in ticks(limits.top(), limits.bottom(), max(int(box.height() / 30), 2)):
        up = canvas.place(limits.left(), value).y()
        painter.setPen(QPen(grid, 1))
        painter.drawLine(QPointF(box.left(), up), QPointF(box.right(), up))
        painter.setPen(faint)
        area = QRectF(0, up - height / 2, box.left() - 5, height)
        painter.drawText(area, flags, y.show(value))


def paint_level(canvas: Canvas, value: float, caption: str, *, left: bool) -> None:
    """Paint a dashed horizontal line, its caption at the left or the right end."""
    painter, box = canvas.painter, canvas.box
    pen = QPen(canvas.palette.text().color(), 1)
    pen.setStyle(Qt.PenStyle.DashLine)
    painter.setPen(pen)
    place = canvas.place(canvas.limits.left(), value)
    painter.drawLine(place, QPointF(box.right(), place.y()))
    width = QFontMetricsF(painter.font()).horizontalAdvance(caption)
    # Where latency is the horizontal axis, the dense model is on the right.
    at = box.left() + 4 if left else box.right() - width - 4
    painter.drawText(QPointF(at, place.y() - 3), caption)


def paint_front(canvas: Canvas, points: Sequence[QPointF]) -> None:
    """Paint the line through the points that nobody beats; see `paint_best`."""
    painter = canvas.painter
    pen = QPen(canvas.palette.placeholderText().color(), 1.2)
    pen.setStyle(Qt.PenStyle.DotLine)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    places = sorted(points, key=lambda point: point.x())
    painter.drawPolyline(QPolygonF([canvas.place(p.x(), p.y()) for p in places]))


def paint_best(canvas: Canvas, line: Line) -> None:
    """Frame the points that no other beats: by a shape, so for every eye."""
    painter = canvas.painter
    painter.setPen(QPen(canvas.palette.text().color(), 1.3))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for dot in line.dots:
        if dot.best:
            draw_mark(painter, canvas.place(dot.x, dot.y), _FRAME, "diamond")


def paint_band(canvas: Canvas, line: Line) -> None:
    """Paint the interval of a curve, from point to point where it is known."""
    known = [dot for dot in line.dots if dot.up is not None]
    if len(known) < 2:
        return
    lower = [canvas.place(dot.x, dot.up[0]) for dot in known if dot.up]
    upper = [canvas.place(dot.x, dot.up[1]) for dot in known if dot.up]
    colour = QColor(*line.colour)
    colour.setAlpha(_BAND)
    painter = canvas.painter
    painter.save()
    painter.setClipRect(canvas.box)
    # Smooth edges of a large pale shape cost most of a frame, and nobody sees them.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawPolygon(QPolygonF([*lower, *reversed(upper)]))
    painter.restore()


def paint_line(canvas: Canvas, line: Line, hovered: Dot | None) -> None:
    """Paint one curve and its points, measured ones filled."""
    painter = canvas.painter
    colour = QColor(*line.colour)
    colour.setAlpha(255 if line.strong else _WEAK)
    places = [canvas.place(dot.x, dot.y) for dot in line.dots]
    if line.joined and len(places) > 1:
        pen = QPen(colour, 2.0 if line.strong else 1.3)
        pen.setStyle(line.dash)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(places))
    for dot, place in zip(line.dots, places, strict=True):
        if not line.marked and dot is not hovered:
            continue
        painter.setPen(QPen(colour, 1.6))
        if line.strong:
            _paint_bars(canvas, dot, up=line.bars)
        painter.setBrush(colour if dot.sure else canvas.palette.base())
        radius = 5.0 if dot is hovered else 3.2
        draw_mark(painter, place, radius, line.shape)


def _paint_bars(canvas: Canvas, dot: Dot, *, up: bool) -> None:
    """Paint what no band shows: the interval of one point."""
    painter = canvas.painter
    if dot.across is not None:
        low, high = dot.across
        painter.drawLine(canvas.place(low, dot.y), canvas.place(high, dot.y))
    if dot.up is not None and up:
        low, high = dot.up
        painter.drawLine(canvas.place(dot.x, low), canvas.place(dot.x, high))


def paint_current(canvas: Canvas, dot: Dot) -> None:
    """Ring the point that the window shows."""
    painter, place = canvas.painter, canvas.place(dot.x, dot.y)
    painter.setPen(QPen(canvas.palette.text().color(), 1.8))
    if dot.sure:
        painter.setBrush(canvas.palette.text())
        painter.drawEllipse(place, 2.0, 2.0)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(place, 6.5, 6.5)
