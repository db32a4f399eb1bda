"""Kept width of every layer: a bar as high as the dense layer, filled as kept."""

import math
from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.values import Layer


class Widths(QWidget):
    """One bar per layer, in the order of the network.

    Heights follow the square root of the width: the deep layers of a U-Net are
    many times wider than the first ones, which would otherwise not be seen.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Kept width of each layer")
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumSize(200, 90)
        self._layers: tuple[Layer, ...] = ()
        self._kept: Mapping[str, int] = {}
        self._hovered = -1

    def sizeHint(self) -> QSize:
        return QSize(300, 126)

    def set_layers(self, layers: tuple[Layer, ...]) -> None:
        """Draw the dense model; silent."""
        self._layers = layers
        self.update()

    def set_kept(self, kept: Mapping[str, int]) -> None:
        """Fill the bars; silent."""
        self._kept = kept
        self.update()

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        colours = self.palette()
        metrics = QFontMetricsF(self.font())
        font = self.font()
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(colours.text().color())
        painter.drawText(QPointF(2, metrics.height() - 3), self.accessibleName())
        painter.setFont(self.font())
        box = self._box()
        if not self._layers:
            return
        highest = math.sqrt(max(layer.width for layer in self._layers))
        step = box.width() / len(self._layers)
        for index, layer in enumerate(self._layers):
            whole = box.height() * math.sqrt(layer.width) / highest
            kept = self._kept.get(layer.name, layer.width)
            part = box.height() * math.sqrt(kept) / highest
            left, width = box.left() + index * step, max(step - 2, 1.5)
            painter.fillRect(
                QRectF(left, box.bottom() - whole, width, whole), colours.mid()
            )
            role = QPalette.ColorRole.Highlight
            if layer.protected:
                role = QPalette.ColorRole.PlaceholderText
            painter.fillRect(
                QRectF(left, box.bottom() - part, width, part), colours.brush(role)
            )
            if index == self._hovered:
                painter.setPen(colours.text().color())
                painter.drawRect(QRectF(left, box.bottom() - whole, width, whole))
        self._paint_parts(painter, box, step)

    def _paint_parts(self, painter: QPainter, box: QRectF, step: float) -> None:
        """Write which part of the network a stretch of bars is."""
        painter.setPen(self.palette().placeholderText().color())
        start = 0
        for index in range(1, len(self._layers) + 1):
            part = self._layers[start].part
            if index < len(self._layers) and self._layers[index].part == part:
                continue
            area = QRectF(
                box.left() + start * step, box.bottom() + 2, (index - start) * step, 18
            )
            if painter.fontMetrics().horizontalAdvance(part) <= area.width() + 4:
                painter.drawText(area, Qt.AlignmentFlag.AlignHCenter, part)
            start = index

    def _box(self) -> QRectF:
        line = QFontMetricsF(self.font()).height()
        return QRectF(self.rect()).adjusted(4, line + 6, -6, -(line + 3))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        box = self._box()
        share = (event.position().x() - box.left()) / max(box.width(), 1.0)
        index = int(share * len(self._layers)) if 0 <= share < 1 else -1
        if index != self._hovered:
            self._hovered = index
            tip = self._tip(self._layers[index]) if index >= 0 else ""
            QToolTip.showText(event.globalPosition().toPoint(), tip, self)
            self.update()

    def _tip(self, layer: Layer) -> str:
        kept = self._kept.get(layer.name, layer.width)
        words = [f"{layer.name}: {kept} of {layer.width} channels"]
        if layer.coupled:
            words.append("moves together with " + ", ".join(layer.coupled[:4]))
        if layer.protected:
            words.append(f"protected: {layer.protected}")
        return "\n".join(words)

    def leaveEvent(self, event: QEvent) -> None:
        self._hovered = -1
        self.update()
        super().leaveEvent(event)
