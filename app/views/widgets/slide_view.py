"""A whole slide, small, on which a rectangle is drawn.

To read this file, start from `SlideView.mousePressEvent`.
"""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.rendering.overlay import level_for
from app.state.values import Picture
from core.rects import Rect

_CLICK = 4.0  # screen pixels: a pointer that moved less has clicked
_SEEN = 14.0  # screen pixels: smaller rectangles get a ring around them
_STEP = 0.1  # share of the rectangle that an arrow key moves it
_GROWTH = 1.25
_TURN = 1.2  # how much a step of the wheel enlarges
_NEAREST = 32.0  # times the whole slide
_OUTSIDE = QColor(0, 0, 0, 70)
_LIGHT, _DARK = QColor("white"), QColor(0, 0, 0, 170)


def draw_picture(painter: QPainter, picture: Picture, place: QRectF) -> None:
    """Draw a whole picture into a rectangle of the screen."""
    scale = place.width() / picture.size[0]
    pixels = picture.levels[level_for(len(picture.levels), scale)]
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawImage(place, image)


def draw_region(painter: QPainter, box: QRectF, accent: QColor) -> None:
    """Draw a rectangle that is seen on any tissue, and ringed where it is tiny."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, width in ((_DARK, 4.0), (_LIGHT, 2.0)):
        painter.setPen(QPen(colour, width))
        painter.drawRect(box)
    if max(box.width(), box.height()) < _SEEN:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ((_DARK, 4.0), (accent, 2.0)):
            painter.setPen(QPen(colour, width))
            painter.drawEllipse(box.center(), _SEEN, _SEEN)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


class SlideView(QWidget):
    """The slide and the rectangle; both in pixels of the finest level."""

    drawn = Signal(tuple)  # x, y, width, height
    placed = Signal(float, float)  # x, y of a click
    accepted = Signal()  # Return: open what is drawn

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Overview of the slide")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 200)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._picture: Picture | None = None
        self._size = 1, 1
        self._note = ""
        self._region: Rect = (0, 0, 1, 1)
        self._pressed: QPointF | None = None
        self._grip: QPointF | None = None  # where a moved rectangle was taken
        self._pan: QPointF | None = None  # where the slide is held
        self._zoom, self._middle = 1.0, (0.5, 0.5)  # as shares of the slide

    def sizeHint(self) -> QSize:
        return QSize(640, 520)

    # Setters: silent

    def set_slide(
        self, picture: Picture | None, size: tuple[int, int], note: str = ""
    ) -> None:
        """Show a slide of a size; a sentence where it has no picture."""
        if size != self._size:
            self._zoom, self._middle = 1.0, (0.5, 0.5)
        self._picture, self._size, self._note = picture, size, note
        self.update()

    def set_region(self, region: Rect) -> None:
        """Show what is drawn."""
        if region != self._region:
            self._region = region
            self.update()

    # Where things are

    def _place(self) -> QRectF:
        """Return where the slide is on the screen, also what lies outside of it."""
        width, height = self._size
        scale = min(self.width() / width, self.height() / height) * self._zoom
        wide, tall = width * scale, height * scale
        left = _start(self.width(), wide, self._middle[0])
        return QRectF(left, _start(self.height(), tall, self._middle[1]), wide, tall)

    def _look_at(self, share: tuple[float, float], screen: QPointF) -> None:
        """Bring a place of the slide under a point of the screen, as far as it goes."""
        place = self._place()
        across = share[0] + (self.width() / 2 - screen.x()) / place.width()
        down = share[1] + (self.height() / 2 - screen.y()) / place.height()
        self._middle = across, down
        place = self._place()
        centre = QPointF(self.width() / 2, self.height() / 2)
        self._middle = _share(place, centre)  # within the slide
        self.update()

    def to_screen(self, region: Rect) -> QRectF:
        """Return where a rectangle is on the screen."""
        place = self._place()
        scale = place.width() / self._size[0]
        x, y, width, height = region
        return QRectF(
            place.x() + x * scale, place.y() + y * scale, width * scale, height * scale
        )

    def _at(self, screen: QPointF) -> tuple[float, float]:
        """Return what is under a point of the screen, inside the slide."""
        place = self._place()
        scale = place.width() / self._size[0]
        x = min(max((screen.x() - place.x()) / scale, 0.0), float(self._size[0]))
        y = min(max((screen.y() - place.y()) / scale, 0.0), float(self._size[1]))
        return x, y

    # Painting

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().dark())
        place = self._place()
        if self._picture is not None:
            draw_picture(painter, self._picture, place)
        else:
            painter.fillRect(place, self.palette().base())
            painter.setPen(self.palette().text().color())
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(place.adjusted(16, 16, -16, -16), int(flags), self._note)
        box = self.to_screen(self._region)
        painter.setPen(Qt.PenStyle.NoPen)
        for side in _around(place, box):
            painter.fillRect(side, _OUTSIDE)
        draw_region(painter, box, self.palette().highlight().color())
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(self.palette().highlight().color(), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    # What the user does

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Enlarge or shrink about the pointer; the whole slide is the least."""
        share = _share(self._place(), event.position())
        zoom = self._zoom * _TURN ** (event.angleDelta().y() / 120)
        self._zoom = min(max(zoom, 1.0), _NEAREST)
        self._look_at(share, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pan = event.position()
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self._pressed = event.position()
        box = self.to_screen(self._region)
        taken = min(box.width(), box.height()) > _SEEN and box.contains(self._pressed)
        x, y = self._at(self._pressed)
        corner = QPointF(x - self._region[0], y - self._region[1])
        self._grip = corner if taken else None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pan is not None:
            share = _share(self._place(), self._pan)
            self._pan = event.position()
            self._look_at(share, event.position())
            return
        if self._pressed is None or self._is_click(event):
            return
        x, y = self._at(event.position())
        if self._grip is not None:
            left, top = x - self._grip.x(), y - self._grip.y()
            self._emit_moved(left, top)
            return
        first = self._at(self._pressed)
        left, right = sorted((first[0], x))
        top, bottom = sorted((first[1], y))
        corner = round(left), round(top)
        self.drawn.emit((*corner, round(right - left), round(bottom - top)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pan = None
            return
        if self._pressed is not None and self._is_click(event):
            self.placed.emit(*self._at(event.position()))
        self._pressed = self._grip = None

    def mouseDoubleClickEvent(self, _: QMouseEvent) -> None:
        self.accepted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        x, y, width, height = self._region
        steps = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        key = event.key()
        if key in steps:
            across, down = steps[Qt.Key(key)]
            self._emit_moved(x + across * _STEP * width, y + down * _STEP * height)
        elif key in {Qt.Key.Key_Plus, Qt.Key.Key_Equal}:
            self._emit_grown(_GROWTH)
        elif key == Qt.Key.Key_Minus:
            self._emit_grown(1 / _GROWTH)
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.accepted.emit()
        else:
            super().keyPressEvent(event)

    def _is_click(self, event: QMouseEvent) -> bool:
        assert self._pressed is not None
        return (event.position() - self._pressed).manhattanLength() < _CLICK

    def _emit_moved(self, left: float, top: float) -> None:
        """Move the rectangle, whole, as far as the slide goes."""
        _, _, width, height = self._region
        x = min(max(round(left), 0), max(self._size[0] - width, 0))
        y = min(max(round(top), 0), max(self._size[1] - height, 0))
        self.drawn.emit((x, y, width, height))

    def _emit_grown(self, factor: float) -> None:
        x, y, width, height = self._region
        wide, tall = max(round(width * factor), 1), max(round(height * factor), 1)
        corner = x + (width - wide) // 2, y + (height - tall) // 2
        self.drawn.emit((*corner, wide, tall))


def _start(room: float, length: float, middle: float) -> float:
    """Return where something begins that is centred, or larger than its room."""
    if length <= room:
        return (room - length) / 2
    return min(max(room / 2 - middle * length, room - length), 0.0)


def _share(place: QRectF, screen: QPointF) -> tuple[float, float]:
    """Return where a point is, as shares of width and height."""
    return (
        (screen.x() - place.x()) / place.width(),
        (screen.y() - place.y()) / place.height(),
    )


def _around(place: QRectF, box: QRectF) -> tuple[QRectF, ...]:
    """Return the four parts of a rectangle that lie outside of another."""
    inner = box.intersected(place)
    return (
        QRectF(place.left(), place.top(), place.width(), inner.top() - place.top()),
        QRectF(
            place.left(), inner.bottom(), place.width(), place.bottom() - inner.bottom()
        ),
        QRectF(place.left(), inner.top(), inner.left() - place.left(), inner.height()),
        QRectF(
            inner.right(), inner.top(), place.right() - inner.right(), inner.height()
        ),
    )
