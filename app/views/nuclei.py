"""What became of the nuclei: a button per kind that leads from one to the next."""

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from app.format import DASH
from app.palette import KIND_COLOUR, KIND_SENTENCE
from app.values import KINDS, Kind

CAPTIONS: dict[Kind, str] = {
    "kept": "kept",
    "lost": "lost",
    "new": "new",
    "merged": "merged",
    "split": "split",
    "changed": "other type",
}


class NucleiBar(QWidget):
    """The row below the panes."""

    kindChosen = Signal(str)  # go to the next nucleus of this kind

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(4, 0, 4, 8)
        row.setSpacing(6)
        caption = QLabel("Nuclei")
        caption.setProperty("role", "title")
        row.addWidget(caption)
        self._buttons: dict[Kind, QToolButton] = {}
        for kind in KINDS:
            button = QToolButton()
            button.setProperty("chip", "true")
            button.setIcon(_swatch(kind))
            button.setIconSize(QSize(12, 12))
            button.setToolButtonStyle(button.toolButtonStyle().ToolButtonTextBesideIcon)
            button.setToolTip(f"{KIND_SENTENCE[kind]} Click to go to the next one.")
            button.clicked.connect(lambda _=False, k=kind: self.kindChosen.emit(k))
            self._buttons[kind] = button
            row.addWidget(button)
        row.addStretch(1)
        self.set_counts({})

    def set_counts(self, counts: dict[Kind, int], *, types: bool = False) -> None:
        """Show how many there are of each kind; silent."""
        for kind, button in self._buttons.items():
            number = counts.get(kind)
            shown = DASH if number is None else f"{number:,}"
            button.setText(f"{shown} {CAPTIONS[kind]}")
            button.setEnabled(bool(number))
        self._buttons["changed"].setVisible(types)


def _swatch(kind: Kind) -> QIcon:
    """Return the colour of a kind; lost ones are hatched, as on the tile."""
    pixmap = QPixmap(24, 24)
    pixmap.fill(QColor(*KIND_COLOUR[kind]))
    painter = QPainter(pixmap)
    painter.setPen(QColor(128, 128, 128))
    painter.drawRect(0, 0, 23, 23)
    if kind == "lost":
        pen = painter.pen()
        pen.setColor(QColor("white"))
        pen.setWidth(3)
        painter.setPen(pen)
        for start in range(-24, 25, 9):
            painter.drawLine(start, 24, start + 24, 0)
    painter.end()
    return QIcon(pixmap)
