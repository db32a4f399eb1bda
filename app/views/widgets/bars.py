"""How much of the dense model is left, as three labelled bars."""

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Parameters
    ----------
    caption
        On the left.
    left
        Share that is left, 0 to 1.
    value
        On the right, such as ``1.2 M of 7.8 M``.
    """

    caption: str
    left: float
    value: str


class Bars(QWidget):
    """Labelled bars, one below the other."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._bars: tuple[Bar, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)

    def set_bars(self, bars: tuple[Bar, ...]) -> None:
        """Show these bars; silent."""
        if bars != self._bars:
            taller = len(bars) != len(self._bars)
            self._bars = bars
            said = "; ".join(f"{bar.caption}: {bar.value}" for bar in bars)
            self.setAccessibleDescription(said)
            if taller:
                self.updateGeometry()
            self.update()

    def _row(self) -> float:
        return QFontMetricsF(self.font()).height() + 13

    def sizeHint(self) -> QSize:
        return QSize(220, int(self._row() * max(len(self._bars), 3)))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours = self.palette()
        height = QFontMetricsF(self.font()).height()
        for index, bar in enumerate(self._bars):
            top = index * self._row()
            line = QRectF(0, top, self.width(), height)
            painter.setPen(colours.placeholderText().color())
            painter.drawText(line, Qt.AlignmentFlag.AlignLeft, bar.caption)
            painter.setPen(colours.text().color())
            painter.drawText(line, Qt.AlignmentFlag.AlignRight, bar.value)
            painter.setPen(Qt.PenStyle.NoPen)
            whole = QRectF(0, top + height + 1, self.width(), 5)
            painter.setBrush(colours.mid())
            painter.drawRoundedRect(whole, 2.5, 2.5)
            share = min(max(bar.left, 0.0), 1.0)
            painter.setBrush(colours.highlight())
            whole.setWidth(max(self.width() * share, 5.0))
            if share:
                painter.drawRoundedRect(whole, 2.5, 2.5)
