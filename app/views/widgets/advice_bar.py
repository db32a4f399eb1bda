"""What could be done about a result, as buttons below it."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

_MOST = 2


class AdviceBar(QWidget):
    """A button for each piece of advice; each does what it says."""

    taken = Signal(object)  # event

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._advice: tuple[tuple[str, object], ...] = ()
        self._buttons: list[QPushButton] = []
        for place in range(_MOST):
            button = QPushButton()
            button.clicked.connect(partial(self._on_clicked, place))
            keep = button.sizePolicy()
            # Room for one is kept: advice comes when a measurement ends.
            keep.setRetainSizeWhenHidden(place == 0)
            button.setSizePolicy(keep)
            button.hide()
            self._column.addWidget(button)
            self._buttons.append(button)

    def set_advice(self, advice: Sequence[tuple[str, object]]) -> None:
        """Offer these, the first ones when there are many; silent."""
        if tuple(advice) == self._advice:
            return
        self._advice = tuple(advice)
        for place, button in enumerate(self._buttons):
            there = place < len(self._advice)
            if there:
                caption = self._advice[place][0]
                button.setText(caption)
                button.setToolTip(f"{caption}, as the sentence above advises.")
            button.setVisible(there)

    def _on_clicked(self, place: int, _: bool = False) -> None:
        if place < len(self._advice):
            self.taken.emit(self._advice[place][1])
