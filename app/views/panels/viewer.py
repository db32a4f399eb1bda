"""The dense and the pruned models' nuclei, side by side, moving together."""

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.rendering.heat import Heat
from app.rendering.overlay import Camera, find_seen
from app.rendering.palette import Rgb
from app.state.values import Picture
from app.views.widgets.heat_menu import HeatMenu
from app.views.widgets.overview_map import OverviewMap
from app.views.widgets.pane_frame import Head, PaneFrame
from app.views.widgets.pane_grid import PaneGrid
from app.views.widgets.segments import Segments
from app.views.widgets.tile_parts import Mask
from app.views.widgets.tile_view import TileView
from app.views.widgets.type_legend import TypeLegend
from core.rects import Rect
from core.tables.metrics import TaskName

MOST = 4  # pruned panes
FRAME_MS = 16
_SWIPE = "Dense left, pruned right of a divider (W; Shift and arrows move)."
_TRUTH = "Draw the ground truth in white (T)."
_NO_TRUTH = "This tile has no ground truth: open its labels (Ctrl+L)."
_HEAT = "How far the raw outputs of the pruned model moved."
_ON_SLIDE = "Where this tile lies on its slide. A click or a drag opens it there."
_IN_TILE = "What is seen of the tile. A click or a drag looks there."
_NO_MAPS = "A patch classifier gives one class a patch: there are no masks to compare."
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
    """The dense pane, up to `MOST` pruned ones, and the row of switches above."""

    overlayChosen = Signal(str)
    visibleChosen = Signal(bool)
    opacityChosen = Signal(float)  # 0 to 1
    truthChosen = Signal(bool)
    swipeChosen = Signal(bool)
    heatChosen = Signal(str)  # foreground, shape or nothing
    typesHidden = Signal(tuple)  # numbers of nucleus types
    pointed = Signal(float, float)  # tile position under a click
    paneChosen = Signal(int)  # place of a pruned pane
    paneClosed = Signal(int)
    hovered = Signal(int, object)  # pane, (x, y, zoom) or None
    mapMoved = Signal(float, float)  # middle of the part that is wanted
    looked = Signal()  # another part of the tile is on screen

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 10, 4, 6)
        column.setSpacing(6)
        self._switches = QWidget()
        self._switches.setLayout(self._bar())
        column.addWidget(self._switches)
        self._dense = PaneFrame("Dense model's nuclei")
        self._pruned = tuple(
            PaneFrame(f"Pruned model's nuclei, pane {number + 1}")
            for number in range(MOST)
        )
        for index, frame in enumerate(self._pruned):
            frame.pressed.connect(partial(self._on_pressed, index))
            frame.closeAsked.connect(partial(self.paneClosed.emit, index))
        for number, frame in enumerate(self._frames()):
            frame.hovered.connect(partial(self.hovered.emit, number))
            frame.view.pointed.connect(self.pointed)
            frame.view.cameraMoved.connect(partial(self._follow, frame.view))
            frame.view.dividerMoved.connect(self._on_divider)
        self._map = OverviewMap(self._dense.view)
        self._slide: tuple[Picture, tuple[int, int], Rect] | None = None
        self._picture: Picture | None = None
        self._map.moved.connect(self._on_map_moved)
        self._map.dragged.connect(self._on_map_dragged)
        self._dense.view.looked.connect(self._show_map)
        self._dense.view.looked.connect(self.looked)
        self._grid = PaneGrid(self._frames())
        column.addWidget(self._grid, 1)
        self._legend = TypeLegend()
        self._legend.hiddenChosen.connect(self.typesHidden)
        keep = self._legend.sizePolicy()
        keep.setRetainSizeWhenHidden(True)  # the pictures stay as large without it
        self._legend.setSizePolicy(keep)
        self._legend.hide()
        column.addWidget(self._legend)
        self._masks: tuple[tuple[Mask, ...], ...] = ((), ())
        self._heads: tuple[Head, ...] = ()
        self._active = 0
        self._blinking = False
        self.set_heads(Head(("Dense",)), (Head(("Pruned",)),), 0)

    @property
    def dense(self) -> TileView:
        """The pane of the dense model."""
        return self._dense.view

    @property
    def pruned(self) -> TileView:
        """The active pane of the pruned ones."""
        return self._pruned[self._active].view

    @property
    def panes(self) -> tuple[TileView, ...]:
        """Every pane on show: the dense model's first."""
        return tuple(frame.view for frame in self._frames()[: 1 + len(self._heads)])

    def _frames(self) -> tuple[PaneFrame, ...]:
        return (self._dense, *self._pruned)

    def _bar(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        self._overlay = Segments("Masks", OVERLAYS)
        self._overlay.chosen.connect(self.overlayChosen)
        row.addWidget(self._overlay)
        self._visible = _switch("Masks", "Show or hide all masks (H).")
        self._visible.toggled.connect(self.visibleChosen)
        row.addWidget(self._visible)
        self._truth = _switch("Truth", _TRUTH)
        self._truth.toggled.connect(self.truthChosen)
        row.addWidget(self._truth)
        self._swipe = _switch("Swipe", _SWIPE)
        self._swipe.toggled.connect(self.swipeChosen)
        row.addWidget(self._swipe)
        self._heat = HeatMenu()
        self._heat.chosen.connect(self.heatChosen)
        row.addWidget(self._heat)
        row.addStretch(1)
        self._opacity = QSlider(Qt.Orientation.Horizontal)
        self._opacity.setAccessibleName("Opacity of the masks")
        self._opacity.setToolTip("Opacity of the masks and of the heat map.")
        self._opacity.setRange(10, 100)
        self._opacity.setFixedWidth(80)
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

    def sizeHint(self) -> QSize:
        """Ask for more than there mostly is: what is below then takes less."""
        return QSize(super().sizeHint().width(), 4 * self.minimumSizeHint().height())

    # Setters: silent

    def set_picture(self, picture: Picture | None) -> None:
        self._picture = picture
        for frame in self._frames():
            frame.view.set_picture(picture)
        if picture is not None:
            self._grid.set_aspect(picture.size[0] / picture.size[1])

    def set_plain(self, on: bool) -> None:
        """Show the pictures alone, for an audience; silent."""
        self._switches.setVisible(not on)

    def set_map(
        self, picture: Picture | None, size: tuple[int, int], region: Rect
    ) -> None:
        """Show where the tile lies on a slide of a size; None: it is no part of one."""
        self._slide = None if picture is None else (picture, size, region)
        self._show_map()

    def _show_map(self) -> None:
        """Show the tile on its slide, or else what is seen of the tile."""
        picture = self._picture
        if self._slide is not None:
            self._map.set_map(*self._slide, _ON_SLIDE)
            return
        seen = self.visible
        if picture is None or seen is None:
            self._map.set_map(None, (1, 1), (0, 0, 1, 1), "")
        else:
            self._map.set_map(picture, picture.size, seen, _IN_TILE)

    @property
    def visible(self) -> Rect | None:
        """Which part of the tile is on screen, in its pixels; None for all of it."""
        view, picture = self.dense, self._picture
        if picture is None:
            return None
        return find_seen(view.camera, (view.width(), view.height()), picture.size)

    def set_note(self, note: str) -> None:
        """Write a sentence where there is no tile."""
        for frame in self._frames():
            frame.view.set_note(note)

    def set_heads(self, dense: Head, pruned: Sequence[Head], active: int) -> None:
        """Show as many pruned panes as there are heads, one of them active.

        Parameters
        ----------
        dense, pruned
            What is written above each pane; at most `MOST` pruned ones.
        active
            Which of the pruned ones the controls edit.
        """
        several = len(pruned) > 1
        if len(pruned) != len(self._heads):
            self._grid.set_count(1 + len(pruned))
            for frame in self._pruned[len(pruned) :]:
                frame.view.set_masks(())  # a hidden pane holds on to nothing
        self._heads, self._active = tuple(pruned), active
        self._dense.set_head(dense)
        self._write_heads()
        for index, frame in enumerate(self._frames()):
            frame.set_stacked(several)
            frame.set_active(several and index == active + 1)
            frame.set_closable(several and index > 0)

    def set_dimmed(self, dimmed: Sequence[bool]) -> None:
        """Dim the pruned panes whose result is of other settings."""
        for index, frame in enumerate(self._pruned):
            frame.view.set_dimmed(index < len(dimmed) and dimmed[index])

    def _write_heads(self) -> None:
        held = Head(("Dense",)) if self._blinking else None
        for frame, head in zip(self._pruned, self._heads, strict=False):
            frame.set_head(held or head)

    def set_masks(self, dense: tuple[Mask, ...], *pruned: tuple[Mask, ...]) -> None:
        """Draw masks in all panes; only what is different is drawn again."""
        old = self._masks
        self._masks = dense, *pruned
        if not _same(dense, old[0]):
            # What became of its nuclei follows the new mask, a frame later.
            self.dense.set_masks(dense, after=FRAME_MS if pruned else 0)
        for index, masks in enumerate(pruned):
            view = self._pruned[index].view
            if self._blinking:
                view.set_masks(dense)
            elif index + 1 >= len(old) or not _same(masks, old[index + 1]):
                view.set_masks(masks)
        self._part()

    def set_swipe(self, on: bool) -> None:
        """Show a divider in the pruned panes, the dense model's masks left of it."""
        with QSignalBlocker(self._swipe):
            self._swipe.setChecked(on)
        self._part()

    def _part(self) -> None:
        """Give the pruned panes what is left of the divider, if there is one."""
        left = self._masks[0] if self._swipe.isChecked() else None
        for frame in self._pruned:
            frame.view.set_swipe(left)

    def set_heats(self, chosen: str, heats: Sequence[Heat | None]) -> None:
        """Draw heat maps in the pruned panes, one each."""
        self._heat.set_choice(chosen)
        for index, frame in enumerate(self._pruned):
            frame.view.set_heat(heats[index] if index < len(heats) else None)

    def set_display(self, overlay: str, visible: bool, opacity: float) -> None:
        with QSignalBlocker(self._visible), QSignalBlocker(self._opacity):
            self._overlay.set_choice(overlay)
            self._visible.setChecked(visible)
            self._opacity.setValue(round(opacity * 100))

    def set_legend(
        self,
        colours: Mapping[str, Rgb],
        hidden: tuple[int, ...] = (),
        note: str = "",
    ) -> None:
        """Name the colours of the masks; nothing when they have no names."""
        self._legend.set_types(colours, hidden, note)

    def set_task(self, task: TaskName) -> None:
        """Take away what a kind of model does not have, and say why."""
        maps = task == "nuclei"
        for control in (self._heat, self._swipe):
            control.setEnabled(maps)
        self._swipe.setToolTip(_SWIPE if maps else _NO_MAPS)
        self._heat.setToolTip(_HEAT if maps else _NO_MAPS)

    def set_truth(self, there: bool, shown: bool) -> None:
        """Offer ground truth where there is some."""
        with QSignalBlocker(self._truth):
            self._truth.setEnabled(there)
            self._truth.setToolTip(_TRUTH if there else _NO_TRUTH)
            self._truth.setChecked(there and shown)

    def blink(self, on: bool) -> None:
        """Show the dense model's masks in the pruned panes, while ``on``."""
        if on != self._blinking:
            self._blinking = on
            for frame, masks in zip(self._pruned, self._masks[1:], strict=False):
                frame.view.set_masks(self._masks[0] if on else masks)
            self._write_heads()

    def go_to(self, place: tuple[float, float]) -> None:
        """Centre and ring one place, close enough to see a nucleus."""
        for frame in self._frames():
            scale = max(frame.view.camera.scale, 2.5)
            frame.view.set_camera(Camera(*place, scale))
            frame.view.set_target(place)

    def show_whole(self) -> None:
        """Show the whole tile."""
        for frame in self._frames():
            frame.view.set_camera(None)
            frame.view.set_target(None)

    # What the user does

    def _follow(self, moved: TileView, camera: Camera) -> None:
        """Let all panes look where one was moved to; hidden ones too."""
        for frame in self._frames():
            if frame.view is not moved:
                frame.view.set_camera(camera)

    def _on_map_moved(self, x: float, y: float) -> None:
        if self._slide is not None:
            self.mapMoved.emit(x, y)

    def _on_map_dragged(self, x: float, y: float) -> None:
        """Look at another part of the tile, where the map is that of the tile."""
        if self._slide is None:
            camera = Camera(x, y, self.dense.camera.scale)
            for frame in self._frames():
                frame.view.set_camera(camera)

    def _on_divider(self, share: float) -> None:
        """Move the divider of all panes with the one that was moved."""
        for frame in self._pruned:
            frame.view.set_divider(share)

    def _on_pressed(self, index: int) -> None:
        if index != self._active:
            self.paneChosen.emit(index)


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
