"""Asks how large a chart is to be written, and where."""

from pathlib import Path

from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.plots.exports import ChartExport
from app.plots.registry import ChartKind
from app.plots.svg import STANDARD, Size

KINDS = "SVG (*.svg);;PNG (*.png)"
_SCALES = ((1.0, "1 (screen)"), (2.0, "2 (sharp screen)"), (4.0, "4 (print)"))


class ChartExportDialog(QDialog):
    """Width, height and resolution of a chart.

    Parameters
    ----------
    kind
        The chart.
    stem
        Beginning of the name that is suggested.
    parent
        Qt owner.
    """

    def __init__(
        self, kind: ChartKind, stem: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Export: {kind.title.lower()}")
        self._kind, self._stem = kind, stem
        self.width_box = _spin(STANDARD.width, 320, "Width of the drawing")
        self.height_box = _spin(STANDARD.height, 240, "Height of the drawing")
        self.scale_box = QComboBox()
        self.scale_box.setAccessibleName("Pixels of a PNG for one of the drawing")
        for scale, words in _SCALES:
            self.scale_box.addItem(words, scale)
        self.scale_box.setCurrentIndex(1)
        form = QFormLayout()
        form.addRow("Width", self.width_box)
        form.addRow("Height", self.height_box)
        form.addRow("Resolution of a PNG", self.scale_box)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save
            | QDialogButtonBox.StandardButton.Cancel
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(buttons)

    def ask_path(self) -> ChartExport | None:
        """Ask where to; None when the user changes their mind."""
        name = "_".join(filter(None, (self._stem, self._kind.key)))
        path, chosen = QFileDialog.getSaveFileName(
            self.parentWidget(), "Export", f"{name}.svg", KINDS
        )
        if not path:
            return None
        if not Path(path).suffix:
            path += ".png" if "png" in chosen else ".svg"
        size = Size(self.width_box.value(), self.height_box.value())
        return ChartExport(self._kind.key, path, size, self.scale_box.currentData())


def _spin(value: int, low: int, name: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, 6000)
    box.setSingleStep(20)
    box.setSuffix(" px")
    box.setValue(value)
    box.setAccessibleName(name)
    return box
