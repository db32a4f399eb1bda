"""Numbers of the panes to edit, and a button for one more."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QToolButton, QWidget


class PaneTabs(QWidget):
    """A row: which pane the controls edit."""

    chosen = Signal(int)
    added = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Pane that is edited")
        self._group = QButtonGroup(self)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)
        caption = QLabel("PANE")
        caption.setProperty("role", "section")
        self._row.addWidget(caption)
        self._row.addStretch(1)
        self._add = QToolButton()
        self._add.setText("+ Add pane")
        self._add.setProperty("chip", "true")
        self._add.setToolTip(
            "Compare side by side: opens a pane with the next heuristic (Ctrl+T)."
        )
        self._add.clicked.connect(self.added)
        self._row.addWidget(self._add)
        self._group.idClicked.connect(self.chosen)
        self.set_panes(("",), 0, full=False)

    def set_panes(self, names: Sequence[str], active: int, *, full: bool) -> None:
        """Show a number per pane; silent.

        Parameters
        ----------
        names
            What each pane shows, in words.
        active
            The pressed one.
        full
            Whether no more panes can be added.
        """
        for index in range(len(self._group.buttons()), len(names)):
            button = QToolButton()
            button.setText(str(index + 1))
            button.setCheckable(True)
            button.setProperty("segment", "only")
            button.setFixedWidth(34)
            self._group.addButton(button, index)
            self._row.insertWidget(index + 1, button)
        for index, known in enumerate(self._group.buttons()):
            known.setVisible(index < len(names))
            if index < len(names):
                known.setToolTip(f"Edit pane {index + 1}: {names[index]}.")
                known.setAccessibleName(f"Pane {index + 1}: {names[index]}")
        self._group.button(active).setChecked(True)
        self._add.setEnabled(not full)
