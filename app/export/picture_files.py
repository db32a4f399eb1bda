"""What is drawn on the screen, as PNG or SVG."""

from pathlib import Path

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from app.state.app_state import Message

_SHARP = 2  # pixels of a PNG for one on the screen


def save_widget(widget: QWidget, path: str, title: str = "") -> Message:
    """Draw one widget into a file.

    Parameters
    ----------
    widget
        Drawn as it is, without what lies over it.
    path
        ``.svg`` (lines stay lines at any size) or an image such as ``.png``.
    title
        Kept in an SVG.

    Returns
    -------
    Message
        What to tell the user.
    """
    ending = Path(path).suffix.lower()
    done = _svg(widget, path, title) if ending == ".svg" else _image(widget, path)
    if done:
        return Message(f"Saved {path}.", kind="info")
    return Message(
        f"Cannot write {path}: choose another place, and end it with .png or .svg."
    )


def _svg(widget: QWidget, path: str, title: str) -> bool:
    generator = QSvgGenerator()
    generator.setFileName(path)
    generator.setSize(widget.size())
    generator.setViewBox(QRect(QPoint(0, 0), widget.size()))
    generator.setTitle(title or widget.accessibleName() or "PruneScope")
    try:
        # Qt only warns of a place that cannot be written.
        with Path(path).open("ab"):
            pass
    except OSError:
        return False
    painter = QPainter(generator)
    try:
        widget.render(painter, QPoint(0, 0))
    finally:
        painter.end()
    return Path(path).stat().st_size > 0


def _image(widget: QWidget, path: str) -> bool:
    image = QImage(QSize(widget.size() * _SHARP), QImage.Format.Format_ARGB32)
    image.setDevicePixelRatio(_SHARP)
    image.fill(widget.palette().window().color())
    painter = QPainter(image)
    try:
        widget.render(painter, QPoint(0, 0))
    finally:
        painter.end()
    return image.save(path)
