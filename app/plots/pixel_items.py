"""Marks as plain Qt items: only those that change cost anything.

An item of pyqtgraph asks Python for its bounds and its paint whenever a chart is
painted; these are C++ throughout. They keep their size at any zoom.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QBrush, QPainterPath, QPen
from PySide6.QtWidgets import QGraphicsPathItem, QGraphicsRectItem


class MarkLook(NamedTuple):
    """How one mark is drawn; ``path`` in pixels around the origin."""

    path: QPainterPath
    pen: QPen
    brush: QBrush


Placed = tuple[float, float, MarkLook]
"""Positions on both axes, and looks; compared by identity."""


class PixelMarks:
    """Marks of one height in a view box.

    Parameters
    ----------
    box
        That they are added to.
    height
        Items with a higher one lie above.
    """

    def __init__(self, box: pg.ViewBox, height: float) -> None:
        self._group = QGraphicsRectItem(QRectF())
        self._group.setFlag(self._group.GraphicsItemFlag.ItemHasNoContents)
        self._group.setZValue(height)
        box.addItem(self._group, ignoreBounds=True)
        self._items: list[QGraphicsPathItem] = []
        self._drawn: list[Placed] = []

    def draw(self, marks: Sequence[Placed]) -> None:
        """Show these marks, the last above; silent."""
        while len(self._items) < len(marks):
            item = QGraphicsPathItem(self._group)
            item.setFlag(item.GraphicsItemFlag.ItemIgnoresTransformations)
            self._items.append(item)
        old = self._drawn
        for place, mark in enumerate(marks):
            before = old[place] if place < len(old) else None
            item = self._items[place]
            if before is None:
                item.show()
            if before is None or before[2] is not mark[2]:
                look = mark[2]
                item.setPath(look.path)
                item.setPen(look.pen)
                item.setBrush(look.brush)
            if before is None or before[:2] != mark[:2]:
                item.setPos(mark[0], mark[1])
        for item in self._items[len(marks) : len(old)]:
            item.hide()
        self._drawn = list(marks)
