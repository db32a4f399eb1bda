"""Panoptic quality of nucleus types, in the two conventions that papers use.

Types are given per nucleus: ``classes[i]`` is the type of the nucleus with id
``i + 1``, from 1; 0 means unknown and scores nowhere.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.metrics.overlap import Overlap, overlap

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassTally:
    """Matches per type, of one tile or of many added together.

    Parameters
    ----------
    hits, extra, missed
        int64 (k,): matched pairs, unmatched predictions, unmatched truths.
    iou_sums
        float64 (k,): summed IoU of the matched pairs.
    """

    hits: Ints
    extra: Ints
    missed: Ints
    iou_sums: Floats

    def __add__(self, other: Self) -> "ClassTally":
        """Pool two tiles."""
        return ClassTally(
            self.hits + other.hits,
            self.extra + other.extra,
            self.missed + other.missed,
            self.iou_sums + other.iou_sums,
        )

    @property
    def pq(self) -> Floats:
        """float64 (k,), panoptic quality; nan for a type that neither map has."""
        half = self.hits + 0.5 * (self.extra + self.missed)
        quality = np.full(len(half), np.nan)
        np.divide(self.iou_sums, half, out=quality, where=half > 0)
        return quality

    @property
    def mean_f1(self) -> float:
        """Mean over types of the F1 of detection; nan when no type occurs.

        A nucleus is found when one of its own type overlaps it with an IoU above
        0.5.
        """
        half = self.hits + 0.5 * (self.extra + self.missed)
        found = np.full(len(half), np.nan)
        np.divide(self.hits, half, out=found, where=half > 0)
        return _mean(found)

    @property
    def mean_pq(self) -> float:
        """Mean over types of the pooled quality: CoNIC's mPQ+ when pooled.

        Graham et al. 2021, arXiv 2111.14485. Types that occur nowhere are left
        out of the mean.
        """
        return _mean(self.pq)


def tally_classes(
    true: NDArray[Any],
    pred: NDArray[Any],
    true_classes: NDArray[Any],
    pred_classes: NDArray[Any],
    n_classes: int,
) -> ClassTally:
    """Count matches (IoU above 0.5) between nuclei of the same type.

    Parameters
    ----------
    true, pred
        (height, width) label maps.
    true_classes, pred_classes
        (n,) type of nucleus ``i + 1``, 0 = unknown.
    n_classes
        Number of types, k.

    Returns
    -------
    tally
        Element ``c`` is type ``c + 1``.

    Raises
    ------
    InputError
        When a nucleus has no type in the array, or one above ``n_classes``.
    """
    pairs = overlap(true, pred)
    return tally_overlap(pairs, true_classes, pred_classes, n_classes)


def tally_overlap(
    pairs: Overlap,
    true_classes: NDArray[Any],
    pred_classes: NDArray[Any],
    n_classes: int,
) -> ClassTally:
    """`tally_classes` from counts that are already there."""
    true_type = types_of(pairs.true_ids, true_classes, n_classes)
    pred_type = types_of(pairs.pred_ids, pred_classes, n_classes)
    # an IoU above 0.5 is unique within one type and over all types alike
    close = np.flatnonzero(pairs.ious > 0.5)
    kind = true_type[pairs.rows[close]]
    same = kind == pred_type[pairs.cols[close]]
    kind, ious = kind[same], pairs.ious[close][same]
    bins = n_classes + 1
    hits = np.bincount(kind, minlength=bins)[1:]
    return ClassTally(
        hits=hits,
        extra=np.bincount(pred_type, minlength=bins)[1:] - hits,
        missed=np.bincount(true_type, minlength=bins)[1:] - hits,
        iou_sums=np.bincount(kind, ious, bins)[1:].astype(np.float64),
    )


def mean_multiclass_pq(tallies: list[ClassTally]) -> float:
    """PanNuke's mPQ: mean over types within each tile, then over tiles.

    Gamper et al. 2020, arXiv 2003.10778: a type that the ground truth of a tile
    does not have is left out there, even when it was predicted.
    """
    return _mean(np.array([_mean(_of_the_truth(each)) for each in tallies]))


def _of_the_truth(tally: ClassTally) -> Floats:
    """Return PQ by type; nan for types that the ground truth does not have."""
    return np.where(tally.hits + tally.missed > 0, tally.pq, np.nan)


def pooled_pq(tallies: list[ClassTally]) -> ClassTally:
    """Pool tiles as CoNIC does; ``.mean_pq`` of the result is mPQ+.

    Raises
    ------
    InputError
        When there is no tile.
    """
    if not tallies:
        raise InputError("There is no tile to score; give at least one.")
    total = tallies[0]
    for each in tallies[1:]:
        total = total + each
    return total


def types_of(ids: Ints, classes: NDArray[Any], n_classes: int | None = None) -> Ints:
    """Look up the type of each nucleus by its id.

    Raises
    ------
    InputError
        When an id has no entry, or a type is outside 0 to ``n_classes``.
    """
    if len(ids) and ids[-1] > len(classes):
        raise InputError(
            f"Nucleus {ids[-1]} has no type: there are {len(classes)} types; "
            "give one per id, in order."
        )
    types: Ints = np.asarray(classes).astype(np.int64)[ids - 1]
    top = np.iinfo(np.int64).max if n_classes is None else n_classes
    if len(types) and (types.min() < 0 or types.max() > top):
        raise InputError(
            f"Nucleus types run from {types.min()} to {types.max()}, "
            f"but 0 to {n_classes} are known; check the class list."
        )
    return types


def _mean(values: Floats) -> float:
    """Mean of the defined values; nan without any."""
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def count_r2(true: NDArray[Any], pred: NDArray[Any]) -> float:
    """CoNIC's R2: how well the number of nuclei of each type is predicted.

    Parameters
    ----------
    true, pred
        (tiles, k) nuclei of each type on each tile.

    Returns
    -------
    r2
        Mean over types of the coefficient of determination over tiles, at most
        1; types whose true number never varies are left out, nan if all are.

    Raises
    ------
    InputError
        When the tables differ in shape.
    """
    if true.ndim != 2 or true.shape != pred.shape:
        raise InputError(
            "Give two tables of counts: one row a tile, one column a type."
        )
    truth = np.asarray(true, np.float64)
    residual = ((truth - pred) ** 2).sum(axis=0)
    total = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0) if len(truth) else residual
    varies = total > 0
    return _mean(1 - residual[varies] / total[varies])
