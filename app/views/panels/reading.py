"""The blinded reading: two pictures without names, three answers."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.rendering.overlay import Camera
from app.rendering.palette import Rgb
from app.state.values import Picture
from app.views.widgets.tile_parts import Mask
from app.views.widgets.tile_view import TileView

ANSWERS = (
    ("left", "The left one", "Left", "The left picture is the smaller model's."),
    ("same", "Cannot tell", "Down", "They look the same to me."),
    ("right", "The right one", "Right", "The right picture is the smaller model's."),
)
_SEEN = 220  # tile pixels across a picture
_BLIND = ("Left picture", "Right picture")
_KEPT = "Answers stay on this computer: nothing leaves it.  Not for diagnosis."


@dataclass(frozen=True, slots=True)
class ReadPlace:
    """A place that was read, as it is explained afterwards.

    Parameters
    ----------
    place
        x and y in the tile, in pixels.
    masks, names
        Of the left and the right picture.
    mark
        Whether the answer was right, wrong or undecided, as a sign.
    words
        What was said, what is there, in a sentence or two.
    """

    place: tuple[float, float]
    masks: tuple[tuple[Mask, ...], tuple[Mask, ...]]
    names: tuple[str, str]
    mark: str
    words: str


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
        column.addLayout(self._build_panes(), 1)
        self._legend = _label("story")
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setAccessibleName("Colours of the outlines")
        column.addWidget(self._legend)
        self._places = QHBoxLayout()
        self._places.setSpacing(6)
        self._read: list[QPushButton] = []
        column.addLayout(self._places)
        self.left.cameraMoved.connect(self.right.set_camera)
        self.right.cameraMoved.connect(self.left.set_camera)
        column.addLayout(self._buttons())
        self._note = _label("faint")
        self._note.setText(_KEPT)
        column.addWidget(self._note)
        # Neither picture has the focus: a ring around one would look like a hint.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.hide()

    def _build_panes(self) -> QHBoxLayout:
        """Return the two pictures, each below its name."""
        panes = QHBoxLayout()
        panes.setSpacing(12)
        self.left, self.right = (TileView(name) for name in _BLIND)
        self._names = tuple(_label("title") for _ in _BLIND)
        for name, view in zip(self._names, (self.left, self.right), strict=True):
            column = QVBoxLayout()
            column.setSpacing(4)
            column.addWidget(name)
            column.addWidget(view, 1)
            panes.addLayout(column, 1)
        return panes

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

    def set_legend(self, colours: Mapping[str, Rgb], note: str = "") -> None:
        """Name the colours of the outlines; silent.

        Parameters
        ----------
        colours
            By nucleus type; empty when all nuclei have one colour.
        note
            What must be known of how the types were learned.
        """
        spots = [
            f'<span style="color: rgb{colour}">\u25cf</span> {html.escape(name)}'
            for name, colour in colours.items()
        ]
        words = "&nbsp;&nbsp; ".join(spots) or "Outlines: nuclei that are found"
        said = f"&nbsp;&nbsp; <i>{html.escape(note)}</i>" if note else ""
        self._legend.setText(words + said)

    def set_round(
        self,
        number: int,
        total: int,
        place: tuple[float, float],
        masks: tuple[tuple[Mask, ...], tuple[Mask, ...]],
    ) -> None:
        """Show one place; ``masks`` are those of the left and the right picture."""
        self._headline.setText("Which picture comes from the smaller model?")
        self._explanation.setText(
            f"Place {number} of {total}. Look as long as you like."
        )
        self._show_answers(True)
        self._note.setText(_KEPT)
        self._list_places(())
        self._look(place, masks, _BLIND)

    def _look(
        self,
        place: tuple[float, float],
        masks: tuple[tuple[Mask, ...], tuple[Mask, ...]],
        names: tuple[str, str],
    ) -> None:
        """Show one place in both pictures, named so."""
        for pane, layers in zip((self.left, self.right), masks, strict=True):
            pane.set_masks(layers)
        for label, words in zip(self._names, names, strict=True):
            label.setText(words)
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

    def set_result(
        self,
        headline: str,
        explanation: str,
        places: Sequence[ReadPlace] = (),
        note: str = "",
    ) -> None:
        """Show how it went, and each place with the names of both pictures.

        Parameters
        ----------
        headline, explanation
            In the place of the question.
        places
            In the order in which they were read.
        note
            Where the answers are kept.
        """
        self._headline.setText(headline)
        self._explanation.setText(explanation)
        self._note.setText(f"{_KEPT}  {note}".strip())
        self._show_answers(False)
        self._list_places(places)

    def _list_places(self, places: Sequence[ReadPlace]) -> None:
        """Offer the places that were read as buttons."""
        for button in self._read:
            self._places.removeWidget(button)
            button.hide()
            button.deleteLater()
        while self._places.count():
            self._places.takeAt(0)
        self._read = []
        self._places.addStretch(1)
        for number, read in enumerate(places, 1):
            button = QPushButton(f"{number} {read.mark}")
            button.setCheckable(True)
            button.setAutoExclusive(True)
            button.setToolTip(read.words)
            button.clicked.connect(partial(self._explain, number, read))
            self._places.addWidget(button)
            self._read.append(button)
        self._places.addStretch(1)

    def _explain(self, number: int, read: ReadPlace, _: bool = False) -> None:
        """Show a place again, with what is what."""
        self._look(read.place, read.masks, read.names)
        self._explanation.setText(f"Place {number}: {read.words}")

    def _show_answers(self, on: bool) -> None:
        for button in self._answers:
            button.setVisible(on)
        self._again.setVisible(not on)
        if on:
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self._again.setFocus(Qt.FocusReason.OtherFocusReason)


def _label(role: str) -> QLabel:
    label = QLabel()
    label.setProperty("role", role)
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    label.setWordWrap(True)
    return label
