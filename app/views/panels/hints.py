"""What a newcomer wants to know, one sentence at a time."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

HINTS = (
    "Drag Sparsity: the right picture shows what a smaller model still finds.",
    "Press D to colour each nucleus by what became of it: kept, lost, new, merged.",
    "Click a point in the plots to go back to that model.",
    "Drop a tile or a model on the window to open your own.",
    "Ctrl+K finds every command, F1 lists the keys, F5 is the view for an audience.",
)


class HintBar(QFrame):
    """One hint, the next one, and a way to be left alone."""

    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "message")
        self.setProperty("kind", "info")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setAccessibleName("Hint")
        row.addWidget(self._text, 1)
        self._next = QPushButton("Next hint")
        self._next.setToolTip("Show another hint.")
        self._next.clicked.connect(self._on_next)
        row.addWidget(self._next)
        close = QPushButton("Got it")
        close.setToolTip("Hide the hints; the Help menu brings them back.")
        close.clicked.connect(self.dismissed)
        row.addWidget(close)
        self._place = 0
        self._covered: bool | None = None  # whether it was on show before
        self.hide()

    def set_shown(self, on: bool) -> None:
        """Show the first hint, or none; silent."""
        self._place = 0
        self._show()
        self.setVisible(on)

    def set_covered(self, on: bool) -> None:
        """Make room for something else for a while; silent."""
        if on and self._covered is None:
            self._covered = not self.isHidden()
            self.hide()
        elif not on and self._covered is not None:
            self.setVisible(self._covered)
            self._covered = None

    def _on_next(self) -> None:
        self._place += 1
        self._show()

    def _show(self) -> None:
        place = self._place % len(HINTS)
        self._text.setText(HINTS[place])
        self._next.setText(f"Next hint ({place + 1} of {len(HINTS)})")
