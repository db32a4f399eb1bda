"""The box in which the pixel size of a tile is typed."""

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from app.state.values import TileScale
from app.views.widgets.decimal_box import DecimalBox

_RANGE = 0.05, 20.0  # micrometres: what `core.images` takes for a pixel size
_WIDTH = 420


@dataclass(frozen=True, slots=True)
class PixelSize:
    """Pixel size of the open tile, as a button shows it and its box begins with.

    Parameters
    ----------
    caption
        Such as ``0.5 µm/px, resampled to 0.25``; empty when nothing is open.
    sentence
        The same, in a sentence.
    scale
        As of the open tile.
    typed
        Micrometres per pixel that were typed, or None.
    resample
        Whether the tile may be resampled.
    """

    caption: str = ""
    sentence: str = ""
    scale: TileScale = TileScale()  # noqa: RUF009 - frozen
    typed: float | None = None
    resample: bool = True


class PixelSizeBox(QDialog):
    """Asks for micrometres per pixel, and whether the tile may be resampled.

    Parameters
    ----------
    size
        To begin with.
    parent
        Qt owner.
    """

    chosen = Signal(object, bool)  # micrometres per pixel or None, resample

    def __init__(self, size: PixelSize, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Pixel size of the tile")
        self.setMinimumWidth(_WIDTH)
        self._start = size
        column = QVBoxLayout(self)
        column.setSpacing(10)
        words = QLabel(size.sentence)
        words.setWordWrap(True)
        column.addWidget(words)
        self._box = DecimalBox("Micrometres per pixel", 0.0, _RANGE[1], decimals=4)
        self._box.setSuffix(" µm per pixel")
        self._box.setSpecialValueText("unknown")
        self._box.setToolTip("With a point or a comma; 0 for unknown.")
        self._box.setValue(size.scale.tile or 0.0)
        form = QFormLayout()
        form.addRow("The tile has", self._box)
        column.addLayout(form)
        model = size.scale.model
        self._resample = QCheckBox(
            f"Resample the tile to the model's {model:.3g} µm"
            if model
            else "Resample the tile to the model's pixel size"
        )
        self._resample.setToolTip(
            "A model knows nuclei of a certain size in pixels. Results stay on the "
            "tile's own pixels."
        )
        self._resample.setChecked(size.resample)
        self._resample.setEnabled(model is not None)
        column.addWidget(self._resample)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        if size.typed is not None:
            stated = QDialogButtonBox.ButtonRole.ResetRole
            reset = buttons.addButton("As the file states", stated)
            reset.clicked.connect(self._reset)
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self._box.selectAll()
        self._box.setFocus()

    def _accept(self) -> None:
        """Hand over what was typed; what was left alone stays as the file has it."""
        self._box.interpretText()
        value, known = self._box.value(), self._start.scale.tile or 0.0
        same = abs(value - known) < 0.5 * 10 ** -self._box.decimals()
        typed = self._start.typed if same else value or None
        if typed is not None:
            typed = max(typed, _RANGE[0])
        self.accept()
        self.chosen.emit(typed, self._resample.isChecked())

    def _reset(self) -> None:
        self.accept()
        self.chosen.emit(None, self._resample.isChecked())
