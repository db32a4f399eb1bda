"""The nuclei that changed, as rows of an item model: nothing is made per nucleus.

Values stay in arrays; a cell is written when a view asks for it, so ten thousand
rows open as fast as ten. To read this file, start from `NucleusRows.data`.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)

from app.rendering.palette import kind_icon
from app.state.values import KINDS, Kind
from app.text.changes import KIND_WORD
from app.text.format import DASH, score
from core.metrics import Change, ChangeColumns, nucleus_changes
from core.results import PatchChange
from core.tables import TASKS

Index = QModelIndex | QPersistentModelIndex
_NOWHERE = QModelIndex()

COLUMNS = ("What", "Type", "Area", "Overlap", "Place")
_TIPS = (
    "What became of the nucleus in the pruned model.",
    "Nucleus type with the dense model, then with the pruned one.",
    "Area with the dense model, then with the pruned one.",
    "Intersection over union of the two outlines: 1 is the same, 0 is apart.",
    "Position in the tile: right and down from its upper left corner.",
)
PATCH_COLUMNS = ("What", "Class", "Probability", "Known class", "Patch")
_PATCH_TIPS = (
    "Whether the pruned model gives the patch another class than the dense model.",
    "Most likely class with the dense model, then with the pruned one.",
    "Probability of that class with the dense model, then with the pruned one.",
    "Class of the patch in labels.csv, or the name of its folder.",
    "Name of the patch.",
)
_NONE: NDArray[np.int64] = np.zeros(0, np.int64)
_NO_EVENTS = nucleus_changes(np.zeros((1, 1), int), np.zeros((1, 1), int)).columns


class NucleusRows(QAbstractTableModel):
    """What became of nuclei, sorted and filtered.

    Parameters
    ----------
    parent
        Qt owner.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._events = _NO_EVENTS
        self._names: tuple[str, ...] = ()
        self._mpp: float | None = None
        self._kind: Kind | None = None
        self._sorted: tuple[int, Qt.SortOrder] = (0, Qt.SortOrder.AscendingOrder)
        self._rows = _NONE
        self.patches: tuple[PatchChange, ...] = ()

    # What is listed

    def set_events(
        self,
        events: ChangeColumns | None,
        names: tuple[str, ...],
        mpp: float | None,
        patches: tuple[PatchChange, ...] = (),
    ) -> None:
        """List what became of nuclei.

        Parameters
        ----------
        events
            One row each; None for none.
        names
            Of nucleus types.
        mpp
            Micrometres per pixel; areas and places are in pixels without it.
        patches
            Of a classifier: one for each event. All of them are listed, those with
            another class first.
        """
        self._events, self._names, self._mpp = events or _NO_EVENTS, names, mpp
        self.patches = patches
        self._arrange()

    def set_kind(self, kind: Kind | None) -> None:
        """List one kind only; None lists all changes, without kept nuclei."""
        if kind != self._kind:
            self._kind = kind
            self._arrange()

    @property
    def kind(self) -> Kind | None:
        """The only kind that is listed, or None."""
        return self._kind

    def place(self, row: int) -> tuple[float, float]:
        """Return where the nucleus of a row is, in tile pixels."""
        event = self._rows[row]
        return float(self._events.x[event]), float(self._events.y[event])

    def nearest(self, place: tuple[float, float]) -> int:
        """Return the row of the nucleus at a place; -1 when none is within a pixel."""
        if not self._rows.size:
            return -1
        far = np.hypot(
            self._events.x[self._rows] - place[0], self._events.y[self._rows] - place[1]
        )
        row = int(far.argmin())
        return row if far[row] <= 1 else -1

    def _arrange(self) -> None:
        self.beginResetModel()
        codes = self._events.kind
        if self._kind is None and self.patches:
            chosen = np.ones(codes.shape, bool)
        elif self._kind is None:
            chosen = codes != Change.KEPT
        else:
            chosen = codes == KINDS.index(self._kind) + 1
        rows = np.flatnonzero(chosen)
        column, order = self._sorted
        keys = self._keys(column)[rows]
        if order == Qt.SortOrder.DescendingOrder:
            keys = -keys
        # Stable: equal ones stay from the top of the tile down.
        self._rows = rows[np.argsort(keys, kind="stable")]
        self.endResetModel()

    def _keys(self, column: int) -> NDArray[np.float64]:
        """Return what a column is sorted by."""
        if self.patches:
            return self._patch_keys(column)
        events = self._events
        keys = (
            events.kind,
            events.before_type * 1000.0 + events.after_type,
            np.maximum(events.before_area, events.after_area),
            events.iou,
            events.y * 1e6 + events.x,
        )
        return keys[column].astype(np.float64)

    def _patch_keys(self, column: int) -> NDArray[np.float64]:
        if column == 0:
            keys = [float(not one.changed) for one in self.patches]
        elif column == 2:
            keys = [max(one.pruned) for one in self.patches]
        else:
            words = [self._patch_cell(one, column) for one in self.patches]
            order = {word: place for place, word in enumerate(sorted(set(words)))}
            keys = [float(order[word]) for word in words]
        return np.array(keys, np.float64)

    # What Qt asks

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else int(self._rows.size)

    def columnCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        event, column = int(self._rows[index.row()]), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._cell(event, column)
        if role == Qt.ItemDataRole.DecorationRole and column == 0:
            return kind_icon(KINDS[self._events.kind[event] - 1])
        if role == Qt.ItemDataRole.TextAlignmentRole and column in {2, 3}:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{self._columns[column]}: {self._cell(event, column)}"
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._columns[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section in {2, 3}:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        tips = _PATCH_TIPS if self.patches else _TIPS
        return tips[section] if role == Qt.ItemDataRole.ToolTipRole else None

    def sort(
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        if 0 <= column < len(COLUMNS) and (column, order) != self._sorted:
            self._sorted = (column, order)
            self._arrange()

    @property
    def _columns(self) -> tuple[str, ...]:
        return PATCH_COLUMNS if self.patches else COLUMNS

    def _patch_cell(self, one: PatchChange, column: int) -> str:
        if column == 0:
            words = TASKS["patch"]
            return words.other if one.changed else words.same
        if column == 1:
            return _between("retyped", one.before, one.after)
        if column == 2:
            return f"{score(max(one.dense))} → {score(max(one.pruned))}"
        return one.target or DASH if column == 3 else one.name

    def _cell(self, event: int, column: int) -> str:
        if self.patches:
            return self._patch_cell(self.patches[event], column)
        events = self._events
        kind = KINDS[events.kind[event] - 1]
        if column == 0:
            return KIND_WORD[kind]
        if column == 1:
            sides = (int(events.before_type[event]), int(events.after_type[event]))
            return _between(kind, *(self._type(number) for number in sides))
        if column == 2:
            sides = (int(events.before_area[event]), int(events.after_area[event]))
            unit = "µm²" if self._mpp else "px"
            return f"{_between(kind, *(self._area(size) for size in sides))} {unit}"
        if column == 3:
            return score(float(events.iou[event]))
        scale, unit = (self._mpp, "µm") if self._mpp else (1.0, "px")
        x, y = float(events.x[event]) * scale, float(events.y[event]) * scale
        return f"{x:,.0f}, {y:,.0f} {unit}"

    def _type(self, number: int) -> str:
        return self._names[number - 1] if 1 <= number <= len(self._names) else DASH

    def _area(self, pixels: int) -> str:
        return f"{pixels * (self._mpp or 1.0) ** 2:,.0f}"


def _between(kind: Kind, before: str, after: str) -> str:
    """Return what a nucleus was and is; one of them where there is only one."""
    if kind == "lost":
        return before
    if kind == "new":
        return after
    return before if before == after else f"{before} → {after}"
