"""Every model tried, as a table that sorts and filters.

`TrialTable` is the model, `TrialFilter` the proxy that a view shows.
"""

import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)

from app.plots.styles import model_name
from app.text import format as text
from app.text.speed import SPEEDUP_TIP, describe_speedup
from core.results import Trial
from core.tables import RECOVERIES, metrics_for
from core.types import PruneRequest

Index = QModelIndex | QPersistentModelIndex
Value = str | float

REQUEST = Qt.ItemDataRole.UserRole + 1  # PruneRequest of a row
SORTED = Qt.ItemDataRole.UserRole + 2  # str or float; nan when unknown

_NOT_KNOWN = math.nan
_SIGNS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_CONDITION = re.compile(r"([a-z][a-z-]*)(>=|<=|>|<|=)(-?\d+(?:\.\d+)?)%?")


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Parameters
    ----------
    key
        Name in a filter, such as ``aji`` in ``aji>0.9``.
    title, tip
        Header and its tooltip.
    value
        What is sorted by; nan when it is not known.
    show
        What is written.
    """

    key: str
    title: str
    tip: str
    value: Callable[[Trial], Value]
    show: Callable[[Trial], str]


def _score(key: str) -> tuple[Callable[[Trial], Value], Callable[[Trial], str]]:
    def value(trial: Trial) -> Value:
        return trial.scores.get(key, _NOT_KNOWN)

    def show(trial: Trial) -> str:
        score = trial.scores.get(key, _NOT_KNOWN)
        return text.DASH if math.isnan(score) else text.score(score)

    return value, show


def _latency(trial: Trial) -> str:
    timed = trial.latency
    return text.milliseconds(timed.pruned_ms) if timed else text.DASH


def _rule(trial: Trial) -> str:
    """Return how channels were chosen, or which model stands beside the open one."""
    asked = trial.request
    return f"model {model_name(asked.model)}" if asked.model else asked.heuristic


def _speedup(trial: Trial) -> str:
    timed = trial.measured
    return text.DASH if timed is None else describe_speedup(timed)


COLUMNS: tuple[Column, ...] = (
    Column(
        "heuristic",
        "Heuristic",
        "The rule that scored what may be removed.",
        _rule,
        _rule,
    ),
    Column(
        "scope",
        "Scope",
        "Where channels were removed.",
        lambda t: t.request.scope,
        lambda t: t.request.scope,
    ),
    Column(
        "recovery",
        "Recovery",
        "How the remaining weights were repaired.",
        lambda t: RECOVERIES[t.request.recovery].phrase,
        lambda t: RECOVERIES[t.request.recovery].phrase,
    ),
    Column(
        "sparsity",
        "Sparsity",
        "Share that was asked to be removed, in percent.",
        lambda t: 100 * t.request.sparsity,
        lambda t: text.percent(t.request.sparsity, 1),
    ),
    Column(
        "params",
        "Parameters",
        "Weights that are left.",
        lambda t: float(t.pruned.params),
        lambda t: text.quantity(t.pruned.params),
    ),
    Column(
        "macs",
        "MACs",
        "Multiply-accumulates that are left, per 256\N{MULTIPLICATION SIGN}256 pixels "
        "of input (per patch of a classifier).",
        lambda t: float(t.pruned.macs),
        lambda t: text.quantity(t.pruned.macs),
    ),
    *(
        Column(row.key, row.title, row.tip, *_score(row.key))
        for row in metrics_for("nuclei", usual=True)
    ),
    Column(
        "ms",
        "Latency",
        "Measured time of the pruned network; empty until it is measured.",
        lambda t: t.latency.pruned_ms if t.latency else _NOT_KNOWN,
        _latency,
    ),
    Column(
        "speedup",
        "Speed-up",
        SPEEDUP_TIP,
        lambda t: t.latency.speedup if t.latency else _NOT_KNOWN,
        _speedup,
    ),
)
_KEYS = {column.key: index for index, column in enumerate(COLUMNS)}


class TrialTable(QAbstractTableModel):
    """One row per trial; rows that stay the same are not touched."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._trials: list[Trial] = []

    def set_trials(self, trials: Sequence[Trial]) -> None:
        """Show these trials; what is selected and scrolled to stays so."""
        wanted = {trial.request: trial for trial in trials}
        for row in reversed(range(len(self._trials))):
            if self._trials[row].request not in wanted:
                self.beginRemoveRows(QModelIndex(), row, row)
                del self._trials[row]
                self.endRemoveRows()
        for row, old in enumerate(self._trials):
            new = wanted.pop(old.request)
            if new is not old:
                self._trials[row] = new
                self.dataChanged.emit(
                    self.index(row, 0), self.index(row, len(COLUMNS) - 1)
                )
        if wanted:
            first = len(self._trials)
            self.beginInsertRows(QModelIndex(), first, first + len(wanted) - 1)
            self._trials.extend(wanted.values())
            self.endInsertRows()

    def row_of(self, request: PruneRequest) -> int:
        """Return the row of a request, -1 when it was not tried."""
        found = (i for i, t in enumerate(self._trials) if t.request == request)
        return next(found, -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's
        return 0 if parent.isValid() else len(self._trials)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        trial, column = self._trials[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.show(trial)
        if role == SORTED:
            return column.value(trial)
        if role == REQUEST:
            return trial.request
        if role == Qt.ItemDataRole.TextAlignmentRole:
            words = isinstance(column.value(trial), str)
            side = Qt.AlignmentFlag.AlignLeft if words else Qt.AlignmentFlag.AlignRight
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return COLUMNS[section].title
            if role == Qt.ItemDataRole.ToolTipRole:
                return COLUMNS[section].tip
        return None


class TrialFilter(QSortFilterProxyModel):
    """Sorts by values rather than words, and keeps rows that match every term."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._words: tuple[str, ...] = ()
        self._conditions: tuple[tuple[int, str, float], ...] = ()
        self.setSortRole(SORTED)

    def set_terms(self, terms: str) -> None:
        """Keep the rows that match.

        Parameters
        ----------
        terms
            Words that appear somewhere in a row, and conditions such as
            ``aji>0.9`` or ``speedup>=2``, separated by spaces; all must hold.
        """
        words, conditions = [], []
        for term in terms.lower().split():
            found = _CONDITION.fullmatch(term)
            if found and found[1] in _KEYS:
                conditions.append((_KEYS[found[1]], found[2], float(found[3])))
            else:
                words.append(term)
        self.beginFilterChange()
        self._words, self._conditions = tuple(words), tuple(conditions)
        self.endFilterChange()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        model = self.sourceModel()
        for column, sign, limit in self._conditions:
            value = model.data(model.index(row, column, parent), SORTED)
            if not isinstance(value, float) or not _SIGNS[sign](value, limit):
                return False
        if not self._words:
            return True
        said = " ".join(
            str(model.data(model.index(row, column, parent)))
            for column in range(len(COLUMNS))
        ).lower()
        return all(word in said for word in self._words)

    def lessThan(self, left: Index, right: Index) -> bool:
        one = self.sourceModel().data(left, SORTED)
        other = self.sourceModel().data(right, SORTED)
        unknown = [isinstance(v, float) and math.isnan(v) for v in (one, other)]
        if any(unknown):
            # What is not known comes last, whichever way the table is sorted.
            falling = self.sortOrder() == Qt.SortOrder.DescendingOrder
            return (
                unknown[0] and not unknown[1]
                if falling
                else (unknown[1] and not unknown[0])
            )
        return bool(one < other)
