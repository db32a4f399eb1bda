"""A layout that fills rows from left to right, as words fill lines."""

from collections.abc import Iterable

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget

_GAP = 2


class FlowLayout(QLayout):
    """Puts each widget beside the one before it, or below where there is no room.

    Parameters
    ----------
    parent
        Whose layout it is.
    gap
        Pixels between neighbours.
    """

    def __init__(self, parent: QWidget | None = None, *, gap: int = _GAP) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._gap = gap
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._place(rect, move=True)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        height = max((item.sizeHint().height() for item in self._items), default=0)
        return QSize(60, height)

    def _place(self, rect: QRect, *, move: bool) -> int:
        """Return the height that the items need, and put them there if asked."""
        x, y, high = rect.left(), rect.top(), 0
        for item in self._items:
            size = item.sizeHint()
            width = min(size.width(), rect.width())
            if x > rect.left() and x + width > rect.right() + 1:
                x, y, high = rect.left(), y + high, 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), QSize(width, size.height())))
            x, high = x + width + self._gap, max(high, size.height())
        return y + high - rect.top()


def rows_of(widths: Iterable[int], room: int) -> int:
    """Return how many rows a `FlowLayout` needs for widgets.

    Parameters
    ----------
    widths
        Of the widgets, in pixels.
    room
        Width of the layout.
    """
    rows, x = 0, 0
    for wanted in widths:
        width = min(wanted, room)
        if rows == 0 or (x > 0 and x + width > room):
            rows, x = rows + 1, 0
        x += width + _GAP
    return rows
