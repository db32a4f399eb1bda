"""The dense and the pruned model's nuclei, side by side, moving together."""

from collections.abc import Mapping

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.overlay import Camera
from app.palette import Rgb
from app.values import Picture
from app.widgets.segments import Segments
from app.widgets.tile_view import Mask, TileView

OVERLAYS = (
    ("outline", "Outline", "Draw the rim of each nucleus (F)."),
    ("fill", "Fill", "Fill each nucleus (F)."),
    (
        "difference",
        "Difference",
        "Colour each nucleus by what became of it in the pruned model (D).",
    ),
)


class Viewer(QWidget):
    """Two panes and the row of switches above them."""

    overlayChosen = Signal(str)
    visibleChosen = Signal(bool)
    opacityChosen = Signal(float)  # 0 to 1
    truthChosen = Signal(bool)
    pointed = Signal(float, float)  # tile position under a click

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 10, 4, 6)
        column.setSpacing(8)
        column.addLayout(self._bar())
        self.dense = TileView("Dense model's nuclei")
        self.pruned = TileView("Pruned model's nuclei")
        self._captions = {
            side: (_label(side.capitalize(), "title"), _label("", "faint"))
            for side in ("dense", "pruned")
        }
        grid = QGridLayout()
        grid.setSpacing(6)
        for index, (side, pane) in enumerate(
            (("dense", self.dense), ("pruned", self.pruned))
        ):
            head = QHBoxLayout()
            head.setSpacing(8)
            title, note = self._captions[side]
            head.addWidget(title)
            head.addWidget(note, 1)
            grid.addLayout(head, 0, index)
            grid.addWidget(pane, 1, index)
            grid.setColumnStretch(index, 1)
            pane.pointed.connect(self.pointed)
        grid.setRowStretch(1, 1)
        column.addLayout(grid, 1)
        self._legend = _label("", "faint")
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._legend.setAccessibleName("Colours of nucleus types")
        self._legend.hide()
        column.addWidget(self._legend)
        self.dense.cameraMoved.connect(self.pruned.set_camera)
        self.pruned.cameraMoved.connect(self.dense.set_camera)
        self._masks: tuple[tuple[Mask, ...], tuple[Mask, ...]] = ((), ())
        self._blinking = False

    def _bar(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(10)
        self._overlay = Segments("Masks", OVERLAYS)
        self._overlay.chosen.connect(self.overlayChosen)
        row.addWidget(self._overlay)
        self._visible = _switch("Masks", "Show or hide all masks (H).")
        self._visible.toggled.connect(self.visibleChosen)
        row.addWidget(self._visible)
        self._truth = _switch("Truth", "Draw the ground truth in white (T).")
        self._truth.toggled.connect(self.truthChosen)
        row.addWidget(self._truth)
        row.addStretch(1)
        row.addWidget(_label("Opacity", "faint"))
        self._opacity = QSlider(Qt.Orientation.Horizontal)
        self._opacity.setAccessibleName("Opacity of the masks")
        self._opacity.setToolTip("Opacity of the masks.")
        self._opacity.setRange(10, 100)
        self._opacity.setFixedWidth(90)
        self._opacity.valueChanged.connect(
            lambda value: self.opacityChosen.emit(value / 100)
        )
        row.addWidget(self._opacity)
        whole = QToolButton()
        whole.setText("Whole tile")
        whole.setProperty("chip", "true")
        whole.setToolTip("Show the whole tile (0). Wheel zooms, dragging moves.")
        whole.clicked.connect(self.show_whole)
        row.addWidget(whole)
        return row

    # Setters: silent

    def set_picture(self, picture: Picture | None) -> None:
        for pane in (self.dense, self.pruned):
            pane.set_picture(picture)

    def set_note(self, note: str) -> None:
        """Write a sentence where there is no tile."""
        for pane in (self.dense, self.pruned):
            pane.set_note(note)

    def set_masks(self, dense: tuple[Mask, ...], pruned: tuple[Mask, ...]) -> None:
        """Draw masks in both panes; only what is different is drawn again."""
        old = self._masks
        self._masks = dense, pruned
        if not _same(dense, old[0]):
            self.dense.set_masks(dense)
        if self._blinking:
            self.pruned.set_masks(dense)
        elif not _same(pruned, old[1]):
            self.pruned.set_masks(pruned)

    def set_captions(self, dense: str, pruned: str) -> None:
        """Write what each model finds."""
        for side, words in (("dense", dense), ("pruned", pruned)):
            note = self._captions[side][1]
            if note.text() != words:
                note.setText(words)

    def set_display(self, overlay: str, visible: bool, opacity: float) -> None:
        with QSignalBlocker(self._visible), QSignalBlocker(self._opacity):
            self._overlay.set_choice(overlay)
            self._visible.setChecked(visible)
            self._opacity.setValue(round(opacity * 100))

    def set_legend(self, colours: Mapping[str, Rgb]) -> None:
        """Name the colours of the masks; nothing when they have no names."""
        words = "&nbsp;&nbsp; ".join(
            f'<span style="color:rgb{colour}">●</span>&nbsp;{name}'
            for name, colour in colours.items()
        )
        if words != self._legend.text():
            self._legend.setText(words)
            self._legend.setVisible(bool(words))

    def set_truth(self, there: bool, shown: bool) -> None:
        """Offer ground truth where there is some."""
        with QSignalBlocker(self._truth):
            self._truth.setVisible(there)
            self._truth.setChecked(there and shown)

    def blink(self, on: bool) -> None:
        """Show the dense model's masks in the pruned pane, while ``on``."""
        if on != self._blinking:
            self._blinking = on
            self.pruned.set_masks(self._masks[0] if on else self._masks[1])
            self._captions["pruned"][0].setText("Dense" if on else "Pruned")

    def go_to(self, place: tuple[float, float]) -> None:
        """Centre and ring one place, close enough to see a nucleus."""
        for pane in (self.dense, self.pruned):
            scale = max(pane.camera.scale, 2.5)
            pane.set_camera(Camera(*place, scale))
            pane.set_target(place)

    def show_whole(self) -> None:
        """Show the whole tile."""
        for pane in (self.dense, self.pruned):
            pane.set_camera(None)
            pane.set_target(None)


def _same(one: tuple[Mask, ...], other: tuple[Mask, ...]) -> bool:
    """Return whether two layers are the very same values."""
    return len(one) == len(other) and all(
        a is b for a, b in zip(one, other, strict=True)
    )


def _label(words: str, role: str) -> QLabel:
    label = QLabel(words)
    label.setProperty("role", role)
    return label


def _switch(caption: str, tip: str) -> QToolButton:
    button = QToolButton()
    button.setText(caption)
    button.setToolTip(tip)
    button.setCheckable(True)
    button.setProperty("segment", "only")
    return button
