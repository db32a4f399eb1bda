"""A chart as pixels: its SVG drawing, painted by Qt."""

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF
from PySide6.QtGui import QImage, QImageWriter, QPainter
from PySide6.QtSvg import QSvgRenderer

from app.plots.chart import Chart
from app.plots.svg import STANDARD, Size, chart_svg
from app.rendering.theme import load_fonts


def chart_image(
    chart: Chart, size: Size = STANDARD, *, scale: float = 2.0, note: str = ""
) -> QImage:
    """Return a chart with its legend, as an opaque picture.

    Parameters
    ----------
    chart, size, note
        See `app.plots.svg.chart_svg`.
    scale
        Pixels of the picture for one of ``size``.
    """
    load_fonts()
    # Qt has the fonts already, and only warns of those inside a drawing
    drawing = chart_svg(chart, size, note=note, embedded=False)
    renderer = QSvgRenderer(QByteArray(drawing.encode()))
    box = renderer.viewBoxF()
    width, height = round(box.width() * scale), round(box.height() * scale)
    image = QImage(width, height, QImage.Format.Format_RGB32)
    image.fill(0xFFFFFFFF)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(0, 0, width, height))
    painter.end()
    return image


def image_png(image: QImage) -> bytes:
    """Return a picture as the bytes of a PNG file."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(buffer, QByteArray(b"PNG")).write(image)
    return bytes(buffer.data().data())
