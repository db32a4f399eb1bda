"""One pane: what it shows in words, a tile with masks, and whether it is active."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.plots.marks import Mark
from app.plots.painting import draw_mark
from app.rendering.palette import Rgb
from app.views.widgets.fitting import FittingLabel
from app.views.widgets.tile_view import TileView

_UNBOUND = 16777215  # Qt's QWIDGETSIZE_MAX
_WIDTH_STEP = 24  # pixels
_STRIPE = 3  # pixels, above the active pane


@dataclass(frozen=True, slots=True)
class Head:
    """What is written above a pane, in wordings from the longest to the shortest.

    Parameters
    ----------
    titles, notes
        First and second line, or both on one line where there is room.
    colour, mark
        Of its curve on the plots; None for the dense model, which has none.
    failure
        Why there is nothing to see, in a sentence; empty when there is.
    """

    titles: Sequence[str]
    notes: Sequence[str] = ("",)
    colour: Rgb | None = None
    mark: Mark = "circle"
    failure: str = ""


class _Swatch(QWidget):
    """The mark of the pane's curve."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFixedSize(12, 12)
        self.head: Head | None = None

    def paintEvent(self, _: QPaintEvent) -> None:
        if self.head is None or self.head.colour is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(*self.head.colour)
        painter.setPen(QPen(colour, 1.2))
        painter.setBrush(colour)
        draw_mark(painter, self.rect().toRectF().center(), 4.2, self.head.mark)


class PaneFrame(QWidget):
    """A tile view with a head, which can be active.

    Parameters
    ----------
    name
        Accessible name of the view.
    parent
        Qt owner.
    """

    pressed = Signal()  # a mouse button went down somewhere in it
    closeAsked = Signal()
    hovered = Signal(object)  # (x, y, zoom) of the tile under the pointer, or None

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = TileView(name)
        self._active = False
        self._swatch = _Swatch()
        self._title, self._note = FittingLabel(bold=True), FittingLabel()
        self._close = QToolButton()
        self._close.setText("\u00d7")
        self._close.setAutoRaise(True)
        self._close.setFixedSize(20, 20)
        self._close.setAccessibleName(f"Close {name.lower()}")
        self._close.setToolTip("Close this pane (Ctrl+W closes the active one).")
        self._close.clicked.connect(self.closeAsked)
        self._close.hide()
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addStrut(20)  # as high with a button as without
        head.addWidget(self._swatch)
        self._words = QHBoxLayout()
        self._words.setSpacing(8)
        self._words.addWidget(self._title, 2)
        self._words.addWidget(self._note, 5)
        head.addLayout(self._words, 1)
        head.addWidget(self._close)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, _STRIPE + 2, 0, 0)
        column.setSpacing(3)
        column.addLayout(head)
        self._second = QVBoxLayout()
        column.addLayout(self._second)
        self._failure = QLabel()
        self._failure.setWordWrap(True)
        self._failure.setProperty("role", "failure")
        self._failure.hide()
        column.addWidget(self._failure)
        column.addWidget(self.view, 1)
        self.view.installEventFilter(self)

    # Setters: silent

    def set_head(self, head: Head) -> None:
        """Write what the pane shows."""
        if self._swatch.head == head:
            return
        self._swatch.head = head
        self._swatch.setVisible(head.colour is not None)
        self._swatch.update()
        self._title.set_wordings(head.titles)
        self._note.set_wordings(head.notes)
        self._failure.setText(head.failure)
        self._failure.setVisible(bool(head.failure))
        self._stretch()

    def set_stacked(self, stacked: bool) -> None:
        """Write the note below the title rather than beside it."""
        wanted = self._second if stacked else self._words
        if wanted.indexOf(self._note) < 0:
            (self._words if stacked else self._second).removeWidget(self._note)
            wanted.addWidget(self._note)
            self._stretch()

    def set_active(self, active: bool) -> None:
        """Mark the pane as the one that the controls edit."""
        if self._active != active:
            self._active = active
            self.update()

    def set_closable(self, closable: bool) -> None:
        """Offer to close the pane."""
        self._close.setVisible(closable)

    def _stretch(self) -> None:
        """Give the title what it needs, the note the rest."""
        if self._words.indexOf(self._note) >= 0:
            title, note = self._title.sizeHint().width(), self._note.sizeHint().width()
            # Rounded up: a layout for each digit of a drag would cost a frame.
            shares = _rounded(title), 2 * _rounded(note)
            if shares != (self._words.stretch(0), self._words.stretch(1)):
                self._words.setStretch(0, shares[0])
                self._words.setStretch(1, shares[1])
            # the note begins where the title ends, however wide the pane
            self._title.setMaximumWidth(self._title.sizeHint().width() + 2)
        else:
            self._title.setMaximumWidth(_UNBOUND)

    # What the user does

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.MouseButtonPress:
            self.pressed.emit()
        elif event.type() == QEvent.Type.Leave:
            self.hovered.emit(None)
        elif isinstance(event, QMouseEvent):
            size = self.view.width(), self.view.height()
            spot = event.position().x(), event.position().y()
            place = self.view.camera.at(size, spot)
            self.hovered.emit((place.x, place.y, place.scale))
        return super().eventFilter(watched, event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.pressed.emit()
        event.accept()

    def paintEvent(self, _: QPaintEvent) -> None:
        if self._active:
            painter = QPainter(self)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.fillRect(
                0, 0, self.width(), _STRIPE, self.palette().highlight().color()
            )


def _rounded(width: int) -> int:
    """Return a width in pixels, rounded up to a whole number of steps."""
    return max(-(-width // _WIDTH_STEP), 1) * _WIDTH_STEP
