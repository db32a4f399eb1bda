"""Integer labels for channels, and which of them live or die together.

Every channel of every tensor carries a label. Operations *unite* labels (an
addition needs both operands' channel 3) or *fix* them (the model's outputs).
`Labels.solve` then numbers the classes of united labels: the atoms.

To read this file, start from `Labels`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

LabelArray = NDArray[np.int64]

FIXED = 0
"""The atom of everything that may not be removed."""


@dataclass(frozen=True, slots=True)
class Atoms:
    """Labels after all unions.

    Parameters
    ----------
    of_label
        int64 (labels,): atom of each label; `FIXED` for what may not go.
    count
        Number of atoms, `FIXED` included.
    reasons
        Why a label is fixed: label to sentence fragment, for those whose class
        was fixed.
    """

    of_label: LabelArray
    count: int
    reasons: Mapping[int, str]


class Labels:
    """Collects unions and fixes; cheap until `solve`.

    Unions are only written down while tracing. One pass of connected components
    at the end is a hundred times faster than a union-find in Python.
    """

    def __init__(self) -> None:
        self._count = 1  # label 0 belongs to FIXED
        self._edges: list[tuple[LabelArray, LabelArray]] = []
        self._fixes: list[tuple[LabelArray, str]] = []

    def fresh(self, count: int) -> LabelArray:
        """Return ``count`` labels that nothing else carries, int64 (count,)."""
        first = self._count
        self._count += count
        return np.arange(first, self._count, dtype=np.int64)

    def unite(self, left: LabelArray, right: LabelArray) -> None:
        """Make ``left[i]`` and ``right[i]`` one atom; shapes must broadcast."""
        first, second = np.broadcast_arrays(left, right)
        self._edges.append((first.ravel(), second.ravel()))

    def fix(self, labels: LabelArray, reason: str) -> None:
        """Never remove these channels, because of ``reason``."""
        self._fixes.append((np.asarray(labels).ravel(), reason))

    def solve(self) -> Atoms:
        """Number the classes: `FIXED` first, the others by first appearance."""
        classes = self._classes()
        reason_of_class: dict[int, str] = {int(classes[0]): ""}
        for labels, reason in self._fixes:
            for cls in np.unique(classes[labels]):
                reason_of_class.setdefault(int(cls), reason)
        fixed = np.zeros(int(classes.max()) + 1, dtype=bool)
        fixed[list(reason_of_class)] = True
        free = classes[~fixed[classes]]
        order, first = np.unique(free, return_index=True)
        atom_of_class = np.zeros(fixed.size, dtype=np.int64)
        atom_of_class[order[np.argsort(first)]] = np.arange(1, order.size + 1)
        reasons = {
            int(label): reason_of_class[int(classes[label])]
            for label in np.flatnonzero(fixed[classes])
        }
        return Atoms(atom_of_class[classes], order.size + 1, reasons)

    def _classes(self) -> LabelArray:
        left = np.concatenate([a for a, _ in self._edges] or [np.zeros(0, np.int64)])
        right = np.concatenate([b for _, b in self._edges] or [np.zeros(0, np.int64)])
        links = coo_array(
            (np.ones(left.size, np.int8), (left, right)),
            shape=(self._count, self._count),
        )
        _, classes = connected_components(links, directed=False)
        return np.asarray(classes, dtype=np.int64)
