"""Draws the icon in all sizes from its SVG: ``python -m distribution.icons``.

PNG for Linux and the window, ICO for Windows, ICNS for macOS.
"""

import io
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from app.rendering.theme import ICON_SIZES

FOLDER = Path(__file__).parents[1] / "resources" / "icons"
_LARGEST = 1024  # of ICNS


def draw(source: Path, size: int) -> Image.Image:
    """Return a square picture of an SVG.

    Parameters
    ----------
    source
        The SVG.
    size
        Of a side, in pixels.
    """
    QGuiApplication.instance() or QGuiApplication(["icons", "-platform", "offscreen"])
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(str(source)).render(painter)
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return Image.open(io.BytesIO(data.data()))


def write_icons(folder: Path = FOLDER) -> None:
    """Write all sizes beside the SVG.

    Parameters
    ----------
    folder
        That has ``prunescope.svg``.
    """
    source = folder / "prunescope.svg"
    for size in ICON_SIZES:
        draw(source, size).save(folder / f"prunescope-{size}.png", optimize=True)
    large = draw(source, _LARGEST)
    sizes = [(size, size) for size in ICON_SIZES]
    large.save(folder / "prunescope.ico", sizes=sizes)
    large.save(folder / "prunescope.icns")


if __name__ == "__main__":
    write_icons()
