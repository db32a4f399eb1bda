"""Panes in as many columns as make them largest."""

from collections.abc import Sequence

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QWidget

_ALIKE = 12  # pixels: tiles that differ by less are equally large
_HEAD = 46  # pixels above the tile: title, note and stripe


def best_columns(count: int, size: tuple[int, int], aspect: float) -> int:
    """Return the number of columns that shows a tile largest.

    Parameters
    ----------
    count
        Panes, at least 1.
    size
        Width and height that they share, in pixels.
    aspect
        Width over height of the tile.

    Returns
    -------
    int
        1 to ``count``; of about equally good ones that with the fewest empty
        places, and then the one with fewer rows.
    """

    def worth(columns: int) -> tuple[int, int, int]:
        rows = -(-count // columns)
        width, height = size[0] / columns, size[1] / rows - _HEAD
        scale = round(min(width / aspect, height) / _ALIKE)
        return scale, count - rows * columns, columns

    return max(range(1, count + 1), key=worth)


class PaneGrid(QWidget):
    """Places panes; those beyond the count are hidden.

    Parameters
    ----------
    panes
        All there will ever be, in order.
    parent
        Qt owner.
    """

    def __init__(self, panes: Sequence[QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panes = tuple(panes)
        self._count, self._columns, self._aspect = 0, 0, 1.0
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(6)
        for pane in self._panes:
            pane.setParent(self)
            pane.hide()

    @property
    def columns(self) -> int:
        """How many columns there are now."""
        return self._columns

    def set_count(self, count: int) -> None:
        """Show the first ``count`` panes; silent."""
        self._count = count
        for index, pane in enumerate(self._panes):
            pane.setVisible(index < count)
        self._columns = 0
        self._place()

    def set_aspect(self, aspect: float) -> None:
        """Make room for tiles of this width over height; silent."""
        self._aspect = aspect
        self._place()

    def _place(self) -> None:
        size = max(self.width(), 1), max(self.height(), 1)
        columns = best_columns(max(self._count, 1), size, self._aspect)
        if columns == self._columns:
            return
        self._columns = columns
        for pane in self._panes:
            self._layout.removeWidget(pane)
        rows = -(-self._count // columns)
        for index, pane in enumerate(self._panes[: self._count]):
            self._layout.addWidget(pane, *divmod(index, columns))
        for place in range(len(self._panes)):
            self._layout.setColumnStretch(place, int(place < columns))
            self._layout.setRowStretch(place, int(place < rows))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()
