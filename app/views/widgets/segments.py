"""A row of buttons of which exactly one is down."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QSizePolicy,
    QToolButton,
    QWidget,
)


class Segments(QWidget):
    """A choice among a few words.

    Parameters
    ----------
    name
        Accessible name.
    choices
        Key, caption and tooltip of each.
    parent
        Qt owner.
    """

    chosen = Signal(str)  # by the user

    def __init__(
        self,
        name: str,
        choices: Sequence[tuple[str, str, str]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._keys = [key for key, _, _ in choices]
        self._tips = [tip for _, _, tip in choices]
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for index, (_, caption, tip) in enumerate(choices):
            button = QToolButton(self)
            button.setText(caption)
            button.setToolTip(tip)
            button.setCheckable(True)
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            edge = "first" if index == 0 else "middle"
            edge = "last" if index == len(choices) - 1 else edge
            button.setProperty("segment", edge)
            self._group.addButton(button, index)
            row.addWidget(button)
        self._group.idClicked.connect(self._on_clicked)
        self.set_choice(self._keys[0])

    @property
    def choice(self) -> str:
        """Key of the button that is down."""
        return self._keys[self._group.checkedId()]

    def set_choice(self, key: str) -> None:
        """Push one button down; silent."""
        if key in self._keys:
            self._group.button(self._keys.index(key)).setChecked(True)

    def set_reasons(self, reasons: Mapping[str, str]) -> None:
        """Grey out what cannot be chosen; silent.

        Parameters
        ----------
        reasons
            Why not, by key; every other button is allowed (again).
        """
        for index, key in enumerate(self._keys):
            button, reason = self._group.button(index), reasons.get(key, "")
            button.setEnabled(not reason)
            button.setToolTip(reason or self._tips[index])

    def _on_clicked(self, index: int) -> None:
        self.chosen.emit(self._keys[index])
