"""The demo view: one sentence in large type, and three models to look at."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.views.widgets.demo_plot import DemoPlot
from app.views.widgets.segments import Segments

STEPS = (
    (0.0, "The whole model"),
    (0.5, "Half of it"),
    (0.9, "A tenth of it"),
)
_HIGH = 40
_NOTE = (
    "Hold B: the whole model's nuclei in the right picture.  H hides the marks.  "
    "F11 fills the screen.  Nothing leaves this computer.  Not for diagnosis."
)


class DemoPanel(QWidget):
    """The panel below the panes, for people who look at tissue.

    Parameters
    ----------
    slides
        Key, name and tooltip of the pieces of tissue that times are told for.
    parent
        Qt owner.
    """

    stepChosen = Signal(float)  # sparsity
    storyAsked = Signal(int)  # 1: go on, -1: go back
    slideChosen = Signal(str)
    readingAsked = Signal()
    closed = Signal()

    def __init__(
        self,
        slides: Sequence[tuple[str, str, str]] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(24, 2, 24, 6)
        row.setSpacing(24)
        column = QVBoxLayout()
        column.setSpacing(4)
        row.addLayout(column, 1)
        self.plot = DemoPlot()
        row.addWidget(self.plot)
        self._headline = _label("big")
        self._explanation = _label("story")
        self._page = _label("page")
        column.addWidget(self._headline)
        column.addWidget(self._explanation)
        column.addWidget(self._page)
        column.addSpacing(2)
        column.addLayout(self._step_row())
        column.addLayout(self._other_row(slides))
        note = _label("faint")
        note.setText(_NOTE)
        column.addWidget(note)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hide()

    def _step_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self._back = _button("←  Back", "The page of the story before (left arrow).")
        self._back.clicked.connect(lambda: self.storyAsked.emit(-1))
        row.addWidget(self._back)
        self._steps: dict[float, QPushButton] = {}
        for number, (sparsity, caption) in enumerate(STEPS, 1):
            tip = f"Show what this model finds ({number})."
            button = _button(f"{number}   {caption}", tip)
            button.setCheckable(True)
            button.setShortcut(str(number))
            button.clicked.connect(lambda _=False, s=sparsity: self.stepChosen.emit(s))
            self._steps[sparsity] = button
            row.addWidget(button, 1)
        self._next = _button("Next  →", "The next page of the story (right arrow).")
        self._next.clicked.connect(lambda: self.storyAsked.emit(1))
        row.addWidget(self._next)
        return row

    def _other_row(self, slides: Sequence[tuple[str, str, str]]) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        if slides:
            row.addWidget(QLabel("Time for a"))
            self._slide = Segments("Size of the slide", slides)
            self._slide.chosen.connect(self.slideChosen)
            row.addWidget(self._slide)
        row.addStretch(1)
        self._read = QPushButton("Can you tell them apart?")
        self._read.setProperty("role", "primary")
        self._read.setToolTip(
            "Look at places of this tile twice, without names, and say which picture "
            "comes from the smaller model."
        )
        self._read.clicked.connect(self.readingAsked)
        row.addWidget(self._read)
        leave = QPushButton("Leave")
        leave.setToolTip("Go back to the bench, set as it was before (Esc).")
        leave.clicked.connect(self.closed)
        row.addWidget(leave)
        return row

    # Setters: silent

    def set_story(self, headline: str, explanation: str, meaning: str = "") -> None:
        """Say what is on show, and what its speed means for a slide."""
        self._headline.setText(headline)
        self._explanation.setText("  ".join(filter(None, (explanation, meaning))))

    def set_step(self, sparsity: float) -> None:
        """Push down the button of a sparsity, if it has one."""
        for value, button in self._steps.items():
            button.setChecked(abs(value - sparsity) < 1e-6)

    def set_slide(self, key: str) -> None:
        """Mark the slide that times are told for."""
        self._slide.set_choice(key)

    def set_page(self, number: int, total: int, words: str) -> None:
        """Tell one page of the story; number 0 invites to begin it."""
        if number:
            self._page.setText(f"{number} of {total}:  {words}")
        else:
            self._page.setText("The right arrow key tells the story from the start.")
        self._back.setEnabled(number > 1)
        self._next.setEnabled(number < total)


def _label(role: str) -> QLabel:
    label = QLabel()
    label.setProperty("role", role)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
    return label


def _button(caption: str, tip: str) -> QPushButton:
    button = QPushButton(caption)
    button.setToolTip(tip)
    button.setMinimumHeight(_HIGH)
    return button
