"""All keys on one sheet, read from the actions themselves."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

_COLUMNS = 2
MOUSE = (
    ("Wheel", "Zoom at the cursor"),
    ("Drag, or Space and drag", "Move the tile"),
    ("Click a plotted point", "Go back to that model"),
    ("Drop files", "Open a tile or a model"),
)


class ShortcutSheet(QDialog):
    """Keys by subject.

    Parameters
    ----------
    parent
        The window it lies over.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        self.setAccessibleName("Keys")
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(40)
        self._grid.setVerticalSpacing(18)
        column = QVBoxLayout(self)
        column.setContentsMargins(28, 22, 28, 20)
        column.setSpacing(18)
        column.addLayout(self._grid)
        close = QPushButton("Close")
        close.setToolTip("Close this sheet (Esc).")
        close.clicked.connect(self.accept)
        column.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)

    def set_keys(self, groups: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """Write the sheet.

        Parameters
        ----------
        groups
            Title to keys and what they do.
        """
        while self._grid.count():
            item = self._grid.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.deleteLater()
        shown = [(title, keys) for title, keys in groups.items() if keys]
        for place, (title, keys) in enumerate(shown):
            self._grid.addWidget(
                _group(title, keys),
                place // _COLUMNS,
                place % _COLUMNS,
                Qt.AlignmentFlag.AlignTop,
            )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in {Qt.Key.Key_F1, Qt.Key.Key_Question}:
            self.accept()
        else:
            super().keyPressEvent(event)


def _group(title: str, keys: Sequence[tuple[str, str]]) -> QWidget:
    box = QWidget()
    grid = QGridLayout(box)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(18)
    grid.setVerticalSpacing(5)
    grid.setColumnStretch(1, 1)
    head = QLabel(title)
    head.setProperty("role", "title")
    grid.addWidget(head, 0, 0, 1, 2)
    for row, (key, meaning) in enumerate(keys, start=1):
        name = QLabel(key)
        name.setProperty("role", "key")
        grid.addWidget(name, row, 0)
        grid.addWidget(QLabel(meaning), row, 1)
    return box
