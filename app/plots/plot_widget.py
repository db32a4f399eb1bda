"""A small plot whose points can be clicked: drawn by hand, a millisecond a frame.

A general plotting library repaints axes through a scene graph, which took
longer than a frame for three plots; these are drawn while a slider moves.
To read this file, start from `Plot.paintEvent`.
"""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.plots.plot_paint import (
    Canvas,
    paint_band,
    paint_best,
    paint_current,
    paint_frame,
    paint_front,
    paint_level,
    paint_line,
)
from app.plots.plot_values import Axis, Dot, Line, limits_of, place_of

__all__ = ["Axis", "Dot", "Line", "Plot"]

_NEAR = 10.0  # screen pixels within which a point is meant


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
    hovered = Signal(object)  # key of the point under the pointer, None when it leaves

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
        self._hovered: Dot | None = None
        self._empty = ""

    def sizeHint(self) -> QSize:
        return QSize(300, 170)

    # What is shown

    def set_lines(self, lines: tuple[Line, ...]) -> None:
        """Draw these curves, the last on top; silent.

        A point under the pointer stays so, as long as it is still there.
        """
        self._lines = lines
        if self._hovered is not None:
            key = self._hovered.key
            self._hovered = next((d for d in self.dots if d.key == key), None)
        self.update()

    def set_current(self, dot: Dot | None) -> None:
        """Ring the point that the window shows; silent."""
        self._current = dot
        self.update()

    def set_level(self, value: float | None, caption: str = "") -> None:
        """Draw a dashed horizontal line, as of the dense model; silent."""
        self._level = None if value is None else (value, caption)
        self.update()

    def set_x(self, axis: Axis) -> None:
        """Replace the horizontal axis; silent."""
        self._x = axis
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
        canvas = Canvas(painter, self._box(), self._limits(), self.palette())
        paint_frame(canvas, self.font(), self._title, self._x, self._y)
        painter.save()
        painter.setClipRect(canvas.box.adjusted(-8, -8, 8, 8))
        if self._level is not None:
            paint_level(canvas, *self._level, left=self._uncertain == "x")
        front = [QPointF(dot.x, dot.y) for dot in self.dots if dot.best]
        if len(front) > 1:
            paint_front(canvas, front)
        for line in self._lines:
            if line.strong and line.joined:
                paint_band(canvas, line)
        for line in self._lines:
            paint_line(canvas, line, self._hovered)
        for line in self._lines:
            paint_best(canvas, line)
        if self._current is not None:
            paint_current(canvas, self._current)
        painter.restore()
        if not self.dots and self._current is None:
            painter.setPen(self.palette().placeholderText().color())
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            area = canvas.box.adjusted(12, 4, -12, -4)
            painter.drawText(area, int(flags), self._empty)

    def _box(self) -> QRectF:
        """Return where the points are drawn."""
        line = QFontMetricsF(self.font()).height()
        return QRectF(self.rect()).adjusted(44, line + 6, -22, -(2 * line + 7))

    def _limits(self) -> QRectF:
        """Return the values at the edges, with room around the points."""
        dots = [*self.dots, *([self._current] if self._current else [])]
        xs = [dot.x for dot in dots]
        ys = [dot.y for dot in dots]
        if self._level is not None:
            ys.append(self._level[0] * 1.06)  # room for its caption
        left, right = limits_of(xs, self._x)
        low, high = limits_of(ys, self._y)
        return QRectF(left, low, right - left, high - low)

    @property
    def dots(self) -> list[Dot]:
        """Every point that is drawn."""
        return [dot for line in self._lines for dot in line.dots]

    # What the user does

    def _near(self, position: QPointF) -> Dot | None:
        box, limits = self._box(), self._limits()
        best, found = _NEAR, None
        for dot in self.dots:
            place = place_of(dot.x, dot.y, box, limits)
            distance = (place - position).manhattanLength()
            if distance < best:
                best, found = distance, dot
        return found

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        dot = self._near(event.position())
        if dot is not self._hovered:
            self._hover(dot)
            QToolTip.showText(
                event.globalPosition().toPoint(), dot.tip() if dot else "", self
            )

    def _hover(self, dot: Dot | None) -> None:
        """Mark a point and say so, or that there is none any more."""
        pointing = Qt.CursorShape.PointingHandCursor
        self.setCursor(pointing if dot else Qt.CursorShape.ArrowCursor)
        before, self._hovered = self._hovered, dot
        key = dot.key if dot else None
        if key != (before.key if before else None):
            self.hovered.emit(key)
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
        self._hover(None)
        super().leaveEvent(event)
