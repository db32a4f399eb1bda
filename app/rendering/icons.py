"""The icons of the program, in the colours of the theme.

The drawings are those of Lucide, see ``resources/icons/SOURCE.md``.
"""

from functools import cache
from importlib.resources import files

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer

_SIZES = (16, 24, 32, 48)  # pixels
_THIN = 'stroke-width="1.75"'  # calmer beside text of 14 pixels


def build_icon(
    name: str, palette: QPalette, role: QPalette.ColorRole = QPalette.ColorRole.Text
) -> QIcon:
    """Return an icon in the colours of a palette, disabled ones fainter.

    Parameters
    ----------
    name
        Of a file in ``resources/icons``, without its ending.
    palette
        Of the widget that shows it.
    role
        Colour of the lines.

    Raises
    ------
    FileNotFoundError
        When there is no such icon.
    """
    icon = QIcon()
    groups = (
        (QIcon.Mode.Normal, QPalette.ColorGroup.Active),
        (QIcon.Mode.Disabled, QPalette.ColorGroup.Disabled),
    )
    for mode, group in groups:
        colour = palette.color(group, role)
        for size in _SIZES:
            icon.addPixmap(_draw(name, colour, size), mode)
    return icon


@cache
def _read(name: str) -> str:
    found = (files("resources") / "icons" / f"{name}.svg").read_text("utf-8")
    return found.replace('stroke-width="2"', _THIN)


def _draw(name: str, colour: QColor, size: int) -> QPixmap:
    drawing = _read(name).replace("currentColor", colour.name())
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setOpacity(colour.alphaF())
    renderer = QSvgRenderer(QByteArray(drawing.encode("utf-8")))
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap
