"""The table of every model tried, below the panes."""

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.plots.tables import COLUMNS, REQUEST, TrialFilter, TrialTable
from core.results import Trial
from core.types import PruneRequest


class _View(QTableView):
    """A table whose Enter key acts on the row, wherever the desktop says not to."""

    entered_row = Signal(QModelIndex)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            if self.currentIndex().isValid():
                self.entered_row.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)


class Table(QWidget):
    """A filter and a table; a row is a state that one can go to."""

    rowChosen = Signal(object)  # PruneRequest

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.trials = TrialTable(self)
        self.shown = TrialFilter(self)
        self.shown.setSourceModel(self.trials)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 8)
        column.setSpacing(6)
        row = QHBoxLayout()
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter: words, or aji>0.9 speedup>=2")
        self.filter.setAccessibleName("Filter of the table")
        names = ", ".join(one.key for one in COLUMNS)
        self.filter.setToolTip(
            f"Keeps the rows in which every term holds; columns are {names}."
        )
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._on_filter)
        row.addWidget(self.filter, 1)
        self._count = QLabel()
        self._count.setProperty("role", "faint")
        row.addWidget(self._count)
        column.addLayout(row)
        self.view = self._table()
        column.addWidget(self.view)
        for signal in (
            self.shown.rowsInserted,
            self.shown.rowsRemoved,
            self.shown.modelReset,
        ):
            signal.connect(self._write_count)
        self._write_count()

    def _table(self) -> _View:
        view = _View()
        view.setAccessibleName("Models tried")
        view.setToolTip("Click a row, or press Enter on it, to go there.")
        view.setModel(self.shown)
        view.setSortingEnabled(True)
        view.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setTabKeyNavigation(False)
        view.setShowGrid(False)
        view.setAlternatingRowColors(True)
        view.setWordWrap(False)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(24)
        header = view.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        last = len(COLUMNS) - 1
        header.setSectionResizeMode(last, QHeaderView.ResizeMode.ResizeToContents)
        header.setHighlightSections(False)
        view.setMinimumHeight(header.sizeHint().height() + 3 * 24)
        view.clicked.connect(self._on_row)
        view.entered_row.connect(self._on_row)
        return view

    # Setters: silent

    def set_trials(self, trials: Sequence[Trial]) -> None:
        """Show these trials."""
        self.trials.set_trials(trials)
        self._write_count()

    def set_current(self, request: PruneRequest) -> None:
        """Mark the row of the active pane, if it is shown."""
        row = self.trials.row_of(request)
        index = self.shown.mapFromSource(self.trials.index(row, 0))
        selection = self.view.selectionModel()
        if not index.isValid():
            selection.clearSelection()
        elif not selection.isRowSelected(index.row(), QModelIndex()):
            flag = QItemSelectionModel.SelectionFlag
            selection.setCurrentIndex(index, flag.ClearAndSelect | flag.Rows)

    def _write_count(self) -> None:
        shown, total = self.shown.rowCount(), self.trials.rowCount()
        words = f"{shown} of {total} models" if shown < total else f"{total} models"
        self._count.setText(words)

    # What the user does

    def _on_filter(self, terms: str) -> None:
        self.shown.set_terms(terms)
        self._write_count()

    def _on_row(self, index: QModelIndex) -> None:
        self.rowChosen.emit(index.data(REQUEST))
