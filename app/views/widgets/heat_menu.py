"""The choice of a heat map."""

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

HEATS = (
    ("", "No heat map"),
    ("foreground", "Change of foreground probability"),
    ("shape", "Change of the map that separates nuclei"),
)


class HeatMenu(QToolButton):
    """A button with a menu; pressed while a heat map is on."""

    chosen = Signal(str)  # foreground, shape or nothing

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setText("Heat")
        self.setAccessibleName("Heat map")
        self.setToolTip("Draw how far the raw outputs of the network moved.")
        self.setCheckable(True)
        self.setProperty("segment", "only")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        group = QActionGroup(menu)
        self._actions: dict[str, QAction] = {}
        for key, caption in HEATS:
            action = menu.addAction(caption)
            action.setCheckable(True)
            action.triggered.connect(partial(self._on_triggered, key))
            group.addAction(action)
            self._actions[key] = action
        self.setMenu(menu)
        self.set_choice("")

    def set_choice(self, key: str) -> None:
        """Mark what is drawn; silent."""
        key = key if key in self._actions else ""
        self._actions[key].setChecked(True)
        self.setChecked(bool(key))

    def _on_triggered(self, key: str, _: bool = False) -> None:
        self.chosen.emit(key)
