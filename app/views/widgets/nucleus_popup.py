"""A card beside the pointer: one nucleus, as both models see it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QWidget

_DENSE, _PRUNED = "Dense (blue)", "Pruned (orange)"


class NucleusPopup(QFrame):
    """Goes away with the next click or key.

    Parameters
    ----------
    parent
        Qt owner.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setAccessibleName("Nucleus")
        self.setProperty("role", "message")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(10, 10, 12, 10)
        self._grid.setHorizontalSpacing(14)
        self._made: list[QLabel] = []

    def show_nucleus(
        self,
        picture: NDArray[np.uint8],
        rows: Sequence[tuple[str, str, str]],
        overlap: str,
        place: QPoint,
    ) -> None:
        """Show a nucleus beside a place of the screen.

        Parameters
        ----------
        picture
            uint8 (h, w, 3).
        rows
            Captions with the words of the dense and of the pruned model.
        overlap
            In words.
        place
            Global position.
        """
        for label in self._made:
            self._grid.removeWidget(label)
            label.deleteLater()
        self._made = []
        height, width, _ = picture.shape
        pixels = np.ascontiguousarray(picture)
        image = QImage(
            pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888
        )
        shown = self._add("", 0, 0, 1, 3)
        shown.setPixmap(QPixmap.fromImage(image))
        shown.setAccessibleName("Outlines of both models")
        for row, words in enumerate((("", _DENSE, _PRUNED), *rows), 1):
            for column, word in enumerate(words):
                self._add(word, row, column)
        self._add(overlap, len(rows) + 2, 0, 1, 3)
        self.adjustSize()
        screen = self.screen().availableGeometry()
        corner = place + QPoint(14, 14)
        x = min(corner.x(), screen.right() - self.width())
        y = min(corner.y(), screen.bottom() - self.height())
        self.move(max(x, screen.left()), max(y, screen.top()))
        self.show()

    def _add(self, words: str, *place: int) -> QLabel:
        label = QLabel(words)
        if len(place) == 2 and (place[0] == 1 or place[1] == 0):
            label.setProperty("role", "faint")
        self._grid.addWidget(label, *place)
        self._made.append(label)
        return label
