"""What a sweep covers: the left side of the sweep window."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.state.sweep_values import SweepSettings
from app.views.widgets.decimal_box import DecimalBox
from app.views.widgets.deployment_form import DeploymentForm
from app.views.widgets.flow import FlowLayout
from app.views.widgets.form_parts import button, line, section, spin
from app.views.widgets.machines_form import MachinesForm
from app.views.widgets.segments import Segments
from core.results import HeuristicInfo
from core.tables import COUNTS, MAX_SPARSITY, RECOVERIES, SCOPES

if TYPE_CHECKING:
    from core.types import Target

_LOCKS = "Layers locked in the drawing of the network keep all their channels."
_NO_LOCKS = "Lock layers in the drawing of the network first."
_DATA = (
    ("tile", "Open tile", "Every model is tried on the tile that is open."),
    ("folder", "Folder", "Every model is tried on a folder of tiles."),
)
_MOST = round(100 * MAX_SPARSITY)  # per cent
STORES = "Results (*.sqlite)"


class SweepForm(QWidget):
    """Controls that make up a `SweepSettings`."""

    changed = Signal(object)  # Wish, whenever the user changes anything

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        self._locked: tuple[str, ...] = ()
        self._add_data(column)
        self._add_heuristics(column)
        self._scopes = self._add_checks(column, "Scopes", _scopes(), ("network",))
        self._recoveries = self._add_checks(
            column, "Recoveries", _recoveries(), ("refit",)
        )
        self._add_minutes(column)
        self._add_numbers(column)
        self.deployment = DeploymentForm(everything=False)
        self.deployment.changed.connect(self._tell)
        column.addWidget(self.deployment)
        self._machines = MachinesForm()
        self._machines.changed.connect(self._tell)
        column.addWidget(self._machines)
        self._add_store(column)
        self.set_locked(())

    @property
    def wish(self) -> SweepSettings:
        """What the controls say."""
        marked = (self._list.item(row) for row in range(self._list.count()))
        return SweepSettings(
            data=self._folder.text() if self._kind == "folder" else "",
            heuristics=tuple(
                str(item.data(Qt.ItemDataRole.UserRole))
                for item in marked
                if item.checkState() == Qt.CheckState.Checked
            ),
            scopes=tuple(k for k, box in self._scopes.items() if box.isChecked()),
            recoveries=tuple(
                row.key
                for row in RECOVERIES.values()
                if self._recoveries[row.key].isChecked()
            ),
            count=self._count,
            locked=self._locked if self._keep.isChecked() else (),
            minutes=self._minutes.value(),
            low=self._low.value() / 100,
            high=self._high.value() / 100,
            step=self._step.value() / 100,
            seeds=self._seeds.value(),
            latency=self._latency.isChecked(),
            out=self._out.text().strip(),
            machines=self._machines.machines,
            deployment=self.deployment.deployment,
        )

    @property
    def lacks_folder(self) -> bool:
        """Whether a folder is wanted and none is named."""
        return self._kind == "folder" and not self._folder.text().strip()

    # Parts

    def _add_data(self, column: QVBoxLayout) -> None:
        column.addWidget(section("Tiles"))
        self._kind = "tile"
        self._data = Segments("Tiles", _DATA)
        self._data.set_choice("tile")
        self._data.chosen.connect(self._on_kind)
        column.addWidget(self._data)
        row = QHBoxLayout()
        self._folder = line("Folder of tiles", "images/ and labels/ in one folder")
        self._folder.setToolTip(
            "A folder with images/ and, for accuracy against the truth, labels/."
        )
        self._folder.editingFinished.connect(self._tell)
        row.addWidget(self._folder, 1)
        self._choose = button("Choose…", "Choose the folder of tiles.")
        self._choose.clicked.connect(self._ask_folder)
        row.addWidget(self._choose)
        column.addLayout(row)
        self._about = QLabel()
        self._about.setProperty("role", "faint")
        self._about.setSizePolicy(
            QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred
        )
        column.addWidget(self._about)
        self._on_kind("tile", told=False)

    def _add_heuristics(self, column: QVBoxLayout) -> None:
        column.addWidget(section("Heuristics"))
        self._list = QListWidget()
        self._list.setAccessibleName("Heuristics")
        self._list.setToolTip("Each marked heuristic becomes a curve.")
        self._list.setMinimumHeight(110)
        self._list.itemChanged.connect(self._tell)
        column.addWidget(self._list, 1)

    def _add_checks(
        self,
        column: QVBoxLayout,
        caption: str,
        choices: Sequence[tuple[str, str, str]],
        marked: tuple[str, ...],
    ) -> dict[str, QCheckBox]:
        column.addWidget(section(caption))
        row = FlowLayout(gap=10)
        boxes = {}
        for key, name, tip in choices:
            box = QCheckBox(name)
            box.setToolTip(tip)
            box.setChecked(key in marked)
            box.toggled.connect(self._tell)
            row.addWidget(box)
            boxes[key] = box
        column.addLayout(row)
        return boxes

    def _add_minutes(self, column: QVBoxLayout) -> None:
        """Add how long each model is trained, on show while any is."""
        self._training = QWidget()
        row = QHBoxLayout(self._training)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(section("Fine-tune each model for at most"), 1)
        self._minutes = DecimalBox("Minutes of fine-tuning", 0.1, 600.0)
        self._minutes.setToolTip("A training ends earlier when nothing gets better.")
        self._minutes.setSuffix(" min")
        self._minutes.setValue(2.0)
        self._minutes.valueChanged.connect(self._tell)
        row.addWidget(self._minutes)
        column.addWidget(self._training)
        self._training.hide()
        self._recoveries["finetune"].toggled.connect(self._training.setVisible)

    def _add_numbers(self, column: QVBoxLayout) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        self._low = spin("First sparsity", 0, _MOST, 0, " %")
        self._high = spin("Last sparsity", 0, _MOST, 90, " %")
        self._step = spin("Step of sparsity", 1, 50, 10, " %")
        self._seeds = spin("Seeds", 1, 20, 1, "")
        self._low.setToolTip("Smallest share that is removed.")
        self._high.setToolTip("Largest share that is removed.")
        self._step.setToolTip("Distance of neighbouring points.")
        self._seeds.setToolTip("Repetitions with another seed; they become a band.")
        spins = (self._low, self._high, self._step, self._seeds)
        words = ("Sparsity from", "to", "step", "Seeds")
        for place, (word, box) in enumerate(zip(words, spins, strict=True)):
            grid.addWidget(section(word), 0, place)
            grid.addWidget(box, 1, place)
            grid.setColumnStretch(place, 1)
            box.valueChanged.connect(self._tell)
        column.addLayout(grid)
        self._count: Target = "params"
        self._counts = Segments(
            "Sparsity counts", [(r.key, r.title, r.tip) for r in COUNTS.values()]
        )
        self._counts.chosen.connect(self._on_count)
        column.addWidget(self._counts)
        self._keep = QCheckBox()
        self._keep.toggled.connect(self._tell)
        column.addWidget(self._keep)
        self._latency = QCheckBox("Measure latency too")
        self._latency.setToolTip(
            "Times dense and pruned in turns, about three seconds for each trial."
        )
        self._latency.setChecked(True)
        self._latency.toggled.connect(self._tell)
        column.addWidget(self._latency)

    def _add_store(self, column: QVBoxLayout) -> None:
        column.addWidget(section("Results go to"))
        row = QHBoxLayout()
        self._out = line("Results go to", "run.sqlite")
        self._out.setToolTip(
            "Trials that this file has already are not run again: a sweep that was "
            "stopped goes on."
        )
        self._out.editingFinished.connect(self._tell)
        row.addWidget(self._out, 1)
        save = button("Choose…", "Choose the file that the results go to.")
        save.setAccessibleName("Choose the file of results")
        save.clicked.connect(self._ask_store)
        row.addWidget(save)
        column.addLayout(row)

    # Setters: silent

    def set_heuristics(self, heuristics: Sequence[HeuristicInfo]) -> None:
        """List what can be used on the open model, keeping what is marked."""
        before = set(self.wish.heuristics)
        default = before or {"reconstruction", "l2", "random"}
        with QSignalBlocker(self._list):
            self._list.clear()
            for each in heuristics:
                item = QListWidgetItem(each.title)
                item.setData(Qt.ItemDataRole.UserRole, each.name)
                item.setToolTip(each.needs or each.sentence)
                usable = not each.needs
                marked = usable and each.name in default
                if not usable:
                    item.setFlags(Qt.ItemFlag.NoItemFlags)
                item.setCheckState(
                    Qt.CheckState.Checked if marked else Qt.CheckState.Unchecked
                )
                self._list.addItem(item)

    def set_locked(self, names: tuple[str, ...]) -> None:
        """Offer to keep the layers that are locked; none greys it out."""
        fresh = not self._locked  # whoever locks layers means it
        self._locked = names
        number = len(names)
        with QSignalBlocker(self._keep):
            self._keep.setEnabled(number > 0)
            self._keep.setChecked(number > 0 and (fresh or self._keep.isChecked()))
        layers = f"{number} locked layer{'' if number == 1 else 's'}"
        self._keep.setText(f"Keep {layers} whole" if number else "Keep locked layers")
        self._keep.setToolTip(_LOCKS if number else _NO_LOCKS)

    def set_about(self, words: str) -> None:
        """Say what the tiles are."""
        self._about.setText(words)
        self._about.setToolTip(words)

    def set_store(self, path: str) -> None:
        """Name the file of results."""
        self._out.setText(path)
        self._out.setCursorPosition(len(path))

    def set_folder(self, path: str) -> None:
        """Name the folder of tiles and choose it."""
        self._folder.setText(path)
        self._data.set_choice("folder")
        self._on_kind("folder", told=False)

    # What the user does

    def _tell(self, *_: object) -> None:
        self.changed.emit(self.wish)

    def _on_count(self, count: str) -> None:
        self._count = COUNTS[count].key
        self._tell()

    def _on_kind(self, kind: str, *, told: bool = True) -> None:
        self._kind = kind
        for widget in (self._folder, self._choose):
            widget.setVisible(kind == "folder")
        if told:
            self._tell()

    def _ask_folder(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder of tiles")
        if path:
            self.set_folder(path)
            self._tell()

    def _ask_store(self) -> None:
        path, _ = QFileDialog.getSaveFileName(
            self,
            "Results go to",
            self._out.text(),
            STORES,
            options=QFileDialog.Option.DontConfirmOverwrite,
        )
        if path:
            self.set_store(path if path.endswith(".sqlite") else f"{path}.sqlite")
            self._tell()


def _scopes() -> list[tuple[str, str, str]]:
    return [(row.key, row.title, row.tip) for row in SCOPES.values()]


def _recoveries() -> list[tuple[str, str, str]]:
    return [(row.key, row.short, row.tip) for row in RECOVERIES.values()]
