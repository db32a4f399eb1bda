"""How a pruned model is trained on: what from, how long, how fast."""

from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.views.widgets.decimal_box import DecimalBox
from core.types import FineTune

_NONE = "no labels"
_NAME = 16  # characters of the folder's name
#: What the button says by what it does, with its tooltip.
OFFERS = {
    "start": ("Start training", "Fine-tune the refitted model with these settings."),
    "stop": ("Stop", "End the training, and all that wait; the best weights are kept."),
    "stopping": ("Stopping…", "The best weights so far are being looked at."),
    "continue": ("Continue training", "Go on where the training was stopped."),
    "done": ("Trained", "Choose another time or rate to train once more."),
}
_WAITS = ("stopping", "done")
_LONGEST = 600.0  # minutes


class TrainingForm(QWidget):
    """How the model is fine-tuned; on show while that is the recovery."""

    folderAsked = Signal()  # the user wants to choose labelled tiles
    folderCleared = Signal()
    minutesChosen = Signal(float)
    rateChosen = Signal(float)
    startAsked = Signal()
    stopAsked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Fine-tuning")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(4)
        column.addWidget(_caption("Fine-tuning: labelled tiles, longest time, rate"))
        row = self._add_folder()
        self._add_numbers()
        for widget in (self._minutes, self._rate):
            row.addWidget(widget)
        column.addLayout(row)
        self._words = _caption("")
        self._words.setWordWrap(True)
        # two lines are kept free, so that nothing below moves
        self._words.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 2)
        self._act = QPushButton()
        self._act.setAccessibleName("Start, stop or continue the fine-tuning")
        self._act.clicked.connect(self._on_act)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._act)
        row.addWidget(self._words, 1)
        column.addLayout(row)
        self._offer = "start"
        self.set_training(FineTune())
        self.set_progress("start", "")

    def _add_folder(self) -> QHBoxLayout:
        self._folder = QPushButton(_NONE)
        self._folder.setAccessibleName("Folder of labelled tiles")
        self._folder.clicked.connect(self.folderAsked)
        self._clear = QToolButton()
        self._clear.setText("\u00d7")
        self._clear.setAccessibleName("Learn without labels")
        self._clear.setToolTip("Forget the folder and learn without labels.")
        self._clear.clicked.connect(self.folderCleared)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._folder, 1)
        row.addWidget(self._clear)
        return row

    def _add_numbers(self) -> None:
        self._minutes = DecimalBox("Minutes of fine-tuning", 0.1, _LONGEST)
        self._minutes.setToolTip(
            "How long it trains at most; it ends earlier when nothing gets better."
        )
        self._minutes.setSuffix(" min")
        self._minutes.setStepType(DecimalBox.StepType.AdaptiveDecimalStepType)
        self._rate = DecimalBox("Learning rate", 0.00001, 0.1, decimals=5)
        self._rate.setToolTip(
            "How far each step goes: higher recovers faster, too high destroys."
        )
        self._rate.setStepType(DecimalBox.StepType.AdaptiveDecimalStepType)
        for box, chosen in (
            (self._minutes, self.minutesChosen),
            (self._rate, self.rateChosen),
        ):
            # a number that is still being typed begins no training
            box.setKeyboardTracking(False)
            box.valueChanged.connect(chosen)

    def set_progress(self, offer: str, words: str) -> None:
        """Show what the button does next and how far the training is; silent.

        ``offer`` is a key of `OFFERS`.
        """
        self._offer = offer
        caption, tip = OFFERS[offer]
        self._act.setText(caption)
        self._act.setToolTip(tip)
        self._act.setEnabled(offer not in _WAITS)
        self._words.setText(words)

    def _on_act(self) -> None:
        (self.stopAsked if self._offer == "stop" else self.startAsked).emit()

    def set_training(self, training: FineTune) -> None:
        """Show how it is trained; silent."""
        with QSignalBlocker(self._minutes), QSignalBlocker(self._rate):
            self._minutes.setValue(training.minutes)
            self._minutes.setEnabled(training.minutes > 0)
            self._rate.setValue(training.rate)
        name = Path(training.data).name if training.data else _NONE
        shown = self.fontMetrics().elidedText(
            name,
            Qt.TextElideMode.ElideMiddle,
            _NAME * self.fontMetrics().averageCharWidth(),
        )
        self._folder.setText(shown)
        self._folder.setToolTip(
            f"Learns from the labels in {training.data}, and from what the whole model "
            "finds there."
            if training.data
            else "Choose a folder with images/ and labels/ to learn from; without one "
            "the whole model teaches, on the open tile and the built-in ones."
        )
        self._clear.setVisible(bool(training.data))


def _caption(words: str) -> QLabel:
    label = QLabel(words)
    label.setProperty("role", "faint")
    return label
