"""Marks and pens as Qt draws them."""

from functools import cache

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from app.plots.chart import Rgb
from app.plots.marks import DASH_PATTERN, Dash, Mark, mark_outline

WEAK = 110  # of 255: opacity of a curve that no pane is on
WEAK_WIDTH = 0.65  # of the width of a line on which a pane is
BAND = 46  # of 255: opacity of a band


@cache
def mark_path(mark: Mark) -> QPainterPath:
    """Return a mark around the origin, as large as a circle with a diameter of 1."""
    path = QPainterPath()
    outline = mark_outline(mark)
    if outline:
        path.addPolygon(QPolygonF([QPointF(x / 2, y / 2) for x, y in outline]))
        path.closeSubpath()
    else:
        path.addEllipse(QPointF(0, 0), 0.5, 0.5)
    return path


@cache
def symbol(mark: Mark) -> tuple[QPainterPath, float]:
    """Return a mark as pyqtgraph takes it: in a box of 1, cut off beyond it.

    Returns
    -------
    path, scale
        How much larger than a circle its box is, at the same area.
    """
    path = mark_path(mark)
    box = path.boundingRect()
    reach = max(abs(box.left()), abs(box.right()), abs(box.top()), abs(box.bottom()))
    return scaled(path, 0.5 / reach), 2 * reach


def scaled(path: QPainterPath, scale: float) -> QPainterPath:
    """Return a path that is larger by a factor; its pen keeps its width."""
    found = QPainterPath(path)
    for index in range(found.elementCount()):
        element = found.elementAt(index)
        found.setElementPositionAt(index, element.x * scale, element.y * scale)
    return found


def draw_mark(painter: QPainter, at: QPointF, radius: float, mark: Mark) -> None:
    """Draw one mark with the painter's pen and brush.

    Parameters
    ----------
    painter
        Pen and brush are set.
    at
        Its middle.
    radius
        Of the circle with the same area, in pixels.
    mark
        See `app.plots.marks.MARKS`.
    """
    painter.save()
    painter.translate(at)
    # the path is scaled, not the painter: the pen keeps its width
    painter.drawPath(scaled(mark_path(mark), 2 * radius))
    painter.restore()


def line_pen(colour: Rgb, width: float, dash: Dash = "solid", alpha: int = 255) -> QPen:
    """Return the pen of a curve; its width is that of the screen at any zoom."""
    pen = QPen(QColor(*colour, alpha), width)
    pen.setCosmetic(True)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    pattern = DASH_PATTERN[dash]
    if pattern:
        pen.setDashPattern([length / width for length in pattern])
    return pen
