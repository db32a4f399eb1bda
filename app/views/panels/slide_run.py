"""The window that runs a whole slide, and the map of what the pruned model changed.

It decides nothing: what the user asks for leaves as a signal.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.state.deployment import SlideWish
from app.state.slide_map import SlideMap
from app.state.values import Kind
from app.views.widgets.damage_map import DamageMap
from app.views.widgets.deployment_form import DeploymentForm
from app.views.widgets.form_parts import button, line, section
from app.views.widgets.machines_form import MachinesForm
from app.views.widgets.segments import Segments
from app.views.widgets.work_bar import WorkBar
from app.views.widgets.work_window import WorkWindow
from core.tables import TILE_ENDINGS, file_filter

_FORM = 380
_MODELS = (
    ("both", "Dense and pruned", "Run the pruned model of the active pane beside it."),
    ("dense", "Dense only", "Find nuclei with the dense model alone."),
)
_KINDS: tuple[tuple[Kind, str, str], ...] = (
    ("lost", "Lost", "Found by the dense model, missing in the pruned one."),
    ("merged", "Merged", "Nuclei of the dense model that became one."),
    ("kept", "Kept", "Found by both models."),
)
COLUMNS = ("x", "y", "dense", "lost", "merged", "kept", "lost + merged per {unit}")


class SlideRunWindow(WorkWindow):
    """Settings on the left, the map and the worst regions on the right."""

    placeAsked = Signal(int)  # region to open in the main window, by its place
    resultsAsked = Signal(str)  # folder of an earlier run

    def __init__(self, parent: QWidget | None = None) -> None:
        self._regions: Sequence[Mapping[str, Any]] = ()
        form = QWidget()
        work = WorkBar(
            "slide run",
            ("Run slide", "Goes on where a run into the same folder was stopped."),
            "Stops at once; finished patches are kept, and Run slide goes on.",
        )
        super().__init__("Whole slide", (1180, 740), _FORM, work, form, parent)
        self._add_form(QVBoxLayout(form))
        self._said = QLabel()
        self._said.setWordWrap(True)
        self._said.setAccessibleName("Result of the slide")
        self._said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        for part in (form, work, self.note, self._said):
            self.left.addWidget(part)
        self.left.addStretch(1)
        self._add_results(self.right)
        self.set_results(None, (), "mm²")

    def _add_form(self, column: QVBoxLayout) -> None:
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(section("Slide"))
        self._slide = line("Slide", "file of a slide")
        column.addLayout(self._with_button(self._slide, self._ask_slide))
        column.addWidget(section("Models"))
        self._models = Segments("Models", _MODELS)
        self._models.chosen.connect(self._tell)
        column.addWidget(self._models)
        self._about = QLabel()
        self._about.setProperty("role", "faint")
        self._about.setWordWrap(True)
        column.addWidget(self._about)
        self._everywhere = QCheckBox("Look at patches without tissue, too")
        self._everywhere.setToolTip("Else glass is left out, found at low power.")
        self._everywhere.toggled.connect(self._tell)
        column.addWidget(self._everywhere)
        self.deployment = DeploymentForm()
        self.deployment.changed.connect(self._tell)
        column.addWidget(self.deployment)
        self._machines = MachinesForm()
        self._machines.changed.connect(self._tell)
        column.addWidget(self._machines)
        column.addWidget(section("Results go to"))
        self._out = line("Folder of the results", "a folder of its own")
        column.addLayout(self._with_button(self._out, self._ask_folder))

    def _with_button(self, box: QWidget, ask: Any) -> QHBoxLayout:
        row = QHBoxLayout()
        box.editingFinished.connect(self._tell)  # type: ignore[attr-defined]
        row.addWidget(box, 1)
        choose = button("Choose…", f"Choose: {box.accessibleName().lower()}.")
        choose.setAccessibleName(f"Choose {box.accessibleName().lower()}")
        choose.clicked.connect(ask)
        row.addWidget(choose)
        return row

    def _add_results(self, column: QVBoxLayout) -> None:
        row = QHBoxLayout()
        self._kinds = Segments("Kind of change", _KINDS)
        self._kinds.chosen.connect(self._on_kind)
        row.addWidget(self._kinds)
        self._scale = QLabel()
        self._scale.setProperty("role", "faint")
        self._scale.setAccessibleName("Scale of the map")
        row.addWidget(self._scale, 1)
        more = button("Open results…", "Show the map of an earlier run.")
        more.clicked.connect(self._ask_results)
        row.addWidget(more)
        column.addLayout(row)
        self.map = DamageMap()
        self.map.regionChosen.connect(self._on_region)
        column.addWidget(self.map, 3)
        self._table = QTableWidget(0, len(COLUMNS))
        self._table.setAccessibleName("Regions, worst first")
        self._table.setToolTip("Click a row, or press Enter on it, to go there.")
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.verticalHeader().hide()
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        last = len(COLUMNS) - 1
        header.setSectionResizeMode(last, QHeaderView.ResizeMode.ResizeToContents)
        self._table.cellClicked.connect(lambda place, _: self._on_region(place))
        self._table.cellActivated.connect(lambda place, _: self._on_region(place))
        column.addWidget(self._table, 2)

    @property
    def wish(self) -> SlideWish:
        """What the controls say."""
        return SlideWish(
            self._slide.text().strip(),
            self._out.text().strip(),
            self._models.choice == "both",
            self._everywhere.isChecked(),
            self.deployment.deployment,
            self._machines.machines,
        )

    # Setters: silent

    def set_slide(self, path: str) -> None:
        """Name the slide."""
        self._slide.setText(path)

    def set_out(self, path: str) -> None:
        """Name the folder of the results."""
        self._out.setText(path)

    def set_models(self, words: str) -> None:
        """Say which models run."""
        self._about.setText(words)

    def set_summary(self, lines: Sequence[str]) -> None:
        """Say what was found."""
        self._said.setText("\n".join(lines))

    def set_results(
        self, slide: SlideMap | None, regions: Sequence[Mapping[str, Any]], unit: str
    ) -> None:
        """Show a map and its regions, worst first."""
        self._regions, self._unit = regions, unit
        self.map.set_regions(slide, regions, unit)
        self._table.setHorizontalHeaderLabels([c.format(unit=unit) for c in COLUMNS])
        with QSignalBlocker(self._table):
            self._table.setRowCount(len(regions))
            for place, region in enumerate(regions):
                bad = region["lost_density"] + region["merged_density"]
                cells = [*(str(region[c]) for c in COLUMNS[:-1]), f"{bad:.1f}"]
                for column, words in enumerate(cells):
                    item = QTableWidgetItem(words)
                    item.setTextAlignment(
                        Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                    )
                    self._table.setItem(place, column, item)
        self._write_scale()

    # What the user does

    def _tell(self, *_: object) -> None:
        self.wishChanged.emit(self.wish)

    def _on_kind(self, kind: str) -> None:
        self.map.set_kind(cast("Kind", kind))
        self._write_scale()

    def _write_scale(self) -> None:
        words = f"0 to {self.map.top:.0f} per {self._unit}" if self._regions else ""
        self._scale.setText(words)

    def _on_region(self, place: int) -> None:
        self.map.set_chosen(place)
        with QSignalBlocker(self._table):
            self._table.selectRow(place)
        self.placeAsked.emit(place)

    def _ask_slide(self) -> None:
        kinds = file_filter("Slides", TILE_ENDINGS)
        path, _ = QFileDialog.getOpenFileName(self, "Slide", self._slide.text(), kinds)
        if path:
            self.set_slide(path)
            self._tell()

    def _ask_folder(self) -> None:
        title = "Folder of the results"
        path = QFileDialog.getExistingDirectory(self, title, self._out.text())
        if path:
            self.set_out(path)
            self._tell()

    def _ask_results(self) -> None:
        title = "Folder of an earlier run"
        path = QFileDialog.getExistingDirectory(self, title, self._out.text())
        if path:
            self.resultsAsked.emit(path)
