"""A small map in the corner of a pane: where the tile lies on its slide.

Of a tile that is no part of a slide, it shows which part of the tile is seen.
"""

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.state.values import Picture
from app.views.widgets.slide_view import draw_picture, draw_region
from core.rects import Rect

_SHARE = 0.3  # of the pane's shorter side
_LONGEST = 60, 160  # pixels of the map's longer side
_MARGIN = 8
_FRAME = QColor(0, 0, 0, 190)


class OverviewMap(QWidget):
    """Shows a whole picture and a rectangle in it; a click or drag moves that.

    Parameters
    ----------
    parent
        The pane, in whose upper right corner it stays.
    """

    moved = Signal(float, float)  # middle of the rectangle, when it is let go
    dragged = Signal(float, float)  # the same, all the time

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._pane = parent
        self.setAccessibleName("Map of the slide")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._picture: Picture | None = None
        self._size = 1, 1
        self._region: Rect = (0, 0, 1, 1)
        self._held: QPointF | None = None  # middle, while it is dragged
        self.hide()

    # Setters: silent

    def set_map(
        self, picture: Picture | None, size: tuple[int, int], region: Rect, tip: str
    ) -> None:
        """Show a picture that stands for a size, with a rectangle; None hides it."""
        self._picture, self._size, self._region = picture, size, region
        self.setToolTip(tip)
        self.place()
        self.setVisible(picture is not None)
        self.update()

    def place(self) -> None:
        """Go to the corner of the pane; called when that has another size."""
        pane, (low, high) = self._pane, _LONGEST
        longest = min(max(_SHARE * min(pane.width(), pane.height()), low), high)
        scale = longest / max(*self._size, 1)
        wide, tall = (max(round(side * scale), 24) for side in self._size)
        self.setFixedSize(wide, tall)
        self.move(pane.width() - wide - _MARGIN, _MARGIN)

    def _box(self) -> QRectF:
        """Return the rectangle on the screen, where it is held."""
        x, y, width, height = self._region
        across, down = self.width() / self._size[0], self.height() / self._size[1]
        box = QRectF(x * across, y * down, width * across, height * down)
        if self._held is not None:
            box.moveCenter(self._held)
        return box

    def paintEvent(self, _: QPaintEvent) -> None:
        if self._picture is None:
            return
        painter = QPainter(self)
        draw_picture(painter, self._picture, QRectF(self.rect()))
        draw_region(painter, self._box(), self.palette().highlight().color())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        focus = self.palette().highlight().color()
        painter.setPen(QPen(focus if self.hasFocus() else _FRAME, 2))
        painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    # What the user does

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._hold(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held is not None:
            self._hold(event.position())

    def mouseReleaseEvent(self, _: QMouseEvent) -> None:
        if self._held is not None:
            held, self._held = self._held, None
            self.moved.emit(*self._stands_for(held))
            self.update()

    def wheelEvent(self, event: object) -> None:
        """Keep the wheel from the pane below."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        box = self._box()
        steps = {
            Qt.Key.Key_Left: QPointF(-box.width(), 0),
            Qt.Key.Key_Right: QPointF(box.width(), 0),
            Qt.Key.Key_Up: QPointF(0, -box.height()),
            Qt.Key.Key_Down: QPointF(0, box.height()),
        }
        if event.key() in steps:
            place = self._stands_for(box.center() + steps[Qt.Key(event.key())])
            self.dragged.emit(*place)
            self.moved.emit(*place)
        else:
            super().keyPressEvent(event)

    def _hold(self, place: QPointF) -> None:
        x = min(max(place.x(), 0.0), float(self.width()))
        y = min(max(place.y(), 0.0), float(self.height()))
        self._held = QPointF(x, y)
        self.dragged.emit(*self._stands_for(self._held))
        self.update()

    def _stands_for(self, place: QPointF) -> tuple[float, float]:
        """Return what a place of the map is in pixels of what is shown."""
        across, down = self._size[0] / self.width(), self._size[1] / self.height()
        return place.x() * across, place.y() * down
