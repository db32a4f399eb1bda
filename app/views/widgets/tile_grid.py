"""Tiles of a folder as a grid of small pictures, each with its score below it.

To read this file, start from `TileGrid.set_tiles`.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont, QImage, QPainter, QPalette, QPen
from PySide6.QtWidgets import (
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.rendering.thumbnails import THUMBNAIL

_MARGIN = 8
_Index = QModelIndex | QPersistentModelIndex
SOURCE = int(Qt.ItemDataRole.UserRole)
_CARD, _IMAGE, _OPEN = SOURCE + 1, SOURCE + 2, SOURCE + 3


@dataclass(frozen=True, slots=True)
class TileCard:
    """What is written below the picture of a tile.

    Parameters
    ----------
    source
        What names the tile, such as what it is opened from.
    name
        Of the tile.
    score
        In words; a dash or empty while there is none.
    about
        A few words beside the score.
    tip
        Everything that is known, in sentences.
    doubt
        Whether something is wrong with the tile or its scores.
    """

    source: Hashable
    name: str
    score: str = ""
    about: str = ""
    tip: str = ""
    doubt: bool = False


class _Tiles(QAbstractListModel):
    """The cards in order, and the pictures that were read by now."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.cards: tuple[TileCard, ...] = ()
        self.pictures: dict[Hashable, QImage | None] = {}
        self.opened: Hashable = None

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.cards)

    def data(self, index: _Index, role: int = 0) -> Any:
        card = self.cards[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return " ".join(filter(None, (card.name, card.score, card.about)))
        if role == Qt.ItemDataRole.ToolTipRole:
            return card.tip
        return {
            SOURCE: card.source,
            _CARD: card,
            _IMAGE: self.pictures.get(card.source),
            _OPEN: card.source == self.opened,
        }.get(role)

    def set_cards(self, cards: tuple[TileCard, ...]) -> None:
        """Take other cards; pictures of the same tiles stay."""
        if [c.source for c in cards] == [c.source for c in self.cards]:
            self.cards = cards
            self.touch()
            return
        self.beginResetModel()
        self.cards = cards
        self.endResetModel()

    def touch(self) -> None:
        """Have every card drawn again."""
        if self.cards:
            last = self.index(len(self.cards) - 1, 0)
            self.dataChanged.emit(self.index(0, 0), last)


class _Drawing(QStyledItemDelegate):
    """Draws one card."""

    def sizeHint(self, option: QStyleOptionViewItem, _: _Index) -> QSize:
        lines = 2 * option.fontMetrics.height()
        return QSize(THUMBNAIL + 2 * _MARGIN, THUMBNAIL + lines + 3 * _MARGIN)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: _Index
    ) -> None:
        rect: QRect = option.rect
        palette: QPalette = option.palette
        state: QStyle.StateFlag = option.state
        card: TileCard = index.data(_CARD)
        box = rect.adjusted(2, 2, -2, -2)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        over = state & QStyle.StateFlag.State_MouseOver
        chosen = state & QStyle.StateFlag.State_HasFocus
        if over or chosen or index.data(_OPEN):
            roles = QPalette.ColorRole
            edge = roles.Highlight if index.data(_OPEN) or chosen else roles.Mid
            width = 2 if index.data(_OPEN) else 1
            painter.setPen(QPen(palette.color(edge), width))
            painter.setBrush(palette.color(QPalette.ColorRole.Base))
            painter.drawRoundedRect(box, 6, 6)
        frame = QRect(rect.x() + _MARGIN, rect.y() + _MARGIN, THUMBNAIL, THUMBNAIL)
        self._draw_picture(painter, frame, index.data(_IMAGE), palette)
        self._write(painter, frame, card, option)
        painter.restore()

    def _draw_picture(
        self, painter: QPainter, frame: QRect, image: QImage | None, palette: QPalette
    ) -> None:
        if image is None:
            painter.fillRect(frame, palette.color(QPalette.ColorRole.Dark))
            return
        size = image.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
        place = QRect(frame.topLeft(), size)
        place.moveCenter(frame.center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(place, image)

    def _write(
        self,
        painter: QPainter,
        frame: QRect,
        card: TileCard,
        option: QStyleOptionViewItem,
    ) -> None:
        palette: QPalette = option.palette
        high = option.fontMetrics.height()
        line = QRect(frame.x(), frame.bottom() + _MARGIN, frame.width(), high)
        bold = QFont(option.font)
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(line, int(flags), card.score)
        painter.setFont(option.font)
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
        right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        note = " · note" if card.doubt else ""
        painter.drawText(line, int(right), f"{card.about}{note}")
        metrics = painter.fontMetrics()
        name = metrics.elidedText(card.name, Qt.TextElideMode.ElideMiddle, line.width())
        painter.drawText(line.translated(0, high), int(flags), name)


class TileGrid(QListView):
    """The tiles; one that is clicked, or entered, is asked for.

    Order changes while scores come in; it stays as it is while the pointer is over the
    tiles, so that nothing moves away from under it.
    """

    tileChosen = Signal(object)  # source
    orderWaits = Signal(bool)  # whether another order waits for the pointer

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tiles = _Tiles(self)
        self._waiting: tuple[TileCard, ...] | None = None
        self.setModel(self._tiles)
        self.setItemDelegate(_Drawing(self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setMovement(QListView.Movement.Static)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(True)
        self.setSpacing(2)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName("Tiles of the folder, worst first")
        self.setToolTip("Click a tile, or press Enter on it, to open it.")
        self.clicked.connect(self._on_chosen)
        self.activated.connect(self._on_chosen)

    # Setters: silent

    def set_tiles(self, cards: Sequence[TileCard]) -> None:
        """Show these tiles in this order, as soon as the pointer lets them move."""
        new = tuple(cards)
        places = {card.source: card for card in new}
        same = places.keys() == {card.source for card in self._tiles.cards}
        if same and self.underMouse() and self.isVisible():
            kept = tuple(places[card.source] for card in self._tiles.cards)
            self._tiles.set_cards(kept)
            self._waiting = new if kept != new else None
        else:
            self._waiting = None
            self._tiles.set_cards(new)
        self.orderWaits.emit(self._waiting is not None)

    def set_picture(self, source: Hashable, pixels: NDArray[np.uint8] | None) -> None:
        """Show the picture of a tile; None where it cannot be read."""
        image = None
        if pixels is not None:
            high, wide = pixels.shape[:2]
            kind = QImage.Format.Format_RGB888
            image = QImage(pixels.data, wide, high, 3 * wide, kind).copy()
        self._tiles.pictures[source] = image
        self.viewport().update()

    def set_opened(self, source: Hashable) -> None:
        """Mark the tile that is open."""
        if source != self._tiles.opened:
            self._tiles.opened = source
            self.viewport().update()

    @property
    def order(self) -> tuple[Hashable, ...]:
        """Sources of the tiles as they lie on show."""
        return tuple(card.source for card in self._tiles.cards)

    # What the user does

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._tiles.set_cards(waiting)
            self.orderWaits.emit(False)

    def _on_chosen(self, index: QModelIndex) -> None:
        self.tileChosen.emit(index.data(SOURCE))
