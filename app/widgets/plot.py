"""A small plot whose points can be clicked: drawn by hand, a millisecond a frame.

A general plotting library repaints axes through a scene graph, which took
longer than a frame for three plots; these are drawn while a slider moves.
To read this file, start from `Plot.paintEvent`.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.format import ticks
from app.palette import Rgb

_NEAR = 10.0  # screen pixels within which a point is meant


@dataclass(frozen=True, slots=True)
class Dot:
    """One point.

    Parameters
    ----------
    x, y
        In units of the axes.
    key
        Handed back when it is chosen.
    tip
        Shown under the mouse.
    sure
        Measured (filled) or only predicted (hollow).
    span
        Interval of ``x`` or of ``y``, whichever is uncertain; None when neither.
    """

    x: float
    y: float
    key: Hashable
    tip: Callable[[], str] = str
    sure: bool = True
    span: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Points of one curve, in the order in which they are joined."""

    dots: tuple[Dot, ...]
    colour: Rgb
    strong: bool = True
    joined: bool = True


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its caption, its limits (None = from the points), its numbers."""

    caption: str
    low: float | None = None
    high: float | None = None
    show: Callable[[float], str] = "{:g}".format


class Plot(QWidget):
    """Curves of clickable points.

    Parameters
    ----------
    title
        Caption and accessible name.
    x, y
        Axes.
    uncertain
        Which axis the intervals of the points belong to.
    parent
        Qt owner.
    """

    chosen = Signal(object)  # key of a clicked point

    def __init__(
        self,
        title: str,
        x: Axis,
        y: Axis,
        uncertain: str = "y",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(200, 120)
        self._title, self._x, self._y = title, x, y
        self._uncertain = uncertain
        self._lines: tuple[Line, ...] = ()
        self._current: Dot | None = None
        self._level: tuple[float, str] | None = None
        self._front: tuple[QPointF, ...] = ()
        self._hovered: Dot | None = None
        self._empty = ""

    def sizeHint(self) -> QSize:
        return QSize(300, 170)

    # What is shown

    def set_lines(self, lines: tuple[Line, ...]) -> None:
        """Draw these curves, the last on top; silent."""
        self._lines = lines
        self._hovered = None
        self.update()

    def set_current(self, dot: Dot | None) -> None:
        """Ring the point that the window shows; silent."""
        self._current = dot
        self.update()

    def set_level(self, value: float | None, caption: str = "") -> None:
        """Draw a dashed horizontal line, as of the dense model; silent."""
        self._level = None if value is None else (value, caption)
        self.update()

    def set_front(self, points: tuple[tuple[float, float], ...]) -> None:
        """Mark the points that no other beats; silent."""
        self._front = tuple(QPointF(*point) for point in points)
        self.update()

    def set_y(self, axis: Axis) -> None:
        """Replace the vertical axis; silent."""
        self._y = axis
        self.update()

    def set_empty(self, sentence: str) -> None:
        """Say what will appear here, while there is no point; silent."""
        self._empty = sentence
        self.update()

    # Painting

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box, limits = self._box(), self._limits()
        self._paint_frame(painter, box, limits)
        painter.save()
        painter.setClipRect(box.adjusted(-8, -8, 8, 8))
        if self._level is not None:
            self._paint_level(painter, box, limits)
        if len(self._front) > 1:
            pen = QPen(self.palette().placeholderText().color(), 1.2)
            pen.setStyle(Qt.PenStyle.DotLine)
            painter.setPen(pen)
            places = [_place(p.x(), p.y(), box, limits) for p in self._front]
            painter.drawPolyline(QPolygonF(places))
        for line in self._lines:
            self._paint_line(painter, line, box, limits)
        if self._current is not None:
            self._paint_current(painter, self._current, box, limits)
        painter.restore()
        if not self._dots() and self._current is None:
            painter.setPen(self.palette().placeholderText().color())
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(box.adjusted(12, 4, -12, -4), int(flags), self._empty)

    def _box(self) -> QRectF:
        """Return where the points are drawn."""
        line = QFontMetricsF(self.font()).height()
        return QRectF(self.rect()).adjusted(44, line + 6, -22, -(2 * line + 7))

    def _limits(self) -> QRectF:
        """Return the values at the edges, with room around the points."""
        dots = [*self._dots(), *([self._current] if self._current else [])]
        xs = [dot.x for dot in dots]
        ys = [dot.y for dot in dots]
        if self._level is not None:
            ys.append(self._level[0] * 1.06)  # room for its caption
        left, right = _range(xs, self._x)
        low, high = _range(ys, self._y)
        return QRectF(left, low, right - left, high - low)

    def _dots(self) -> list[Dot]:
        return [dot for line in self._lines for dot in line.dots]

    def _paint_frame(self, painter: QPainter, box: QRectF, limits: QRectF) -> None:
        colours = self.palette()
        font = self.font()
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(colours.text().color())
        height = QFontMetricsF(font).height()
        painter.drawText(QPointF(2, height - 3), self._title)
        painter.setFont(self.font())
        painter.fillRect(box, colours.base())
        grid, faint = colours.midlight().color(), colours.placeholderText().color()
        for value in ticks(
            limits.left(), limits.right(), max(int(box.width() / 55), 2)
        ):
            place = _place(value, limits.top(), box, limits)
            painter.setPen(QPen(grid, 1))
            painter.drawLine(
                QPointF(place.x(), box.top()), QPointF(place.x(), box.bottom())
            )
            painter.setPen(faint)
            area = QRectF(place.x() - 40, box.bottom() + 4, 80, height)
            painter.drawText(area, Qt.AlignmentFlag.AlignHCenter, self._x.show(value))
        for value in ticks(
            limits.top(), limits.bottom(), max(int(box.height() / 30), 2)
        ):
            place = _place(limits.left(), value, box, limits)
            painter.setPen(QPen(grid, 1))
            painter.drawLine(
                QPointF(box.left(), place.y()), QPointF(box.right(), place.y())
            )
            painter.setPen(faint)
            area = QRectF(0, place.y() - height / 2, box.left() - 5, height)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(area, flags, self._y.show(value))
        painter.setPen(faint)
        area = QRectF(box.left(), box.bottom() + height + 2, box.width(), height)
        painter.drawText(area, Qt.AlignmentFlag.AlignHCenter, self._x.caption)
        area = QRectF(box.left(), 1, box.width(), height)
        painter.drawText(area, Qt.AlignmentFlag.AlignRight, self._y.caption)

    def _paint_level(self, painter: QPainter, box: QRectF, limits: QRectF) -> None:
        value, caption = self._level or (0.0, "")
        pen = QPen(self.palette().text().color(), 1)
        pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        place = _place(limits.left(), value, box, limits)
        painter.drawLine(place, QPointF(box.right(), place.y()))
        metrics = QFontMetricsF(self.font())
        base = place.y() - 3
        right = box.right() - metrics.horizontalAdvance(caption) - 4
        left = box.left() + 4
        # Where latency is the horizontal axis, the dense model is on the right.
        at = left if self._uncertain == "x" else right
        painter.drawText(QPointF(at, base), caption)

    def _paint_line(
        self, painter: QPainter, line: Line, box: QRectF, limits: QRectF
    ) -> None:
        colour = QColor(*line.colour)
        faded = QColor(colour)
        faded.setAlpha(255 if line.strong else 130)
        places = [_place(dot.x, dot.y, box, limits) for dot in line.dots]
        if line.joined and len(places) > 1:
            painter.setPen(QPen(faded, 2.0 if line.strong else 1.3))
            painter.drawPolyline(QPolygonF(places))
        for dot, place in zip(line.dots, places, strict=True):
            painter.setPen(QPen(faded, 1.6))
            if dot.span is not None:
                painter.drawLine(*self._ends(dot, box, limits))
            painter.setBrush(faded if dot.sure else self.palette().base())
            radius = 5.0 if dot is self._hovered else 3.2
            painter.drawEllipse(place, radius, radius)

    def _ends(self, dot: Dot, box: QRectF, limits: QRectF) -> tuple[QPointF, QPointF]:
        low, high = dot.span or (0.0, 0.0)
        if self._uncertain == "x":
            return _place(low, dot.y, box, limits), _place(high, dot.y, box, limits)
        return _place(dot.x, low, box, limits), _place(dot.x, high, box, limits)

    def _paint_current(
        self, painter: QPainter, dot: Dot, box: QRectF, limits: QRectF
    ) -> None:
        place = _place(dot.x, dot.y, box, limits)
        painter.setPen(QPen(self.palette().text().color(), 1.8))
        painter.setBrush(self.palette().text() if dot.sure else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(place, 2.0 if dot.sure else 6.5, 2.0 if dot.sure else 6.5)
        if dot.sure:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(place, 6.5, 6.5)

    # What the user does

    def _near(self, position: QPointF) -> Dot | None:
        box, limits = self._box(), self._limits()
        best, found = _NEAR, None
        for dot in self._dots():
            place = _place(dot.x, dot.y, box, limits)
            distance = (place - position).manhattanLength()
            if distance < best:
                best, found = distance, dot
        return found

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        dot = self._near(event.position())
        if dot is not self._hovered:
            self._hovered = dot
            self.setCursor(
                Qt.CursorShape.PointingHandCursor if dot else Qt.CursorShape.ArrowCursor
            )
            QToolTip.showText(
                event.globalPosition().toPoint(), dot.tip() if dot else "", self
            )
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        dot = self._near(event.position())
        if dot is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(dot.key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and right go from point to point of the foremost curve."""
        turn = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        dots = self._lines[-1].dots if self._lines else ()
        if turn is None or not dots:
            super().keyPressEvent(event)
            return
        at = next(
            (
                i
                for i, dot in enumerate(dots)
                if self._current and dot.key == self._current.key
            ),
            -1 if turn > 0 else len(dots),
        )
        self.chosen.emit(dots[min(max(at + turn, 0), len(dots) - 1)].key)

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = None
        self.update()
        super().leaveEvent(event)


def _range(values: list[float], axis: Axis) -> tuple[float, float]:
    """Return the limits of an axis: fixed ones, or the values with some room."""
    low = min(values, default=0.0)
    high = max(values, default=1.0)
    room = max((high - low) * 0.1, 1e-6)
    first = axis.low if axis.low is not None else low - room
    last = axis.high if axis.high is not None else high + room
    return (first, last) if last > first else (first, first + 1.0)


def _place(x: float, y: float, box: QRectF, limits: QRectF) -> QPointF:
    """Return the screen position of a value."""
    across = (x - limits.left()) / limits.width()
    up = (y - limits.top()) / limits.height()
    return QPointF(box.left() + across * box.width(), box.bottom() - up * box.height())
