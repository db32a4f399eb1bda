"""The status bar: what the program runs on, and what it is doing."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QLabel,
    QProgressBar,
    QPushButton,
    QStatusBar,
    QToolButton,
    QWidget,
)

from app.views.widgets.fitting import FittingLabel

_MOST_MEMORY = "88.88 GB in use"


class Status(QStatusBar):
    """Machine on the left, running work on the right."""

    cancelAsked = Signal()
    pixelSizeAsked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._machine = QLabel("Starting")
        self._memory = QLabel()
        self._size = QToolButton()
        self._size.setAutoRaise(True)
        self._size.setAccessibleName("Pixel size of the tile")
        self._size.clicked.connect(self.pixelSizeAsked)
        self._size.hide()
        self._place, self._work = FittingLabel(), FittingLabel(right=True)
        self._bar = QProgressBar()
        self._bar.setAccessibleName("Progress")
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(140, 6)
        self._cancel = QPushButton("Cancel")
        self._cancel.setToolTip("Stop what is running (Esc).")
        self._cancel.clicked.connect(self.cancelAsked)
        self.setContentsMargins(10, 0, 10, 0)
        self.addWidget(self._machine)
        self.addWidget(self._memory)
        self.addWidget(self._size)
        self.addWidget(self._place, 1)
        self.addPermanentWidget(self._work, 2)
        for widget in (self._bar, self._cancel):
            policy = widget.sizePolicy()
            policy.setRetainSizeWhenHidden(True)  # work that begins moves nothing
            widget.setSizePolicy(policy)
            self.addPermanentWidget(widget)
        self.set_work(None)

    # Setters: silent

    def set_machine(self, words: str) -> None:
        self._machine.setText(words)

    def set_memory(self, words: str) -> None:
        if self._memory.text() != words:
            most = self._memory.fontMetrics().horizontalAdvance(_MOST_MEMORY)
            self._memory.setMinimumWidth(most)  # another figure moves nothing
            self._memory.setText(words)

    def set_pixel_size(self, caption: str, sentence: str) -> None:
        """Say the pixel size of the tile; a click on it asks for another."""
        self._size.setVisible(bool(caption))
        self._size.setText(caption)
        self._size.setToolTip(f"{sentence} Click to change it.")

    @property
    def place(self) -> str:
        """What is under the pointer, in its longest wording."""
        return self._place.toolTip()

    def set_place(self, wordings: Sequence[str]) -> None:
        """Say what is under the pointer, in wordings from the longest."""
        self._place.set_wordings(wordings)

    def set_work(self, what: str | None, done: int = 0, total: int = 0) -> None:
        """Show what is running; None when nothing is."""
        busy = what is not None
        self._work.set_wordings((what or "Ready",))
        if self._bar.isHidden() == busy:
            self._bar.setVisible(busy)
            self._cancel.setVisible(busy)
        if self._bar.maximum() != total:
            self._bar.setRange(0, total)
        self._bar.setValue(done)
