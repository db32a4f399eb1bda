"""The network itself: how wide each layer is, how much of it is kept, what is locked.

To read this file, start from `Network.paintEvent`.
"""

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolButton, QToolTip, QWidget

from app.rendering.palette import ORANGE
from app.text.format import counted
from app.views.widgets.network_costs import (
    COST_HEIGHT,
    bar_words,
    cost_words,
    paint_costs,
)
from app.views.widgets.network_layout import Drawing, arrange
from app.views.widgets.network_wires import Wires
from core.results import Layer, LayerStep

_HINT = "Click a layer to keep it whole."
_NAMED_LANE = 34.0  # pixels at the right for the names of branches
_REACH = 3.0  # pixels around a block in which it is hit


class Network(QWidget):
    """A drawing of the open model that one can lock layers in.

    Blocks are as high as the square root of a layer's width (deep layers are many
    times wider than the first ones, which would otherwise not be seen) and filled
    as far as it is kept.
    """

    lockToggled = Signal(str)  # name of a layer
    unlockAsked = Signal()  # all of them

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Kept width of each layer")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # As high as it needs, and lower where the pictures would become too small.
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumSize(200, 110)
        self._layers: tuple[Layer, ...] = ()
        self._kept: Mapping[str, int] = {}
        self._locked: frozenset[str] = frozenset()
        self._costs: dict[str, LayerStep] = {}
        self._drawing: Drawing | None = None
        self._wires = Wires()
        self._current = -1
        self._unlock = QToolButton(self)
        self._unlock.setText("Unlock all")
        self._unlock.setProperty("chip", "true")
        self._unlock.setToolTip("Let every layer be pruned again.")
        self._unlock.clicked.connect(self.unlockAsked)
        self._unlock.hide()

    def sizeHint(self) -> QSize:
        return QSize(300, 9 * self.fontMetrics().height())

    # Setters: silent

    def set_layers(self, layers: tuple[Layer, ...]) -> None:
        """Draw the dense model."""
        self._layers = layers
        self._drawing = None
        self._current = -1
        self.update()

    def set_kept(self, kept: Mapping[str, int]) -> None:
        """Fill the blocks: channels left by layer name."""
        if kept != self._kept:
            self._kept = kept
            self._describe()
            self.update()

    def set_costs(self, costs: tuple[LayerStep, ...]) -> None:
        """Draw what each layer costs under its block; nothing where it is unknown."""
        self._costs = {each.name: each for each in costs}
        self._drawing = None
        self._describe()
        self.update()

    def set_locked(self, locked: tuple[str, ...]) -> None:
        """Mark the layers that keep all channels."""
        if self._locked == frozenset(locked):
            return
        self._locked = frozenset(locked)
        self._unlock.setVisible(bool(locked))
        self._place_button()
        self._describe()
        self.update()

    @property
    def blocks(self) -> tuple[QRectF, ...]:
        """Where each layer is drawn, in pixels."""
        return self._arranged().blocks

    @property
    def current(self) -> Layer | None:
        """The layer under the pointer, or the one that the keys are at."""
        found = 0 <= self._current < len(self._layers)
        return self._layers[self._current] if found else None

    # Painting

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_title(painter)
        drawing = self._arranged()
        if not self._layers:
            return
        wires = self._wires.draw(self, drawing, self._current)
        painter.drawPixmap(0, 0, wires)
        together = self._together()
        for index, layer in enumerate(self._layers):
            self._paint_block(painter, layer, drawing.blocks[index])
            if index in together:
                self._ring(painter, drawing.blocks[index], QColor(*ORANGE), dashed=True)
        for index, layer in enumerate(self._layers):
            if layer.name in self._locked:
                self._paint_lock(painter, drawing.blocks[index])
        if 0 <= self._current < len(drawing.blocks):
            text = self.palette().text().color()
            self._ring(painter, drawing.blocks[self._current], text, dashed=False)
        self._paint_names(painter, drawing)
        costs = [self._costs.get(layer.name) for layer in self._layers]
        paint_costs(painter, self.palette(), drawing.blocks, costs)

    def _paint_title(self, painter: QPainter) -> None:
        metrics = QFontMetricsF(self.font())
        line = QRectF(2, 1, self.width() - 4, metrics.height() + 2)
        bold = QFont(self.font())
        bold.setWeight(QFont.Weight.DemiBold)
        painter.setFont(bold)
        painter.setPen(self.palette().text().color())
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, self.accessibleName())
        painter.setFont(self.font())
        taken = QFontMetricsF(bold).horizontalAdvance(self.accessibleName()) + 14
        spare = self._unlock.width() + 8 if self._unlock.isVisible() else 0
        rest = line.adjusted(taken, 0, -spare, 0)
        painter.setPen(self.palette().placeholderText().color())
        words = metrics.elidedText(
            self._sentence(), Qt.TextElideMode.ElideRight, rest.width()
        )
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, words)

    def _paint_block(self, painter: QPainter, layer: Layer, block: QRectF) -> None:
        colours = self.palette()
        kept = self._kept.get(layer.name, layer.width) / max(layer.width, 1)
        role = QPalette.ColorRole.Highlight
        if not layer.free:
            role = QPalette.ColorRole.PlaceholderText
        # Opaque first: wires pass behind.
        painter.fillRect(block, colours.window())
        painter.fillRect(block, colours.mid())
        gone = block.height() * (1 - kept)
        painter.fillRect(block.adjusted(0, gone, 0, 0), colours.brush(role))

    def _ring(
        self, painter: QPainter, block: QRectF, colour: QColor, *, dashed: bool
    ) -> None:
        style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(colour, 2.0, style))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(block.adjusted(-1.5, -1.5, 1.5, 1.5))

    def _paint_lock(self, painter: QPainter, block: QRectF) -> None:
        """Draw a padlock on the top of a block."""
        middle, top = block.center().x(), block.top()
        text, window = self.palette().text().color(), self.palette().window().color()
        body = QRectF(middle - 4.5, top - 2, 9, 7)
        painter.setPen(QPen(window, 4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(body)
        for pen in (QPen(window, 4), QPen(text, 1.8)):
            painter.setPen(pen)
            shackle = QRectF(middle - 3, top - 7, 6, 9)
            painter.drawArc(shackle, 0, 180 * 16)
        painter.fillRect(body, text)

    def _paint_names(self, painter: QPainter, drawing: Drawing) -> None:
        """Write which part of the network is where."""
        painter.setPen(self.palette().placeholderText().color())
        metrics = QFontMetricsF(self.font())
        spans: dict[str, QRectF] = {}
        for layer, block in zip(self._layers, drawing.blocks, strict=True):
            if layer.part:
                spans[layer.part] = spans.get(layer.part, block).united(block)
        taken = -1.0
        for part, span in spans.items():
            if part == "head" and drawing.lanes:
                continue  # branches have names of their own
            width = metrics.horizontalAdvance(part)
            left = min(span.center().x() - width / 2, self.width() - width - 2)
            left = max(left, 2.0)
            if left > taken:
                painter.drawText(QPointF(left, self.height() - 4.0), part)
                taken = left + width + 8
        for name, band in drawing.lanes:
            words = metrics.elidedText(
                name, Qt.TextElideMode.ElideRight, _NAMED_LANE - 2
            )
            area = QRectF(band.right() + 4, band.top(), _NAMED_LANE, band.height())
            painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, words)

    def _arranged(self) -> Drawing:
        if self._drawing is None:
            line = QFontMetricsF(self.font()).height()
            box = QRectF(self.rect()).adjusted(6, line + 14, -6, -(line + 4))
            if self._costs:
                box.adjust(0, 0, 0, -COST_HEIGHT)
            if any(layer.lane for layer in self._layers):
                box.adjust(0, 0, -_NAMED_LANE, 0)
            self._drawing = arrange(self._layers, box)
        return self._drawing

    # Words

    def _together(self) -> frozenset[int]:
        """Return places of the layers that go together with the current one."""
        names = set(self.current.coupled) if self.current else set()
        return frozenset(
            i for i, layer in enumerate(self._layers) if layer.name in names
        )

    def _sentence(self) -> str:
        layer = self.current
        if layer is None:
            if self._locked:
                return f"{counted(len(self._locked), 'layer')} locked at full width"
            if self._costs:
                return bar_words(self._costs)
            return _HINT if self._layers else ""
        kept = self._kept.get(layer.name, layer.width)
        words = [f"{layer.name}: {kept} of {layer.width}"]
        if layer.name in self._locked:
            words.append("locked")
        elif not layer.free:
            words.append(f"protected ({layer.protected})")
        elif not self._locked.isdisjoint(layer.coupled):
            words.append("held by a locked layer")
        if layer.coupled:
            words.append(f"coupled with {len(layer.coupled)}")
        return " · ".join([*words, *cost_words(self._costs, layer.name)])

    def _tip(self, layer: Layer) -> str:
        kept = self._kept.get(layer.name, layer.width)
        words = [f"{layer.name}: {kept} of {layer.width} channels kept"]
        if layer.coupled:
            shown = ", ".join(layer.coupled[:4])
            more = len(layer.coupled) - 4
            words.append(
                "Loses the same channels as "
                + shown
                + (f" and {more} more" * (more > 0))
            )
        if layer.protected:
            part = "" if not layer.free else f"{layer.width - layer.free} channels "
            words.append(f"Protected: {part}{layer.protected}")
        if layer.name in self._locked:
            words.append("Locked at full width: click to unlock")
        elif layer.free:
            words.append("Click to lock it at full width")
        words[1:1] = cost_words(self._costs, layer.name)
        return "\n".join(words)

    def _describe(self) -> None:
        """Tell screen readers what is at the keys."""
        words = self._sentence()
        if words != self.accessibleDescription():
            self.setAccessibleDescription(words)
            event = QAccessibleEvent(self, QAccessible.Event.DescriptionChanged)
            QAccessible.updateAccessibility(event)

    # What the user does

    def _at(self, place: QPointF) -> int:
        """Return the layer under a point, the nearest one where they are thin."""
        best, found = _REACH + 1e-6, -1
        for index, block in enumerate(self._arranged().blocks):
            dx = max(block.left() - place.x(), place.x() - block.right(), 0.0)
            dy = max(block.top() - place.y(), place.y() - block.bottom(), 0.0)
            if max(dx, dy) < best:
                best, found = max(dx, dy), index
        return found

    def _point(self, index: int) -> None:
        if index != self._current:
            self._current = index
            self._describe()
            self.update()

    def _toggle(self) -> None:
        layer = self.current
        if layer is not None and layer.free:
            self.lockToggled.emit(layer.name)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        before = self._current
        self._point(self._at(event.position()))
        layer = self.current
        free = layer is not None and layer.free
        shape = Qt.CursorShape.PointingHandCursor
        self.setCursor(shape if free else Qt.CursorShape.ArrowCursor)
        if self._current != before:
            tip = self._tip(layer) if layer else ""
            QToolTip.showText(event.globalPosition().toPoint(), tip, self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._point(self._at(event.position()))
            self._toggle()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._layers) - 1
        steps = {
            Qt.Key.Key_Left: max(self._current - 1, 0),
            Qt.Key.Key_Right: min(self._current + 1, last),
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }
        if event.key() in steps and self._layers:
            self._point(steps[Qt.Key(event.key())])
        elif event.key() in {Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._toggle()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        keys = {Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason}
        if self._current < 0 and self._layers and event.reason() in keys:
            self._point(0)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._point(-1)
        super().focusOutEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._point(-1)
        super().leaveEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._drawing = None
        self._place_button()
        super().resizeEvent(event)

    def _place_button(self) -> None:
        self._unlock.adjustSize()
        self._unlock.move(self.width() - self._unlock.width() - 2, 0)
