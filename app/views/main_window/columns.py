"""The three columns of the window; where they do not all fit, one takes turns.

To read this file, start from `Columns`.
"""

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

Side = Literal["controls", "plots"]
SIDES: tuple[Side, ...] = ("controls", "plots")


class Columns(QSplitter):
    """Controls, pictures and plots beside each other.

    Both sides are shown where there is room for them. In a narrow window only the one
    that was asked for last is, so that the pictures never become too small to read.

    Parameters
    ----------
    controls, middle, plots
        From left to right.
    parent
        Qt owner.
    """

    changed = Signal()  # another side is on show

    def __init__(
        self,
        controls: QWidget,
        middle: QWidget,
        plots: QWidget,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._sides: dict[Side, QWidget] = {"controls": controls, "plots": plots}
        self._middle = middle
        self._wanted: set[Side] = set(SIDES)
        self._last: Side = "controls"
        self._bench = True
        self.setChildrenCollapsible(False)
        for widget in (controls, middle, plots):
            self.addWidget(widget)
        self.setStretchFactor(1, 1)

    @property
    def shown(self) -> frozenset[Side]:
        """The sides on show."""
        return frozenset(
            side for side, widget in self._sides.items() if not widget.isHidden()
        )

    # Setters: silent

    def set_bench(self, on: bool) -> None:
        """Show the sides, or only the middle."""
        self._bench = on
        self.arrange()

    # What the user does

    def toggle(self, side: str) -> None:
        """Show a side, in the place of the other where both do not fit; or hide it."""
        asked: Side = "plots" if side == "plots" else "controls"
        if asked in self.shown:
            self._wanted.discard(asked)
        else:
            self._wanted.add(asked)
            self._last = asked
        self.arrange()

    def arrange(self) -> None:
        """Show what is wanted and fits."""
        shown = set(self._wanted) if self._bench else set()
        if len(shown) > 1 and self.width() < self._needed(*shown):
            shown = {self._last}
        before = self.shown
        for side, widget in self._sides.items():
            widget.setVisible(side in shown)
        # One side and the middle; a number rather than a hint, which Qt asks for often.
        sides = self._wanted if self._bench else set()
        self.setMinimumWidth(max([self._needed(), *map(self._needed, sides)]))
        if self.shown != before:
            self.changed.emit()

    def _needed(self, *sides: Side) -> int:
        """Return the width that the middle and some sides need."""
        widths = [self._middle.minimumSizeHint().width()]
        for side in sides:
            widget = self._sides[side]
            widths.append(max(widget.minimumSizeHint().width(), widget.minimumWidth()))
        return sum(widths) + self.handleWidth() * (len(widths) - 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.arrange()
        super().resizeEvent(event)
