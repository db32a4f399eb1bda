"""Opened stores by name, each with the line that its curves are drawn with."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.plots.marks import Dash
from app.plots.painting import line_pen


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One store.

    Parameters
    ----------
    name, about
        File name; machine and number of trials.
    path
        Shown as a tooltip.
    dash
        Of its curves.
    """

    name: str
    about: str
    path: str
    dash: Dash


class StoreList(QWidget):
    """A line for each store, and a button that closes it."""

    closeAsked = Signal(int)  # its place

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Opened results")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(2)
        self._rows: tuple[StoreRow, ...] = ()

    @property
    def rows(self) -> tuple[StoreRow, ...]:
        """The stores on show."""
        return self._rows

    def set_rows(self, rows: Sequence[StoreRow]) -> None:
        """Show these stores; silent."""
        if tuple(rows) == self._rows:
            return
        self._rows = tuple(rows)
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for number, row in enumerate(rows):
            self._column.addWidget(self._line(number, row))

    def _line(self, number: int, row: StoreRow) -> QWidget:
        line = QWidget()
        box = QHBoxLayout(line)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(_Sample(row.dash))
        name = QLabel(row.name)
        name.setToolTip(row.path)
        box.addWidget(name)
        about = QLabel(row.about)
        about.setProperty("role", "faint")
        about.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        about.setToolTip(row.about)
        box.addWidget(about, 1)
        close = QToolButton()
        close.setText("\u00d7")
        close.setAutoRaise(True)
        close.setToolTip(f"Take {row.name} off the plots; the file stays.")
        close.setAccessibleName(f"Close {row.name}")
        close.clicked.connect(partial(self.closeAsked.emit, number))
        box.addWidget(close)
        return line


class _Sample(QWidget):
    """A short piece of a line."""

    def __init__(self, dash: Dash) -> None:
        super().__init__()
        self._dash = dash
        self.setFixedSize(QSize(34, 14))

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        colour = self.palette().text().color()
        rgb = colour.red(), colour.green(), colour.blue()
        painter.setPen(line_pen(rgb, 2.0, self._dash))
        middle = QRectF(self.rect()).center().y()
        painter.drawLine(1, round(middle), self.width() - 2, round(middle))
