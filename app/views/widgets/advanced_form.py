"""Settings that few pruned models need: widths, seed, steps, ratios of layers."""

from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.text.format import counted
from core.tables.limits import REQUEST_RANGES
from core.types import PruneRequest

_LARGEST = 2**31 - 1  # that a spin box holds
_FIELDS = (
    (
        "round_to",
        "Round widths to",
        "Widths of layers are multiples of this: 16 suits most processors.",
    ),
    ("min_channels", "Minimum width", "No layer keeps fewer channels than this."),
    (
        "steps",
        "Steps",
        "How often channels are scored and cut, each time anew; 1 is one-shot.",
    ),
    ("seed", "Seed", "Of heuristics that draw by lot."),
)
_TIPS = {name: tip for name, _, tip in _FIELDS}
_SINGLE = "Not with an unstructured heuristic: layers keep their size."
_NONE = "none"


class AdvancedForm(QWidget):
    """A heading that opens and closes, and the settings below it."""

    fieldChosen = Signal(str, object)  # field of a request, value
    ratiosAsked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self._heading = QToolButton()
        self._heading.setCheckable(True)
        self._heading.setProperty("role", "heading")
        self._heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._heading.setToolTip("Show or hide settings that few models need.")
        self._heading.toggled.connect(self._on_toggled)
        column.addWidget(self._heading)
        self._body = QWidget()
        grid = QGridLayout(self._body)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(0, 1)
        self._boxes = {
            name: self._add_number(grid, row, name, caption, tip)
            for row, (name, caption, tip) in enumerate(_FIELDS)
        }
        self._ratios = QPushButton(_NONE)
        self._ratios.setAccessibleName("Ratio for each layer")
        self._ratios.clicked.connect(self.ratiosAsked)
        grid.addWidget(_caption("Ratio for each layer"), len(_FIELDS), 0)
        grid.addWidget(self._ratios, len(_FIELDS), 1)
        column.addWidget(self._body)
        self._request: PruneRequest | None = None
        self._on_toggled(False)
        self._say()

    def _add_number(
        self, grid: QGridLayout, row: int, name: str, caption: str, tip: str
    ) -> QSpinBox:
        """Add one number below the others."""
        box = QSpinBox()
        low, high = REQUEST_RANGES[name]
        box.setRange(int(low), min(int(high), _LARGEST))
        box.setAccessibleName(caption)
        box.setToolTip(tip)
        box.setKeyboardTracking(False)
        box.valueChanged.connect(partial(self.fieldChosen.emit, name))
        grid.addWidget(_caption(caption), row, 0)
        grid.addWidget(box, row, 1)
        return box

    @property
    def ratios(self) -> tuple[tuple[str, float], ...]:
        """Shares of single layers, as they are on show."""
        return self._request.ratios if self._request is not None else ()

    # Setters: silent

    def set_request(self, request: PruneRequest) -> None:
        """Show the settings of a request."""
        self._request = request
        for name, box in self._boxes.items():
            with QSignalBlocker(box):
                box.setValue(min(getattr(request, name), _LARGEST))
        single = request.unstructured
        for name in ("round_to", "min_channels", "steps"):
            self._explain(self._boxes[name], single, _TIPS[name])
        many = len(request.ratios)
        self._ratios.setText(counted(many, "layer") if many else _NONE)
        said = "The share of channels that goes, for single layers, from you."
        self._explain(self._ratios, single, said)
        self._say()

    def open(self) -> None:
        """Show the settings."""
        self._heading.setChecked(True)

    def _explain(self, widget: QWidget, single: bool, tip: str) -> None:
        widget.setEnabled(not single)
        widget.setToolTip(_SINGLE if single else tip)

    def _say(self) -> None:
        """Write how many settings are not the usual ones: they may be out of sight."""
        request = self._request
        changed = 0
        if request is not None:
            usual = PruneRequest(request.heuristic, request.sparsity)
            names = (*self._boxes, "ratios")
            changed = sum(getattr(request, n) != getattr(usual, n) for n in names)
        self._heading.setText(f"ADVANCED, {changed} set" if changed else "ADVANCED")

    # What the user does

    def _on_toggled(self, on: bool) -> None:
        self._body.setVisible(on)
        arrows = Qt.ArrowType
        self._heading.setArrowType(arrows.DownArrow if on else arrows.RightArrow)


def _caption(words: str) -> QLabel:
    label = QLabel(words)
    label.setProperty("role", "faint")
    return label
