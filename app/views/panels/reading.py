"""The blinded reading: two pictures without names, three answers."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.rendering.overlay import Camera
from app.state.values import Picture
from app.views.widgets.tile_parts import Mask
from app.views.widgets.tile_view import TileView

ANSWERS = (
    ("left", "The left one", "Left", "The left picture is the smaller model's."),
    ("same", "Cannot tell", "Down", "They look the same to me."),
    ("right", "The right one", "Right", "The right picture is the smaller model's."),
)
_SEEN = 220  # tile pixels across a picture


class ReadingPanel(QWidget):
    """Asks which side is the smaller model's, and shows how it went."""

    answered = Signal(str)  # left, same or right
    closed = Signal()
    againAsked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 12, 24, 16)
        column.setSpacing(10)
        self._size = 1, 1
        self._headline = _label("big")
        self._explanation = _label("story")
        column.addWidget(self._headline)
        column.addWidget(self._explanation)
        panes = QHBoxLayout()
        panes.setSpacing(12)
        self.left = TileView("Left picture")
        self.right = TileView("Right picture")
        panes.addWidget(self.left)
        panes.addWidget(self.right)
        column.addLayout(panes, 1)
        self.left.cameraMoved.connect(self.right.set_camera)
        self.right.cameraMoved.connect(self.left.set_camera)
        column.addLayout(self._buttons())
        note = _label("faint")
        note.setText(
            "Answers stay on this computer: nothing leaves it.  Not for diagnosis."
        )
        column.addWidget(note)
        self.hide()

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addStretch(1)
        self._answers: list[QPushButton] = []
        for choice, caption, key, tip in ANSWERS:
            button = QPushButton(caption)
            button.setShortcut(key)
            button.setToolTip(f"{tip} ({key} arrow)")
            button.setMinimumSize(180, 44)
            button.clicked.connect(lambda _=False, c=choice: self.answered.emit(c))
            self._answers.append(button)
            row.addWidget(button)
        self._again = QPushButton("Read again")
        self._again.setToolTip("Begin another reading, in another order.")
        self._again.setMinimumSize(180, 44)
        self._again.clicked.connect(self.againAsked)
        row.addWidget(self._again)
        self._close = QPushButton("Back")
        self._close.setToolTip("Leave the reading; answers so far are kept (Esc).")
        self._close.setMinimumSize(120, 44)
        self._close.clicked.connect(self.closed)
        row.addSpacing(24)
        row.addWidget(self._close)
        row.addStretch(1)
        return row

    # Setters: silent

    def set_picture(self, picture: Picture | None) -> None:
        self._size = picture.size if picture else (1, 1)
        for pane in (self.left, self.right):
            pane.set_picture(picture)

    def set_round(
        self,
        number: int,
        total: int,
        place: tuple[float, float],
        masks: tuple[tuple[Mask, ...], tuple[Mask, ...]],
    ) -> None:
        """Show one place; ``masks`` are those of the left and the right picture."""
        self._headline.setText("Which one is the smaller model's?")
        self._explanation.setText(
            f"Place {number} of {total}. Look as long as you like."
        )
        self._show_answers(True)
        for pane, layers in zip((self.left, self.right), masks, strict=True):
            pane.set_masks(layers)
        camera = self._camera_at(place)
        for pane in (self.left, self.right):
            pane.set_camera(camera)

    def _camera_at(self, place: tuple[float, float]) -> Camera:
        """Return a camera near a place, within the tile as far as it goes."""
        across, down = max(self.left.width(), 160), max(self.left.height(), 160)
        scale = across / _SEEN
        width, height = self._size
        x, y = (
            min(max(at, seen / 2), side - seen / 2) if side > seen else side / 2
            for at, side, seen in (
                (place[0], width, across / scale),
                (place[1], height, down / scale),
            )
        )
        return Camera(x, y, scale)

    def set_result(self, headline: str, explanation: str) -> None:
        """Show how it went, in the place of the question."""
        self._headline.setText(headline)
        self._explanation.setText(explanation)
        self._show_answers(False)

    def _show_answers(self, on: bool) -> None:
        for button in self._answers:
            button.setVisible(on)
        self._again.setVisible(not on)
        if on:
            self.left.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self._again.setFocus(Qt.FocusReason.OtherFocusReason)


def _label(role: str) -> QLabel:
    label = QLabel()
    label.setProperty("role", role)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    return label
