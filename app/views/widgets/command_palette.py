"""Every action by a few letters of its name."""

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSize,
    Qt,
)
from PySide6.QtGui import QAction, QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.views.widgets.actions import HELD, caption_of, keys_of
from app.views.widgets.matching import ranked

_FRAMELESS = Qt.WindowType.FramelessWindowHint
_KEYS = Qt.ItemDataRole.UserRole + 1
_ROW, _LISTED = 30, 10
# margins, the line to type into, and whole rows: none is cut in two
_WIDTH, _HEIGHT = 520, 62 + _LISTED * _ROW + 2
_OVERRIDE = QEvent.Type.ShortcutOverride


class CommandPalette(QDialog):
    """A line to type into and the actions that fit; Enter runs one.

    Parameters
    ----------
    parent
        The window it lies over.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Dialog | _FRAMELESS)
        self._over = parent
        self.setObjectName("palette")
        self.setAccessibleName("Commands")
        self.resize(_WIDTH, _HEIGHT)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(8)
        self._line = QLineEdit()
        self._line.setPlaceholderText("What do you want to do?")
        self._line.setAccessibleName("Search commands")
        self._line.setToolTip("Type a few letters; Enter runs the marked command.")
        self._line.setMinimumHeight(34)
        self._line.textChanged.connect(self._refill)
        self._line.installEventFilter(self)
        column.addWidget(self._line)
        self._list = QListWidget()
        self._list.setAccessibleName("Commands that fit")
        self._list.setToolTip("Enter or a click runs a command.")
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setItemDelegate(_Rows(self._list))
        self._list.itemClicked.connect(self._run)
        column.addWidget(self._list, 1)
        self._none = QLabel("Nothing is called that.")
        self._none.setProperty("role", "faint")
        column.addWidget(self._none)
        self._actions: list[QAction] = []

    def offer(self, actions: Sequence[QAction]) -> None:
        """Open over the parent, with the actions that can be run now."""
        self._actions = [
            each for each in actions if each.isEnabled() and not each.property(HELD)
        ]
        self._line.clear()
        self._refill("")
        over = self._over
        corner = over.mapToGlobal(over.rect().topLeft())
        across = (over.width() - self.width()) // 2
        self.move(corner.x() + across, corner.y() + 72)
        self.show()
        self._line.setFocus()

    @property
    def captions(self) -> list[str]:
        """What is listed, from the top."""
        return [
            caption_of(
                self._actions[self._list.item(row).data(Qt.ItemDataRole.UserRole)]
            )
            for row in range(self._list.count())
        ]

    def _refill(self, query: str) -> None:
        self._list.clear()
        names = [caption_of(each) for each in self._actions]
        for index in ranked(query, names):
            keys = keys_of(self._actions[index])
            item = QListWidgetItem(names[index])
            item.setData(Qt.ItemDataRole.UserRole, index)
            item.setData(_KEYS, keys)
            spoken = f"{names[index]} {keys}".strip()
            item.setData(Qt.ItemDataRole.AccessibleTextRole, spoken)
            item.setSizeHint(QSize(0, _ROW))
            self._list.addItem(item)
        self._none.setVisible(not self._list.count())
        self._list.setCurrentRow(0)

    def changeEvent(self, event: QEvent) -> None:
        """Go away when the user turns to something else."""
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.reject()
        super().changeEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrows move in the list while one types."""
        if isinstance(event, QKeyEvent) and event.type() == _OVERRIDE:
            event.accept()  # while one types, no key is a shortcut of the window
            return True
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            row, count = self._list.currentRow(), max(self._list.count(), 1)
            moves = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
            if event.key() in moves:
                self._list.setCurrentRow((row + moves[Qt.Key(event.key())]) % count)
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.reject()
                return True
            if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
                self._run(self._list.currentItem())
                return True
        return super().eventFilter(watched, event)

    def _run(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        action = self._actions[item.data(Qt.ItemDataRole.UserRole)]
        self.accept()  # first: an action may open a dialog of its own
        action.trigger()


class _Rows(QStyledItemDelegate):
    """Draws a caption, and its keys at the right."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        super().paint(painter, option, index)
        seen: Any = option  # Qt's own fields, which its type hints leave out
        chosen = bool(seen.state & QStyle.StateFlag.State_Selected)
        roles = QPalette.ColorRole
        role = roles.HighlightedText if chosen else roles.PlaceholderText
        painter.save()
        painter.setPen(seen.palette.color(role))
        where = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(seen.rect.adjusted(8, 0, -10, 0), where, index.data(_KEYS))
        painter.restore()
