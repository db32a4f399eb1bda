"""The box that says how a network's outputs become nuclei."""

from collections.abc import Mapping

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QGridLayout,
    QLabel,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.views.widgets.decimal_box import DecimalBox
from core.tables import OUTPUT_READERS, ReaderSetting

_WIDTH = 440
_STEPS = 200  # of a slider
_WHOLE = 100.0  # larger ranges are typed in whole numbers


class ReaderBox(QDialog):
    """Reader and thresholds; each change is seen in the panes at once.

    Parameters
    ----------
    parent
        Qt owner; the box stays open over it.
    """

    readerChosen = Signal(str)  # key of `core.tables.OUTPUT_READERS`
    thresholdsChosen = Signal(dict)  # values by name

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Reading the outputs")
        self.setMinimumWidth(_WIDTH)
        column = QVBoxLayout(self)
        column.setSpacing(10)
        words = QLabel(
            "How the outputs of the network become nuclei. Thresholds act at once on "
            "all panes, without another run of the network; points tried before are "
            "cleared."
        )
        words.setWordWrap(True)
        column.addWidget(words)
        self._reader = QComboBox()
        self._reader.setAccessibleName("Reader of the outputs")
        for row in OUTPUT_READERS.values():
            self._reader.addItem(row.title, row.key)
            tip = Qt.ItemDataRole.ToolTipRole
            self._reader.setItemData(self._reader.count() - 1, row.tip, tip)
        self._reader.activated.connect(
            lambda index: self.readerChosen.emit(self._reader.itemData(index))
        )
        column.addWidget(self._reader)
        self._rows = QWidget()
        self._grid = QGridLayout(self._rows)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setColumnStretch(1, 1)
        column.addWidget(self._rows)
        close = QPushButton("Close")
        close.setToolTip("Close this box; what was set stays.")
        close.clicked.connect(self.accept)
        column.addWidget(close, 0, Qt.AlignmentFlag.AlignRight)
        self._shown = ""
        self._boxes: dict[str, tuple[DecimalBox, QSlider, ReaderSetting]] = {}

    # Setters: silent

    def set_reader(self, reader: str, values: Mapping[str, float]) -> None:
        """Show a reader with its thresholds."""
        if reader not in OUTPUT_READERS:
            return
        row = OUTPUT_READERS[reader]
        if reader != self._shown:
            self._shown = reader
            with QSignalBlocker(self._reader):
                self._reader.setCurrentIndex(self._reader.findData(reader))
            self._reader.setToolTip(row.tip)
            self._build(row.settings)
        for key, (box, slider, setting) in self._boxes.items():
            value = values.get(key, setting.default)
            with QSignalBlocker(box), QSignalBlocker(slider):
                box.setValue(value)
                slider.setValue(round(value / setting.most * _STEPS))

    def _build(self, settings: tuple[ReaderSetting, ...]) -> None:
        """Make a row for each threshold."""
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        self._boxes = {}
        for place, setting in enumerate(settings):
            decimals = 0 if setting.step >= 1 else 2
            box = DecimalBox(setting.title, 0.0, setting.most, decimals=decimals)
            box.setSingleStep(setting.step)
            box.setKeyboardTracking(False)
            slider = QSlider(Qt.Orientation.Horizontal)
            slider.setAccessibleName(f"{setting.title}, slider")
            slider.setRange(0, _STEPS)
            slider.setEnabled(setting.most <= _WHOLE)
            label = QLabel(setting.title)
            for widget in (label, slider, box):
                widget.setToolTip(setting.tip)
            box.valueChanged.connect(lambda _: self._emit())
            slider.valueChanged.connect(
                lambda at, b=box, most=setting.most: b.setValue(at / _STEPS * most)
            )
            for column, widget in enumerate((label, slider, box)):
                self._grid.addWidget(widget, place, column)
            self._boxes[setting.key] = box, slider, setting

    # What the user does

    def _emit(self) -> None:
        values = {key: box.value() for key, (box, _, _) in self._boxes.items()}
        for key, (_, slider, setting) in self._boxes.items():
            with QSignalBlocker(slider):
                slider.setValue(round(values[key] / setting.most * _STEPS))
        self.thresholdsChosen.emit(values)
