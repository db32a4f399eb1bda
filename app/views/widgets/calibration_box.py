"""The box that shows which tiles the open model is calibrated on."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from app.rendering.thumbnails import shrink
from app.state.values import CalibrationTile
from app.text.format import TIMES, counted
from app.views.widgets.tile_grid import TileCard, TileGrid
from core.sources import WITH_SAMPLES

_SIZE = (720, 470)
_ABOUT = (
    "Activation statistics are read from these tiles; no labels are used. They are a "
    "part of every result: other tiles give another pruned model. Their names and the "
    "hash {digest} stand in model card, points, JSON and report."
)
_DEFAULT = "The default: the open tile, and the samples that come with the program."


class CalibrationBox(QDialog):
    """The tiles with where they come from, and what else could be used.

    Parameters
    ----------
    tiles, digest
        What the model is calibrated on.
    chosen
        What that was chosen as; empty for the default of the open tile.
    parent
        Qt owner.
    """

    folderAsked = Signal()
    defaultAsked = Signal()

    def __init__(
        self,
        tiles: tuple[CalibrationTile, ...],
        digest: str,
        chosen: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Calibration tiles")
        self.resize(*_SIZE)
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.setSpacing(8)
        where = f"{counted(len(tiles), 'tile')}. {_describe(chosen)}"
        for words in (where, _about(digest)):
            label = QLabel(words)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(label)
        column.addWidget(_build_grid(tiles), 1)
        column.addWidget(self._build_buttons(bool(chosen)))

    def _build_buttons(self, chosen: bool) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        kind = QDialogButtonBox.ButtonRole.ActionRole
        folder = buttons.addButton("Calibrate on a folder…", kind)
        folder.clicked.connect(self._leave)
        folder.clicked.connect(self.folderAsked)
        default = buttons.addButton("Use the default", kind)
        default.setEnabled(chosen)
        default.clicked.connect(self._leave)
        default.clicked.connect(self.defaultAsked)
        buttons.rejected.connect(self.reject)
        return buttons

    def _leave(self) -> None:
        self.hide()


def _describe(chosen: str) -> str:
    if not chosen:
        return _DEFAULT
    if not chosen.startswith(WITH_SAMPLES):
        return f"Chosen: {chosen}"
    tile = chosen.removeprefix(WITH_SAMPLES)
    return f"The default of {tile}: it, and the samples that come with the program."


def _about(digest: str) -> str:
    return _ABOUT.format(digest=digest)


def _build_grid(tiles: tuple[CalibrationTile, ...]) -> TileGrid:
    grid = TileGrid()
    grid.setAccessibleName("Calibration tiles")
    grid.setToolTip("")
    cards = []
    for place, tile in enumerate(tiles):
        height, width = tile.pixels.shape[:2]
        size = f"{width}{TIMES}{height}"
        tip = f"{tile.name}\n{tile.source}\n{size} pixels"
        cards.append(TileCard(str(place), tile.source, tile.name, size, tip))
    grid.set_tiles(cards)
    for card, tile in zip(cards, tiles, strict=True):
        grid.set_picture(card.source, shrink(tile.pixels))
    return grid
