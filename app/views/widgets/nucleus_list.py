"""The list of nuclei that changed: sort it, walk through it, go there."""

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTableView,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.state.values import Kind
from app.text.changes import KIND_WORD
from app.text.format import counted
from app.views.widgets.dimming import set_dimmed
from app.views.widgets.nucleus_rows import COLUMNS, NucleusRows
from core.metrics import ChangeColumns
from core.results import PatchChange

_ROW = 23  # pixels
_WIDTHS = (104, 172, 128, 74)

_Waiting = tuple[
    ChangeColumns | None, tuple[str, ...], float | None, tuple[PatchChange, ...]
]


class NucleusList(QWidget):
    """A table over `NucleusRows`, with what it lists in words above it."""

    placeChosen = Signal(float, float)  # tile position of a nucleus
    allAsked = Signal()  # without a filter

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = NucleusRows(self)
        self._waiting: _Waiting | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 0, 4, 4)
        column.setSpacing(4)
        head = QHBoxLayout()
        head.setSpacing(10)
        self._title = QLabel()
        self._title.setProperty("role", "title")
        head.addWidget(self._title)
        hint = QLabel("Arrow keys walk through, Enter goes there again.")
        hint.setProperty("role", "faint")
        head.addWidget(hint, 1)
        self._all = QToolButton()
        self._all.setText("All changes")
        self._all.setProperty("chip", "true")
        self._all.setToolTip("List every kind of change again.")
        self._all.clicked.connect(self.allAsked)
        head.addWidget(self._all)
        column.addLayout(head)
        self.table = QTableView()
        self._set_up(self.table)
        column.addWidget(self.table, 1)
        self.setFixedHeight(158)
        self.set_kind(None)

    def _set_up(self, table: QTableView) -> None:
        table.setModel(self._rows)
        table.setAccessibleName("Nuclei that changed")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setTabKeyNavigation(False)  # Tab leaves the table
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        # Rows of one height: Qt need not ask for any that is not seen.
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(_ROW)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        header.setSortIndicator(0, Qt.SortOrder.AscendingOrder)
        table.setSortingEnabled(True)
        for section, width in enumerate(_WIDTHS):
            table.setColumnWidth(section, width)
        table.activated.connect(self._go)
        table.selectionModel().currentRowChanged.connect(self._go)

    # Setters: silent

    def set_events(
        self,
        events: ChangeColumns | None,
        names: tuple[str, ...],
        mpp: float | None,
        patches: tuple[PatchChange, ...] = (),
    ) -> None:
        """List what became of nuclei; see `NucleusRows.set_events`."""
        self._waiting = events, names, mpp, patches
        self.table.setColumnHidden(COLUMNS.index("Type"), not names)
        if self.isVisible():
            self._fill()

    def set_kind(self, kind: Kind | None) -> None:
        """List one kind only, or all changes."""
        self._rows.set_kind(kind)
        self._all.setVisible(kind is not None)
        self._count()

    def set_late(self, words: str) -> None:
        """Dim the rows while they are of other settings; silent."""
        set_dimmed(self.table, bool(words))

    def select(self, place: tuple[float, float]) -> None:
        """Mark the nucleus at a place, if it is listed."""
        row = self._rows.nearest(place) if self.isVisible() else -1
        if row >= 0:
            model = self.table.selectionModel()
            model.blockSignals(True)  # the panes are there already
            self.table.selectRow(row)
            model.blockSignals(False)
            self.table.viewport().update()

    def showEvent(self, event: QShowEvent) -> None:
        self._fill()
        super().showEvent(event)

    def _fill(self) -> None:
        """Take over what came while nobody looked."""
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            self._rows.set_events(*waiting)
            self._count()

    def _count(self) -> None:
        number, kind = self._rows.rowCount(), self._rows.kind
        if kind is None:
            words = ("patch", "patches") if self._rows.patches else ("change", None)
            self._title.setText(counted(number, *words))
        else:
            self._title.setText(f"{number:,} {KIND_WORD[kind]}")

    # What the user does

    def _go(self, index: QModelIndex, _: QModelIndex | None = None) -> None:
        if index.isValid():
            self.placeChosen.emit(*self._rows.place(index.row()))
