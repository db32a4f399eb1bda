"""What is painted over a tile: strips of masks, divider, colour bar, scale bar."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QLinearGradient,
    QPainter,
    QPalette,
    QPen,
    QPolygonF,
    QRegion,
)

from app.rendering.heat import Heat, viridis
from app.rendering.overlay import Camera, Colours
from app.state.values import Argb, Labels
from app.text import format as text
from core.results import Part

_SHADE = QColor(0, 0, 0, 150)
_VEIL = 150  # of 255
_UNKNOWN = QColor(0, 0, 0, 90)
_BAR = 120.0  # pixels, of the colour bar


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
    part
        The part of the tile that labels are of the box of; None for all of it.
    """

    levels: tuple[Labels, ...]
    colours: Colours
    width: int = 2
    part: Part | None = None

    @property
    def origin(self) -> tuple[int, int]:
        """Place in the tile of the first pixel: x and y."""
        return self.part.box[:2] if self.part is not None else (0, 0)


class Strip:
    """A picture of masks over a part of a pane, from top to bottom.

    Parameters
    ----------
    pixels
        Premultiplied 0xAARRGGBB (height, width).
    start
        First column of the pane, in the picture's pixels.
    ratio
        Pixels of the picture per pixel of the pane.
    """

    def __init__(self, pixels: Argb, start: int, ratio: float) -> None:
        self._pixels = pixels  # owns the memory of the image
        height, width = pixels.shape
        self.place = QRectF(start / ratio, 0, width / ratio, height / ratio)
        self.image = QImage(
            pixels.data,
            width,
            height,
            width * 4,
            QImage.Format.Format_ARGB32_Premultiplied,
        )


def scaled(camera: Camera, ratio: float) -> Camera:
    """Return a camera for a picture with more pixels than the pane."""
    return Camera(camera.x, camera.y, camera.scale * ratio)


def paint_veil(painter: QPainter, pane: QRect, palette: QPalette) -> None:
    """Draw a veil over a pane that shows a result of other settings."""
    colour = palette.color(QPalette.ColorRole.Window)
    colour.setAlpha(_VEIL)
    painter.fillRect(pane, colour)


def paint_unknown(
    painter: QPainter, tile: QRectF, scale: float, masks: Sequence[Mask]
) -> None:
    """Darken what is still to be computed of a tile, where a part of it is.

    Parameters
    ----------
    painter
        Of the pane.
    tile
        Where the tile lies in the pane.
    scale
        Screen pixels per tile pixel.
    masks
        What is drawn over the tile.
    """
    part = next((mask.part for mask in masks if mask.part is not None), None)
    if part is None:
        return
    pane = painter.viewport()
    unknown = QRegion(tile.toRect()).intersected(pane)
    for x, y, width, height in part.done:
        left, top = tile.x() + x * scale, tile.y() + y * scale
        known = QRectF(left, top, width * scale, height * scale).toRect()
        if known.intersects(pane):
            unknown -= known
    painter.save()
    painter.setClipRegion(unknown)
    painter.fillRect(pane, _UNKNOWN)
    painter.restore()


def paint_target(painter: QPainter, middle: QPointF, scale: float) -> None:
    """Draw a ring around a place of the pane, for a nucleus of a zoom."""
    radius = max(18.0, 16 * scale)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, pen in ((QColor(0, 0, 0, 150), 4.0), (QColor("white"), 2.0)):
        painter.setPen(QPen(colour, pen))
        painter.drawEllipse(middle, radius, radius)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def paint_divider(painter: QPainter, pane: QRect, share: float, font: QFont) -> None:
    """Draw a line with a handle, and which model is on which side of it."""
    x, middle = pane.width() * share, pane.height() / 2
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for colour, width in ((QColor(0, 0, 0, 170), 4.0), (QColor("white"), 2.0)):
        painter.setPen(QPen(colour, width))
        painter.drawLine(QPointF(x, 0), QPointF(x, pane.height()))
    painter.setPen(QPen(QColor(0, 0, 0, 170), 1.5))
    painter.setBrush(QColor("white"))
    painter.drawEllipse(QPointF(x, middle), 13, 13)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(30, 36, 43))
    for side in (-1, 1):
        tip = QPointF(x + side * 9, middle)
        base = [QPointF(x + side * 4, middle + up) for up in (-5, 5)]
        painter.drawPolygon(QPolygonF([tip, *base]))
    metrics = QFontMetricsF(font)
    painter.setFont(font)
    for words, left in (("Dense", True), ("Pruned", False)):
        width = metrics.horizontalAdvance(words) + 12
        box = QRectF(x - width - 8 if left else x + 8, 8, width, metrics.height() + 4)
        if box.left() < 0 or box.right() > pane.width():
            continue  # nothing to name where there is no room on that side
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_SHADE)
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor("white"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def paint_colour_bar(painter: QPainter, pane: QRect, heat: Heat) -> None:
    """Say what the colours of the heat map mean, in numbers."""
    metrics = QFontMetricsF(painter.font())
    words = metrics.horizontalAdvance(heat.title)
    wide = max(_BAR, words) + 16
    box = QRectF(pane.width() - wide - 6, pane.height() - 56.0, wide, 50)
    if box.left() < min(140.0, pane.width() / 3) + 24:
        box.translate(0, -42)  # above the scale bar, where both do not fit
    if box.left() < 0:
        return
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(_SHADE)
    painter.drawRoundedRect(box, 4, 4)
    bar = QRectF(box.left() + 8, box.top() + 20, wide - 16, 8)
    gradient = QLinearGradient(bar.topLeft(), bar.topRight())
    colours = viridis()
    for step in range(0, 256, 15):
        gradient.setColorAt(step / 255, QColor(*map(int, colours[step])))
    painter.setBrush(gradient)
    painter.drawRect(bar)
    painter.setPen(QColor("white"))
    line = QRectF(bar.left(), box.top() + 2, bar.width(), 17)
    painter.drawText(line, Qt.AlignmentFlag.AlignCenter, heat.title)
    below = QRectF(bar.left(), bar.bottom() + 1, bar.width(), 18)
    top = heat.raw.top
    for value, side in (
        (0.0, Qt.AlignmentFlag.AlignLeft),
        (top / 2, Qt.AlignmentFlag.AlignHCenter),
        (top, Qt.AlignmentFlag.AlignRight),
    ):
        painter.drawText(below, side, f"{value:g}")


def paint_scale_bar(painter: QPainter, pane: QRect, scale: float, mpp: float) -> None:
    """Draw the roundest length that fits.

    Parameters
    ----------
    painter, pane
        Where.
    scale
        Screen pixels per tile pixel.
    mpp
        Micrometres per tile pixel.
    """
    length, pixels = text.scale_bar(scale, mpp, min(140.0, pane.width() / 3))
    left, bottom = 12.0, pane.height() - 12.0
    box = QRectF(left - 6, bottom - 28, max(pixels, 40) + 12, 34)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 140))
    painter.drawRoundedRect(box, 4, 4)
    painter.fillRect(QRectF(left, bottom - 3, pixels, 3), QColor("white"))
    painter.setPen(QColor("white"))
    painter.drawText(QPointF(left, bottom - 9), text.length(length))
