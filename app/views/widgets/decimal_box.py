"""A number entry that reads a decimal point and a decimal comma alike."""

import re

from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QWidget

from core.errors import InputError
from core.numbers import read_decimal

_BEGUN = re.compile(r"[+-]?\d*[.,]?\d*([eE][+-]?\d*)?")


class DecimalBox(QDoubleSpinBox):
    """A spin box for which ``8.5`` and ``8,5`` are the same in every locale.

    Qt's own reads the point or the comma as a separator of thousands, whichever the
    locale does not use, and takes 85 for 8.5 without a word.

    Parameters
    ----------
    name
        Accessible name.
    low, high
        Ends of the range.
    decimals
        Digits that are shown after the point.
    parent
        Qt owner.
    """

    def __init__(
        self,
        name: str,
        low: float,
        high: float,
        *,
        decimals: int = 1,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setDecimals(decimals)
        self.setRange(low, high)

    def textFromValue(self, value: float) -> str:
        """Write a value with a point, whatever the locale."""
        return f"{value:.{self.decimals()}f}"

    def valueFromText(self, text: str) -> float:
        """Read a value; what is no number leaves the value as it was."""
        try:
            return read_decimal(self._plain(text))
        except InputError:
            return self.value()

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Accept numbers in range; what may become one can be typed on."""
        plain = self._plain(text)
        try:
            value = read_decimal(plain)
        except InputError:
            begun = _BEGUN.fullmatch(plain) is not None
            state = QValidator.State.Intermediate if begun else QValidator.State.Invalid
            return state, text, position
        inside = self.minimum() <= value <= self.maximum()
        accepted = QValidator.State.Acceptable
        return accepted if inside else QValidator.State.Intermediate, text, position

    def _plain(self, text: str) -> str:
        """Return what was typed, without the unit."""
        unit = self.suffix()
        typed = text.removeprefix(self.prefix()).removesuffix(unit)
        return typed.strip().removesuffix(unit.strip()).strip()
