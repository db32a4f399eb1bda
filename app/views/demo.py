"""The demo view: one sentence in large type, and three models to look at."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

STEPS = (
    (0.0, "The whole model"),
    (0.5, "Half of it"),
    (0.9, "A tenth of it"),
)


class Demo(QWidget):
    """The panel below the panes, for people who look at tissue."""

    stepChosen = Signal(float)  # sparsity
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 8, 24, 16)
        column.setSpacing(8)
        self._headline = QLabel()
        self._headline.setProperty("role", "big")
        self._explanation = QLabel()
        self._explanation.setProperty("role", "story")
        for label in (self._headline, self._explanation):
            label.setAlignment(Qt.AlignmentFlag.AlignCenter)
            label.setWordWrap(True)
            column.addWidget(label)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addStretch(1)
        self._steps: dict[float, QPushButton] = {}
        for number, (sparsity, caption) in enumerate(STEPS, 1):
            button = QPushButton(f"{number}   {caption}")
            button.setCheckable(True)
            button.setShortcut(str(number))
            button.setMinimumHeight(44)
            button.setMinimumWidth(180)
            button.clicked.connect(lambda _=False, s=sparsity: self.stepChosen.emit(s))
            self._steps[sparsity] = button
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        note = QLabel(
            "Hold B to see the whole model's nuclei in the right picture.  "
            "H hides the marks.  Esc goes back.  "
            "Nothing leaves this computer.  Not for diagnosis."
        )
        note.setProperty("role", "faint")
        note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        note.setWordWrap(True)
        column.addWidget(note)
        self.hide()

    # Setters: silent

    def set_story(self, headline: str, explanation: str) -> None:
        self._headline.setText(headline)
        self._explanation.setText(explanation)

    def set_step(self, sparsity: float) -> None:
        """Push down the button of a sparsity, if it has one."""
        for value, button in self._steps.items():
            button.setChecked(abs(value - sparsity) < 1e-6)
