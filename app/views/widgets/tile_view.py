"""A tile with masks over it; pan, zoom, and nothing per nucleus.

To read this file, start from `TileView.paintEvent`.
"""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
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

from app.rendering.heat import Heat, paint
from app.rendering.overlay import Camera, compose, fit, level_for, sample
from app.state.timers import single_shot
from app.state.values import Picture
from app.views.widgets.tile_parts import (
    Mask,
    Strip,
    paint_colour_bar,
    paint_divider,
    paint_scale_bar,
    paint_target,
    paint_unknown,
    paint_veil,
    scaled,
)

_MOST_PIXELS = 1_200_000  # of a mask picture; finer ones would take a frame's time
_CLOSE = 12.0  # screen pixels per tile pixel from which pixels stay square
_STEP = 1.25  # zoom per wheel notch
_GRIP = 9.0  # pixels on either side of the divider in which it is taken
_SLIDE = 0.02  # share of the width that a key moves it


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
    dividerMoved = Signal(float)  # share of the width, by the user
    pointed = Signal(float, float)  # tile position under a click
    looked = Signal()  # another part is seen

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._later = single_shot(self, 0, self.update)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 160)
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        # Every pixel is painted, so Qt need not clear first.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(True)  # the pointer says where the divider is
        self._picture: Picture | None = None
        self._masks: tuple[Mask, ...] = ()
        self._camera: Camera | None = None
        self._left: tuple[Mask, ...] | None = None
        self._divider = 0.5
        self._heat: Heat | None = None
        self._strips: list[Strip] | None = None
        self._target: QPointF | None = None
        self._dragged: QPointF | None = None
        self._sliding = False
        self._pressed: QPointF | None = None
        self._note = ""
        self._dimmed = False

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

    def set_masks(self, masks: tuple[Mask, ...], *, after: int = 0) -> None:
        """Draw masks over the tile, the last on top; silent.

        Parameters
        ----------
        masks
            From the lowest to the one on top.
        after
            Milliseconds that painting may wait, for another pane to come first.
        """
        self._masks = masks
        self._strips = None
        if after:
            self._later.start(after)
        else:
            self.update()

    @property
    def masks(self) -> tuple[Mask, ...]:
        """What is drawn over the tile, the last on top."""
        return self._masks

    @property
    def dimmed(self) -> bool:
        """Whether what is drawn is marked as a result of other settings."""
        return self._dimmed

    def set_dimmed(self, on: bool) -> None:
        """Draw a veil over everything: a result of other settings. Silent."""
        if on != self._dimmed:
            self._dimmed = on
            self.update()

    def set_swipe(self, left: tuple[Mask, ...] | None) -> None:
        """Draw other masks left of a divider; None takes it away. Silent."""
        if left is self._left:
            return
        self._left = left
        self._forget_masks()

    def set_divider(self, share: float) -> None:
        """Move the divider, 0 (left) to 1; silent."""
        if share != self._divider:
            self._divider = share
            if self._left is not None:
                self._forget_masks()

    def set_heat(self, heat: Heat | None) -> None:
        """Draw how far a raw output moved, below the masks; silent."""
        if heat == self._heat:
            return
        self._heat = heat
        self._forget_masks()

    @property
    def divider(self) -> float:
        """Where the divider is, as a share of the width."""
        return self._divider

    def set_camera(self, camera: Camera | None) -> None:
        """Look somewhere; None shows the whole tile. Silent."""
        self._camera = camera
        self._forget_masks()

    def set_target(self, place: tuple[float, float] | None) -> None:
        """Ring one place of the tile; silent."""
        self._target = None if place is None else QPointF(*place)
        self.update()

    @property
    def target(self) -> tuple[float, float] | None:
        """The place of the tile that is ringed, if one is."""
        return None if self._target is None else self._target.toTuple()

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
        self._strips = None
        self.update()
        self.looked.emit()

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
        if self._strips is None:
            self._strips = self._compose()
        for strip in self._strips:
            painter.drawImage(strip.place, strip.image)
        corner, scale = self._on_screen(0, 0), self.camera.scale
        width, height = self._picture.size
        tile = QRectF(corner.x(), corner.y(), width * scale, height * scale)
        paint_unknown(painter, tile, scale, self._masks)
        if self._target is not None:
            place = self._on_screen(self._target.x(), self._target.y())
            paint_target(painter, place, scale)
        if self._dimmed:
            paint_veil(painter, self.rect(), self.palette())
        if self._left is not None:
            paint_divider(painter, self.rect(), self._divider, self.font())
        if self._heat is not None:
            paint_colour_bar(painter, self.rect(), self._heat)
        if self._picture.mpp is not None:
            paint_scale_bar(painter, self.rect(), self.camera.scale, self._picture.mpp)
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

    def _compose(self) -> list[Strip]:
        """Return pictures of the masks, the lowest first."""
        width, height = self._size()
        ratio = self.devicePixelRatioF()
        if width * height * ratio * ratio > _MOST_PIXELS:
            ratio = 1.0
        size = max(round(width * ratio), 1), max(round(height * ratio), 1)
        strips = []
        if self._heat is not None:
            camera = scaled(self.camera, ratio)
            strips.append(Strip(paint(self._heat, camera, size), 0, ratio))
        parts = [(self._masks, 0, size[0])]
        if self._left is not None:
            cut = round(self._divider * size[0])
            parts = [(self._left, 0, cut), (self._masks, cut, size[0])]
        for masks, start, stop in parts:
            if stop <= start:
                continue
            camera = scaled(self.camera, ratio)
            # The strip's own middle is where its camera looks.
            shift = ((start + stop) - size[0]) / 2 / camera.scale
            camera = Camera(camera.x + shift, camera.y, camera.scale)
            for mask in masks:
                if not mask.colours.seen:
                    continue
                left, top = mask.origin
                own = Camera(camera.x - left, camera.y - top, camera.scale)
                seen = sample(mask.levels, own, (stop - start, size[1]))
                line = max(round(mask.width * ratio), 1)
                strips.append(Strip(compose(seen, mask.colours, line), start, ratio))
        return strips

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
        if event.button() == Qt.MouseButton.LeftButton and self._on_divider(event):
            self._sliding = True
        elif event.button() in {
            Qt.MouseButton.LeftButton,
            Qt.MouseButton.MiddleButton,
        }:
            self._dragged = self._pressed = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._sliding:
            self._slide(event.position().x() / max(self.width(), 1))
        elif self._dragged is not None:
            self._pan(event.position() - self._dragged)
            self._dragged = event.position()
        else:
            split, hand = Qt.CursorShape.SplitHCursor, Qt.CursorShape.OpenHandCursor
            self.setCursor(split if self._on_divider(event) else hand)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._sliding:
            self._sliding = False
            return
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
        shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        aside = {Qt.Key.Key_Left: -_SLIDE, Qt.Key.Key_Right: _SLIDE}
        if shift and self._left is not None and event.key() in aside:
            self._slide(self._divider + aside[Qt.Key(event.key())])
        elif event.key() in moves:
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

    def _on_divider(self, event: QMouseEvent) -> bool:
        if self._left is None or self._picture is None:
            return False
        return abs(event.position().x() - self._divider * self.width()) <= _GRIP

    def _slide(self, share: float) -> None:
        self.set_divider(min(max(share, 0.0), 1.0))
        self.dividerMoved.emit(self._divider)

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
