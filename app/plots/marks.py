"""Marks of curves: a shape each, so that none is told by its colour alone."""

from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPolygonF

Shape = Literal["circle", "square", "diamond", "triangle"]
SHAPES: tuple[Shape, ...] = ("circle", "square", "diamond", "triangle")
DASHES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
)
GLYPHS: dict[Shape, str] = {
    "circle": "\u25cf",
    "square": "\u25a0",
    "diamond": "\u25c6",
    "triangle": "\u25b2",
}


def draw_mark(painter: QPainter, at: QPointF, radius: float, shape: Shape) -> None:
    """Draw one mark with the painter's pen and brush; all have about one area.

    Parameters
    ----------
    painter
        Pen and brush are set.
    at
        Its middle.
    radius
        Of the circle, in screen pixels.
    shape
        See `Shape`.
    """
    if shape == "circle":
        painter.drawEllipse(at, radius, radius)
    elif shape == "square":
        half = radius * 0.89
        painter.drawRect(QRectF(at.x() - half, at.y() - half, 2 * half, 2 * half))
    elif shape == "diamond":
        reach = radius * 1.25
        painter.drawPolygon(
            QPolygonF(
                [
                    QPointF(at.x(), at.y() - reach),
                    QPointF(at.x() + reach, at.y()),
                    QPointF(at.x(), at.y() + reach),
                    QPointF(at.x() - reach, at.y()),
                ]
            )
        )
    else:
        reach = radius * 1.35
        painter.drawPolygon(
            QPolygonF(
                [
                    QPointF(at.x(), at.y() - reach),
                    QPointF(at.x() + reach, at.y() + reach * 0.75),
                    QPointF(at.x() - reach, at.y() + reach * 0.75),
                ]
            )
        )
