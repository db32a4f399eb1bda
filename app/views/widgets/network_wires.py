"""The wires between the layers of a drawn network."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from app.views.widgets.network_layout import Drawing

_NEAR = 7  # layers from which on a skip swings across the drawing


class Wires:
    """Draws all wires once: a drag of the slider changes none of them."""

    def __init__(self) -> None:
        self._kept: tuple[tuple[object, ...], QPixmap] | None = None

    def draw(self, widget: QWidget, drawing: Drawing, current: int) -> QPixmap:
        """Return a transparent picture of the wires, as large as a widget.

        Parameters
        ----------
        widget
            Gives size, resolution and colours.
        drawing
            Which layers are joined, and where they are.
        current
            Place of the layer whose wires are lit, or -1.
        """
        ratio = widget.devicePixelRatioF()
        key = widget.size(), ratio, widget.palette().cacheKey(), current, drawing
        if self._kept is None or self._kept[0] != key:
            pixmap = QPixmap(widget.size() * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            _paint(painter, widget, drawing, current)
            painter.end()
            self._kept = key, pixmap
        return self._kept[1]


def _paint(painter: QPainter, widget: QWidget, drawing: Drawing, current: int) -> None:
    colour = widget.palette().placeholderText().color()
    colour.setAlpha(110)
    strong = widget.palette().highlight().color()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pairs, straight in ((drawing.paths, True), (drawing.skips, False)):
        for pair in pairs:
            lit = current in pair
            painter.setPen(QPen(strong if lit else colour, 2.0 if lit else 1.0))
            painter.drawPath(_wire(drawing.blocks, pair, straight=straight))


def _wire(
    blocks: tuple[QRectF, ...], pair: tuple[int, int], *, straight: bool
) -> QPainterPath:
    """Return the way from one block to another."""
    source, target = blocks[pair[0]], blocks[pair[1]]
    near = pair[1] - pair[0] < _NEAR
    if not straight and near:
        start = QPointF(source.center().x(), source.top())
        end = QPointF(target.center().x(), target.top())
        lift = min(start.y(), end.y()) - 9
        path = QPainterPath(start)
        path.cubicTo(QPointF(start.x(), lift), QPointF(end.x(), lift), end)
        return path
    start = QPointF(source.right(), source.center().y())
    end = QPointF(target.left(), target.center().y())
    path = QPainterPath(start)
    if straight and near:
        path.lineTo(end)
        return path
    bend = (end.x() - start.x()) * 0.4
    lift = 0.0 if abs(start.y() - end.y()) > 1 else 10.0
    path.cubicTo(
        QPointF(start.x() + bend, start.y() - lift),
        QPointF(end.x() - bend, end.y() - lift),
        end,
    )
    return path
