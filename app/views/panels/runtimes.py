"""The window that says which deployment of a network is fastest on this computer.

It decides nothing: what the user asks for leaves as a signal.
"""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.state.deployment import TORCH, Choice, RuntimesWish
from app.text.runtimes import HEADER
from app.views.widgets.decimal_box import DecimalBox
from app.views.widgets.deployment_form import AUTOMATIC
from app.views.widgets.form_parts import section, spin
from app.views.widgets.segments import Segments
from app.views.widgets.work_bar import WorkBar
from app.views.widgets.work_window import WorkWindow

_FORM = 300
_MODELS = (
    ("pruned", "Pruned", "The model of the active pane."),
    ("dense", "Dense", "The open model as it is."),
)
_TIPS = {
    "difference": "Largest difference of any output from PyTorch's, as a share.",
    "PQ": "Agreement of the nuclei with PyTorch's: panoptic quality, 1 is the same.",
    "interval": "Of the speed-up, with 99 % confidence.",
}


class RuntimesWindow(WorkWindow):
    """Settings on the left, a table on the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._boxes: dict[str, QCheckBox] = {}
        form = QWidget()
        work = WorkBar(
            "comparison",
            ("Compare", "Times each runtime in turns with PyTorch."),
            "Stops at once; nothing is kept.",
        )
        super().__init__("Runtimes", (1000, 460), _FORM, work, form, parent)
        self._add_form(QVBoxLayout(form))
        self.left.addWidget(form)
        self.left.addWidget(work)
        self.left.addStretch(1)
        self._add_results(self.right)

    def _add_form(self, column: QVBoxLayout) -> None:
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(section("Network"))
        self._models = Segments("Network", _MODELS)
        self._models.chosen.connect(self._tell)
        column.addWidget(self._models)
        column.addWidget(section("Runtimes"))
        self._runtimes = QVBoxLayout()
        self._runtimes.setSpacing(2)
        column.addLayout(self._runtimes)
        self._threads = spin("Threads", 0, 256, 0, "")
        self._threads.setSpecialValueText(AUTOMATIC)
        self._threads.setToolTip("Of every runtime.")
        self._batch = spin("Patches at once", 1, 256, 1, "")
        self._batch.setToolTip("That every runtime is given together.")
        self._seconds = DecimalBox("Seconds for each", 1.0, 600.0)
        self._seconds.setSuffix(" s")
        self._seconds.setValue(10.0)
        self._seconds.setToolTip("Longer gives a narrower interval.")
        for box in (self._threads, self._batch, self._seconds):
            line = QHBoxLayout()
            line.addWidget(section(box.accessibleName()), 1)
            line.addWidget(box)
            column.addLayout(line)
            box.valueChanged.connect(self._tell)

    def _add_results(self, column: QVBoxLayout) -> None:
        self._sentence = QLabel()
        self._sentence.setWordWrap(True)
        self._sentence.setAccessibleName("Fastest here")
        column.addWidget(self._sentence)
        self._table = QTableWidget(0, len(HEADER))
        self._table.setAccessibleName("Runtimes compared")
        for place, name in enumerate(HEADER):
            title = QTableWidgetItem(name)
            title.setToolTip(_TIPS.get(name, ""))
            self._table.setHorizontalHeaderItem(place, title)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.verticalHeader().hide()
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        column.addWidget(self._table, 1)
        self._how = QLabel()
        self._how.setWordWrap(True)
        self._how.setProperty("role", "faint")
        self._how.setAccessibleName("How it was measured")
        column.addWidget(self._how)
        column.addWidget(self.note)

    @property
    def wish(self) -> RuntimesWish:
        """What the controls say."""
        marked = [key for key, box in self._boxes.items() if box.isChecked()]
        return RuntimesWish(
            self._models.choice == "pruned",
            (TORCH, *marked),
            self._threads.value(),
            self._batch.value(),
            self._seconds.value(),
        )

    # Setters: silent

    def set_runtimes(self, choices: Sequence[Choice]) -> None:
        """Offer runtimes; those that are missing are grey and say what to install."""
        for each in choices:
            if each.key == TORCH or each.key in self._boxes:
                continue
            box = QCheckBox(each.title)
            box.setEnabled(not each.reason)
            box.setChecked(not each.reason)
            box.setToolTip(each.reason or "Is timed in turns with PyTorch.")
            box.toggled.connect(self._tell)
            self._boxes[each.key] = box
            self._runtimes.addWidget(box)
            if each.reason:
                why = QLabel(each.reason)
                why.setProperty("role", "faint")
                why.setWordWrap(True)
                why.setTextInteractionFlags(
                    Qt.TextInteractionFlag.TextSelectableByMouse
                )
                self._runtimes.addWidget(why)

    def set_results(
        self, rows: Sequence[Sequence[str]], sentence: str, how: str
    ) -> None:
        """Show a table, which is fastest, and how it was measured."""
        self._sentence.setText(sentence)
        self._how.setText(how)
        self._table.setRowCount(len(rows))
        for place, cells in enumerate(rows):
            for column, words in enumerate(cells):
                self._table.setItem(place, column, QTableWidgetItem(words))

    # What the user does

    def _tell(self, *_: object) -> None:
        self.wishChanged.emit(self.wish)
