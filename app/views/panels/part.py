"""The overview of a slide: which part of it is to be opened."""

from dataclasses import dataclass

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.state.values import Picture
from app.views.widgets.decimal_box import DecimalBox
from app.views.widgets.slide_view import SlideView
from core.rects import Rect

_SIDES = ("x", "y", "width", "height")


@dataclass(frozen=True, slots=True)
class PartWords:
    """What is said of a slide and of the part that is drawn.

    Parameters
    ----------
    title
        Name, kind, size and pixel size of the slide.
    hint
        How a part is chosen.
    size
        How large the part is.
    refusal
        Why it cannot be opened; empty when it can.
    asks_size
        Whether the pixel size may be typed, because the file has none.
    """

    title: str = ""
    hint: str = ""
    size: str = ""
    refusal: str = ""
    asks_size: bool = False


class PartPanel(QWidget):
    """The slide, the rectangle in numbers, and what opens it."""

    drawn = Signal(tuple)  # x, y, width, height in pixels of the finest level
    placed = Signal(float, float)  # middle of a square
    pixelSized = Signal(object)  # micrometres per pixel, or None
    opened = Signal()
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        self._title, self._hint = _label("title"), _label("faint")
        self._hint.setWordWrap(True)
        self.view = SlideView()
        self.view.drawn.connect(self.drawn)
        self.view.placed.connect(self.placed)
        self.view.accepted.connect(self._accept)
        column.addWidget(self._title)
        column.addWidget(self._hint)
        column.addWidget(self.view, 1)
        column.addLayout(self._numbers())
        column.addLayout(self._buttons())
        self._size_shown = 1, 1
        self.hide()

    def _numbers(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(6)
        self._boxes: dict[str, QSpinBox] = {}
        for side in _SIDES:
            box = QSpinBox()
            box.setAccessibleName(f"Part: {side}")
            box.setToolTip("In pixels of the finest level.")
            box.setRange(1 if side in ("width", "height") else 0, 1)
            box.setKeyboardTracking(False)
            box.setMinimumWidth(92)
            box.valueChanged.connect(self._on_typed)
            self._boxes[side] = box
            row.addWidget(_label("faint", side))
            row.addWidget(box)
        row.addStretch(1)
        self._mpp_words = _label("faint", "pixel size")
        self._mpp = DecimalBox("Pixel size of the slide", 0.0, 20.0, decimals=4)
        self._mpp.setSuffix(" µm")
        self._mpp.setSpecialValueText("unknown")
        self._mpp.setToolTip(
            "Micrometres per pixel of the finest level, which this file does not state."
        )
        self._mpp.setKeyboardTracking(False)
        self._mpp.valueChanged.connect(lambda v: self.pixelSized.emit(v or None))
        row.addWidget(self._mpp_words)
        row.addWidget(self._mpp)
        return row

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(8)
        self._size = _label("faint")
        self._size.setWordWrap(True)
        # two lines are kept free, so that nothing jumps while a part is drawn
        self._size.setMinimumHeight(2 * self.fontMetrics().lineSpacing() + 2)
        row.addWidget(self._size, 1)
        whole = QPushButton("Whole slide")
        whole.setToolTip("Draw the part around the whole slide.")
        whole.clicked.connect(lambda: self.drawn.emit((0, 0, *self._size_shown)))
        back = QPushButton("Cancel")
        back.setToolTip("Open nothing (Esc).")
        back.clicked.connect(self.left)
        self._open = QPushButton("Open this part")
        self._open.setToolTip("Open the part as a tile (Return, or a double click).")
        self._open.setDefault(True)
        self._open.clicked.connect(self._accept)
        for button in (whole, back, self._open):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        return row

    # Setters: silent

    def set_slide(
        self, picture: Picture | None, size: tuple[int, int], note: str
    ) -> None:
        """Show a slide."""
        self.view.set_slide(picture, size, note)
        self._size_shown = size
        for number, side in enumerate(_SIDES):
            box = self._boxes[side]
            with QSignalBlocker(box):
                box.setMaximum(max(size[number % 2], 1))

    def set_region(self, region: Rect, pixel_size: float | None) -> None:
        """Show what is drawn, and the pixel size that was typed."""
        self.view.set_region(region)
        for side, value in zip(_SIDES, region, strict=True):
            with QSignalBlocker(self._boxes[side]):
                self._boxes[side].setValue(value)
        with QSignalBlocker(self._mpp):
            self._mpp.setValue(pixel_size or 0.0)

    def set_words(self, words: PartWords) -> None:
        """Say what is shown, and whether it can be opened."""
        self._title.setText(words.title)
        self._hint.setText(words.hint)
        self._size.setText(words.refusal or words.size)
        role = "failure" if words.refusal else "faint"
        if self._size.property("role") != role:
            self._size.setProperty("role", role)
            self._size.style().unpolish(self._size)
            self._size.style().polish(self._size)
        self._open.setEnabled(not words.refusal)
        for widget in (self._mpp, self._mpp_words):
            widget.setVisible(words.asks_size)

    # What the user does

    def _accept(self) -> None:
        if self._open.isEnabled():
            self.opened.emit()

    def _on_typed(self) -> None:
        self.drawn.emit(tuple(self._boxes[side].value() for side in _SIDES))


def _label(role: str, words: str = "") -> QLabel:
    label = QLabel(words)
    label.setProperty("role", role)
    return label
