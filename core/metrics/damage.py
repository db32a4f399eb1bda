"""Where pruning hurts: by nucleus type.

A mean hides that rare types suffer first (Hooker et al. 2019,
arXiv 1911.05248).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.metrics.changes import Change, NucleusChanges


@dataclass(frozen=True, slots=True)
class TypeDamage:
    """What happened to the nuclei of one type.

    Parameters
    ----------
    kind
        Type, from 1 (0 gathers nuclei of unknown type).
    before
        Nuclei of this type in the first map.
    kept, retyped, lost, merged, split
        How many of them met which fate; they add up to `before`.
    """

    kind: int
    before: int
    kept: int
    retyped: int
    lost: int
    merged: int
    split: int

    @property
    def share_kept(self) -> float:
        """Share that is still found with its type; nan when there were none."""
        return self.kept / self.before if self.before else float("nan")


def damage_by_type(
    changes: Iterable[NucleusChanges],
    classes: Iterable[NDArray[Any]],
    n_classes: int,
) -> tuple[TypeDamage, ...]:
    """Fate of the nuclei of each type, over one or more tiles.

    Parameters
    ----------
    changes
        One for each tile.
    classes
        For each tile (n,) type of nucleus ``i + 1`` of the first map.
    n_classes
        Number of types.

    Returns
    -------
    damage
        One for each type from 1, the one that keeps least first; types
        without nuclei last.
    """
    table = np.zeros((n_classes + 1, len(Change)), np.int64)
    for tile, types in zip(changes, classes, strict=True):
        fate = tile.before_kind
        own = np.asarray(types)[: len(fate)].astype(np.int64)
        np.add.at(table, (own[fate > 0], fate[fate > 0]), 1)
    found = [_damage(kind, table[kind]) for kind in range(1, n_classes + 1)]
    return tuple(sorted(found, key=_rank))


def _damage(kind: int, row: NDArray[np.int64]) -> TypeDamage:
    return TypeDamage(
        kind,
        before=int(row.sum()),
        kept=int(row[Change.KEPT]),
        retyped=int(row[Change.RETYPED]),
        lost=int(row[Change.LOST]),
        merged=int(row[Change.MERGED]),
        split=int(row[Change.SPLIT]),
    )


def _rank(damage: TypeDamage) -> tuple[bool, float]:
    return damage.before == 0, damage.share_kept if damage.before else 0.0
