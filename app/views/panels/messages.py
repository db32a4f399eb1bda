"""A message in the window: a sentence, never a box that must be clicked away."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget


class MessageBar(QFrame):
    """One sentence, a way to copy its details, and a way to dismiss it."""

    dismissed = Signal()
    offerTaken = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "message")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setAccessibleName("Message")
        row.addWidget(self._text, 1)
        self._offer = QPushButton()
        self._offer.setProperty("role", "primary")
        self._offer.clicked.connect(self.offerTaken)
        row.addWidget(self._offer)
        self._copy = QPushButton("Copy details")
        self._copy.setToolTip("Copy the message and what led to it, to pass it on.")
        self._copy.clicked.connect(self._on_copy)
        row.addWidget(self._copy)
        close = QPushButton("Dismiss")
        close.setToolTip("Take this message away.")
        close.clicked.connect(self.dismissed)
        row.addWidget(close)
        self._details = ""
        self.hide()

    @property
    def text(self) -> str:
        """The sentence on show; empty when none is."""
        return "" if self.isHidden() else self._text.text()

    def set_message(
        self, text: str, details: str = "", kind: str = "error", offer: str = ""
    ) -> None:
        """Show a sentence, or nothing when it is empty; silent.

        ``offer`` is the caption of a button that does what the sentence advises.
        """
        self._text.setText(text)
        self._offer.setText(offer)
        self._offer.setToolTip(f"{offer}." if offer else "")
        self._offer.setVisible(bool(offer))
        self._details = details
        self._copy.setVisible(bool(details))
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self.setVisible(bool(text))

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(f"{self._text.text()}\n\n{self._details}")
