"""A tile with masks over it; pan, zoom, and nothing per nucleus.

To read this file, start from `TileView.paintEvent`.
"""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import format as text
from app.overlay import Argb, Camera, Colours, Labels, compose, fit, level_for, sample
from app.values import Picture

_MOST_PIXELS = 1_200_000  # of a mask picture; finer ones would take a frame's time
_CLOSE = 12.0  # screen pixels per tile pixel from which pixels stay square
_STEP = 1.25  # zoom per wheel notch


@dataclass(frozen=True, slots=True)
class Mask:
    """One layer of masks.

    Parameters
    ----------
    levels
        Labels, from `label_pyramid`.
    colours
        One entry per label.
    width
        Of the outlines, in screen pixels.
    """

    levels: tuple[Labels, ...]
    colours: Colours
    width: int = 2


class TileView(QWidget):
    """One pane.

    Parameters
    ----------
    name
        Accessible name.
    parent
        Qt owner.
    """

    cameraMoved = Signal(object)  # Camera, by the user
    pointed = Signal(float, float)  # tile position under a click

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 160)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        # Every pixel is painted, so Qt need not clear first.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._picture: Picture | None = None
        self._masks: tuple[Mask, ...] = ()
        self._camera: Camera | None = None
        self._mask_image: QImage | None = None
        self._mask_pixels: Argb | None = None  # owns the memory of the image
        self._target: QPointF | None = None
        self._dragged: QPointF | None = None
        self._pressed: QPointF | None = None
        self._note = ""

    def sizeHint(self) -> QSize:
        return QSize(420, 420)

    # What is shown

    def set_picture(self, picture: Picture | None) -> None:
        """Show a tile, whole; silent."""
        same_size = (
            picture is not None
            and self._picture is not None
            and picture.size == self._picture.size
        )
        self._picture = picture
        self._target = None
        if not same_size:
            self._camera = None
        self._forget_masks()

    def set_masks(self, masks: tuple[Mask, ...]) -> None:
        """Draw masks over the tile, the last on top; silent."""
        self._masks = masks
        self._forget_masks()

    def set_camera(self, camera: Camera | None) -> None:
        """Look somewhere; None shows the whole tile. Silent."""
        self._camera = camera
        self._forget_masks()

    def set_target(self, place: tuple[float, float] | None) -> None:
        """Ring one place of the tile; silent."""
        self._target = None if place is None else QPointF(*place)
        self.update()

    def set_note(self, note: str) -> None:
        """Write a sentence where there is no tile; silent."""
        self._note = note
        self.update()

    @property
    def camera(self) -> Camera:
        """What is seen now."""
        if self._camera is not None:
            return self._camera
        size = self._picture.size if self._picture else (1, 1)
        return fit(size, self._size())

    def _size(self) -> tuple[int, int]:
        return self.width(), self.height()

    def _forget_masks(self) -> None:
        self._mask_image = None
        self.update()

    # Painting

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().dark())
        if self._picture is None:
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(
                self.rect().adjusted(16, 16, -16, -16),
                int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap),
                self._note,
            )
            return
        self._paint_picture(painter, self._picture)
        if self._mask_image is None and self._masks:
            self._compose()
        if self._mask_image is not None and self._masks:
            painter.drawImage(QRectF(self.rect()), self._mask_image)
        self._paint_target(painter)
        self._paint_scale_bar(painter, self._picture)
        if self.hasFocus():
            painter.setPen(QPen(self.palette().highlight().color(), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def _paint_picture(self, painter: QPainter, picture: Picture) -> None:
        camera = self.camera
        level = level_for(len(picture.levels), camera.scale)
        pixels = picture.levels[level]
        height, width = pixels.shape
        image = QImage(
            pixels.data, width, height, width * 4, QImage.Format.Format_RGB32
        )
        corner = self._on_screen(0, 0)
        side = camera.scale * 2**level
        painter.setRenderHint(
            QPainter.RenderHint.SmoothPixmapTransform, camera.scale < _CLOSE
        )
        target = QRectF(corner.x(), corner.y(), width * side, height * side)
        seen = target.intersected(QRectF(self.rect()))
        source = QRectF(
            (seen.x() - corner.x()) / side,
            (seen.y() - corner.y()) / side,
            seen.width() / side,
            seen.height() / side,
        )
        painter.drawImage(seen, image, source)

    def _compose(self) -> None:
        width, height = self._size()
        ratio = self.devicePixelRatioF()
        if width * height * ratio * ratio > _MOST_PIXELS:
            ratio = 1.0
        size = max(round(width * ratio), 1), max(round(height * ratio), 1)
        camera = self.camera
        scaled = Camera(camera.x, camera.y, camera.scale * ratio)
        for index, mask in enumerate(self._masks):
            seen = sample(mask.levels, scaled, size)
            pixels = compose(seen, mask.colours, max(round(mask.width * ratio), 1))
            if index == 0:
                self._mask_pixels = pixels
                image = QImage(
                    pixels.data,
                    *size,
                    size[0] * 4,
                    QImage.Format.Format_ARGB32_Premultiplied,
                )
                continue
            above = QImage(
                pixels.data,
                *size,
                size[0] * 4,
                QImage.Format.Format_ARGB32_Premultiplied,
            )
            painter = QPainter(image)
            painter.drawImage(0, 0, above)
            painter.end()
        self._mask_image = image

    def _paint_target(self, painter: QPainter) -> None:
        if self._target is None:
            return
        middle = self._on_screen(self._target.x(), self._target.y())
        radius = max(18.0, 16 * self.camera.scale)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, pen in ((QColor(0, 0, 0, 150), 4.0), (QColor("white"), 2.0)):
            painter.setPen(QPen(colour, pen))
            painter.drawEllipse(middle, radius, radius)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_scale_bar(self, painter: QPainter, picture: Picture) -> None:
        if picture.mpp is None:
            return
        micrometres, pixels = text.scale_bar(
            self.camera.scale, picture.mpp, min(140.0, self.width() / 3)
        )
        left, bottom = 12.0, self.height() - 12.0
        caption = text.length(micrometres)
        box = QRectF(left - 6, bottom - 28, max(pixels, 40) + 12, 34)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 140))
        painter.drawRoundedRect(box, 4, 4)
        painter.fillRect(QRectF(left, bottom - 3, pixels, 3), QColor("white"))
        painter.setPen(QColor("white"))
        painter.drawText(QPointF(left, bottom - 9), caption)

    # Where things are

    def _on_screen(self, x: float, y: float) -> QPointF:
        camera = self.camera
        return QPointF(
            (x - camera.x) * camera.scale + self.width() / 2,
            (y - camera.y) * camera.scale + self.height() / 2,
        )

    def _move(self, camera: Camera) -> None:
        self.set_camera(camera)
        self.cameraMoved.emit(camera)

    # What the user does

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns = event.angleDelta().y() / 120
        place = event.position().x(), event.position().y()
        self._move(self.camera.zoomed(_STEP**turns, self._size(), place))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in {Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton}:
            self._dragged = self._pressed = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragged is not None:
            self._pan(event.position() - self._dragged)
            self._dragged = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pressed, self._pressed, self._dragged = self._pressed, None, None
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        moved = event.position() - pressed if pressed is not None else QPointF(9, 9)
        if moved.manhattanLength() < 4:
            place = self.camera.at(self._size(), (pressed.x(), pressed.y()))  # type: ignore[union-attr]
            self.pointed.emit(place.x, place.y)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        place = event.position().x(), event.position().y()
        self._move(self.camera.zoomed(2.0, self._size(), place))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = 48.0
        moves = {
            Qt.Key.Key_Left: QPointF(step, 0),
            Qt.Key.Key_Right: QPointF(-step, 0),
            Qt.Key.Key_Up: QPointF(0, step),
            Qt.Key.Key_Down: QPointF(0, -step),
        }
        if event.key() in moves:
            self._pan(moves[Qt.Key(event.key())])
        elif event.key() in {Qt.Key.Key_Plus, Qt.Key.Key_Equal}:
            self.zoom(_STEP)
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom(1 / _STEP)
        elif event.key() == Qt.Key.Key_Space:
            event.accept()  # dragging always pans: nothing to switch
        else:
            super().keyPressEvent(event)

    def zoom(self, factor: float) -> None:
        """Zoom at the middle of the pane, as the user does."""
        middle = self.width() / 2, self.height() / 2
        self._move(self.camera.zoomed(factor, self._size(), middle))

    def _pan(self, by: QPointF) -> None:
        camera = self.camera
        self._move(
            Camera(
                camera.x - by.x() / camera.scale,
                camera.y - by.y() / camera.scale,
                camera.scale,
            )
        )

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._forget_masks()
        super().resizeEvent(event)
