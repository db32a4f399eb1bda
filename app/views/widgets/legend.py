"""The curves of the plots by name; a click hides one, another shows it again."""

import re
from collections.abc import Hashable, Sequence
from functools import partial

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from app.plots.data import Curve
from app.plots.painting import draw_mark, line_pen
from app.views.widgets.flow import FlowLayout, rows_of

_MOST = 6  # curves that are named at first
_ROWS = 3  # that are kept free, so that a curve that is added moves no chart
_SWATCH = QSize(24, 14)
_SHARP = 2  # pixels of a swatch for one on the screen
TIP = (
    "Click to hide this curve, or to show it again. Colour and mark tell the "
    "heuristic; bands hold 95 % of the scores when nuclei are resampled."
)


class Legend(QWidget):
    """Names of curves in a few rows; the first ones, where all have no room.

    Its height stays the same until the user asks for every name, so that a curve that
    is added moves no chart below it.

    Parameters
    ----------
    rows
        That are kept free.
    parent
        Qt owner.
    """

    toggled = Signal(object)  # key of a curve that is to be hidden or shown

    def __init__(self, rows: int = _ROWS, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Curves")
        self._flow = FlowLayout(self)
        self._curves: tuple[Curve, ...] = ()
        self._hidden: frozenset[Hashable] = frozenset()
        self._drawn: object = None
        self._open = False
        self._rows = rows
        self.setMinimumHeight(rows * _button("and").sizeHint().height())
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    @property
    def names(self) -> tuple[str, ...]:
        """What is written, in order."""
        return tuple(button.text() for button in self.buttons)

    @property
    def buttons(self) -> tuple[QToolButton, ...]:
        """The entries, in order; those of curves on show are pushed down."""
        items = (self._flow.itemAt(index) for index in range(self._flow.count()))
        widgets = (item.widget() for item in items if item is not None)
        return tuple(each for each in widgets if isinstance(each, QToolButton))

    def set_curves(
        self, curves: Sequence[Curve], hidden: frozenset[Hashable] = frozenset()
    ) -> None:
        """Name these curves; silent.

        Parameters
        ----------
        curves
            From the first to the last.
        hidden
            Keys of those that are not drawn.
        """
        drawn = [(c.key, c.name, c.colour, c.mark, c.dash, c.width) for c in curves]
        if (drawn, hidden) == self._drawn:
            return
        self._drawn = drawn, hidden
        self._curves, self._hidden = tuple(curves), hidden
        self._fill()

    def _fill(self) -> None:
        focused = self.focusWidget()
        name = focused.text() if isinstance(focused, QToolButton) else ""
        for button in self.buttons:
            self._flow.removeWidget(button)
            button.hide()
            button.deleteLater()
        names = short_names([curve.name for curve in self._curves])
        entries = [
            self._entry(curve, name)
            for curve, name in zip(self._curves, names, strict=True)
        ]
        few = len(entries) if self._open else self._room(entries)
        for entry in entries[few:]:
            entry.deleteLater()
        for entry in entries[:few]:
            self._flow.addWidget(entry)
        rest = len(entries) - few
        if rest:
            self._flow.addWidget(self._more(rest))
        for button in self.buttons:
            button.show()
            if name and button.text() == name:
                button.setFocus()
        self.updateGeometry()

    def _room(self, entries: Sequence[QToolButton]) -> int:
        """Return how many entries have room, with what says that there are more."""
        widths = [entry.sizeHint().width() for entry in entries]
        more = _button(f"and {len(entries)} more").sizeHint().width()
        for few in range(min(len(entries), _MOST), 1, -1):
            tail = [more] if few < len(entries) else []
            if rows_of([*widths[:few], *tail], self.width()) <= self._rows:
                return few
        return min(len(entries), 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Name as many curves as the new width has room for."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._fill()

    def _entry(self, curve: Curve, name: str) -> QToolButton:
        button = _button(name)
        button.setIcon(_swatch(curve))
        button.setIconSize(_SWATCH)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setCheckable(True)
        button.setChecked(curve.key not in self._hidden)
        button.setToolTip(f"{curve.name}\n{TIP}")
        button.clicked.connect(partial(self._on_clicked, curve.key))
        return button

    def _more(self, rest: int) -> QToolButton:
        button = _button(f"and {rest} more")
        button.setToolTip("Name all curves.")
        button.clicked.connect(self._on_more)
        return button

    def _on_clicked(self, key: Hashable, _: bool = False) -> None:
        self.toggled.emit(key)

    def _on_more(self) -> None:
        self._open = True
        self._fill()


def short_names(names: Sequence[str]) -> list[str]:
    """Return names without what all of them say after a comma.

    Parameters
    ----------
    names
        Of curves, such as ``L2 norm, refit``; a name alone stays whole.
    """
    found = list(names)
    for phrase in names[0].split(", ")[1:] if len(names) > 1 else ():
        pattern = re.compile(rf", {re.escape(phrase)}(?=,| \(|$)")
        if all(pattern.search(name) for name in found):
            found = [pattern.sub("", name, count=1) for name in found]
    return found if len(set(found)) == len(set(names)) else list(names)


def _button(words: str) -> QToolButton:
    button = QToolButton()
    button.setText(words)
    button.setAutoRaise(True)
    button.setProperty("role", "legend")
    return button


def _swatch(curve: Curve) -> QIcon:
    """Return the line and the mark of a curve."""
    pixmap = QPixmap(_SWATCH * _SHARP)
    pixmap.setDevicePixelRatio(_SHARP)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    middle = _SWATCH.height() / 2
    painter.setPen(line_pen(curve.colour, curve.width, curve.dash))
    painter.drawLine(QPointF(0, middle), QPointF(_SWATCH.width(), middle))
    colour = QColor(*curve.colour)
    painter.setPen(QPen(colour, 1))
    painter.setBrush(colour)
    draw_mark(painter, QPointF(_SWATCH.width() / 2, middle), 3.6, curve.mark)
    painter.end()
    return QIcon(pixmap)
