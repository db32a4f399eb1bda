"""Scores of a whole instance map.

Start with `score_instances`. Names are exact, because papers mix them:

- ``dice``: pixels of all nuclei together ("Dice-1").
- ``dice2``: ensemble Dice over all overlapping pairs ("Dice-2", Kumar 2017).
- ``aji``: Kumar et al. 2017, doi 10.1109/TMI.2017.2677499, eq. 1; a predicted
  nucleus may serve several true ones.
- ``aji_plus``: the same with unique pairs of largest summed IoU (Graham et al.
  2019, HoVer-Net, arXiv 1812.06499).
- ``dq``, ``sq``, ``pq``: Kirillov et al. 2019, arXiv 1801.00868, pairs with
  IoU *above* the threshold; ``dq`` is the F1 of detection.
- ``mpq``: Gamper et al. 2020, arXiv 2003.10778, mean over the nucleus types that the
  truth has; ``f1_types``: the same of the F1, over types that either map has.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.metrics.classes import mean_multiclass_pq, tally_overlap
from core.metrics.matching import match_unique
from core.metrics.overlap import Overlap, overlap
from core.tables import METRICS

Ints = NDArray[np.int64]
Types = tuple[NDArray[Any] | None, NDArray[Any] | None]
"""Types of the true and of the predicted nuclei, by id; None where there are none."""

_TINY = 1e-6  # as in the reference code: of two equal IoUs the larger pair wins


@dataclass(frozen=True, slots=True)
class Scores:
    """How well one instance map agrees with another.

    All scores lie in 0 to 1. When neither map holds a nucleus they are nan and
    belong in no mean; when only one does they are 0.

    Parameters
    ----------
    dice, dice2, aji, aji_plus
        See the module.
    dq, sq, pq
        Detection, segmentation and panoptic quality.
    f1, precision, recall
        Of detection at `threshold`.
    n_true, n_pred
        Nuclei in each map.
    hits, extra, missed
        Matched pairs, unmatched predicted nuclei, unmatched true nuclei.
    threshold
        IoU above which a pair matches.
    f1_types, mpq
        Means over nucleus types, see the module; None where types are not known.
    """

    dice: float
    dice2: float
    aji: float
    aji_plus: float
    dq: float
    sq: float
    pq: float
    f1: float
    precision: float
    recall: float
    n_true: int
    n_pred: int
    hits: int
    extra: int
    missed: int
    threshold: float = 0.5
    f1_types: float | None = None
    mpq: float | None = None

    def as_dict(self) -> dict[str, float | int]:
        """All known fields by name, ready for JSON (nan stays nan)."""
        return {k: value for k, value in asdict(self).items() if value is not None}

    def by_name(self) -> dict[str, float]:
        """Return the scores of `core.tables.METRICS` alone, without any counts."""
        known = self.as_dict()
        return {name: float(known[name]) for name in METRICS if name in known}


def score_instances(
    true: NDArray[Any],
    pred: NDArray[Any],
    *,
    threshold: float = 0.5,
    inclusive: bool = False,
    types: Types = (None, None),
) -> Scores:
    """Compare two instance maps of one tile.

    Parameters
    ----------
    true, pred
        (height, width), any integer dtype, 0 = background; ids as they come.
    threshold
        IoU that a detection must exceed, 0 to 1.
    inclusive
        Let a pair match at exactly ``threshold`` and match as many pairs as
        possible (StarDist's convention) rather than only above it (HoVer-Net,
        PanNuke, CoNIC).
    types
        int (n,) each: type of nucleus ``i + 1``, from 1, 0 = unknown.

    Returns
    -------
    scores
        See `Scores`.

    Raises
    ------
    InputError
        When the maps differ in shape or are no label maps.
    """
    pairs = overlap(true, pred)
    return score_overlap(pairs, threshold=threshold, inclusive=inclusive, types=types)


def score_overlap(
    pairs: Overlap,
    *,
    threshold: float = 0.5,
    inclusive: bool = False,
    types: Types = (None, None),
) -> Scores:
    """`score_instances` from counts that are already there."""
    n_true, n_pred = len(pairs.true_ids), len(pairs.pred_ids)
    matched = match_pairs(pairs, threshold=threshold, inclusive=inclusive)
    hits = len(matched)
    nothing = n_true == n_pred == 0
    foreground = int(pairs.true_areas.sum() + pairs.pred_areas.sum())
    shared = int(pairs.counts.sum())
    touching = int((pairs.unions + pairs.counts).sum())
    dq = _ratio(2 * hits, n_true + n_pred, nothing)
    sq = _ratio(float(pairs.ious[matched].sum()), hits, nothing)
    by_type = _by_type(pairs, *types)
    return Scores(
        dice=_ratio(2 * shared, foreground, nothing),
        dice2=_ratio(2 * shared, touching, nothing),
        aji=_jaccard(pairs, aji_pairs(pairs), nothing),
        aji_plus=_jaccard(pairs, _best_unique(pairs), nothing),
        dq=dq,
        sq=sq,
        pq=dq * sq,
        f1=dq,
        precision=_ratio(hits, n_pred, nothing),
        recall=_ratio(hits, n_true, nothing),
        n_true=n_true,
        n_pred=n_pred,
        hits=hits,
        extra=n_pred - hits,
        missed=n_true - hits,
        threshold=threshold,
        f1_types=by_type[0],
        mpq=by_type[1],
    )


def match_pairs(
    pairs: Overlap, *, threshold: float = 0.5, inclusive: bool = False
) -> Ints:
    """Choose the pairs that count as the same nucleus.

    Returns
    -------
    chosen
        int64, indices into the pairs, each nucleus at most once. Above 0.5 the
        choice is unique by itself; below, summed IoU is maximised first and
        the threshold applied after, as in the reference code. ``inclusive``
        maximises the number of matches first.
    """
    ious = pairs.ious
    if inclusive:
        close = np.flatnonzero(ious >= threshold)
        weights = 1 + ious[close] / (2 * max(len(close), 1))
        return close[match_unique(pairs.rows[close], pairs.cols[close], weights)]
    if threshold >= 0.5:
        return np.flatnonzero(ious > threshold)
    chosen = _best_unique(pairs)
    return chosen[ious[chosen] > threshold]


def _best_unique(pairs: Overlap) -> Ints:
    weights = pairs.counts / (pairs.unions + _TINY)
    return match_unique(pairs.rows, pairs.cols, weights)


def aji_pairs(pairs: Overlap) -> Ints:
    """Return, for each true nucleus that is touched, its pair of highest IoU.

    Returns
    -------
    int64
        Indices into the pairs: those of AJI (Kumar et al. 2017, algorithm 1).
    """
    order = np.lexsort((-pairs.counts / (pairs.unions + _TINY), pairs.rows))
    return order[np.flatnonzero(np.diff(pairs.rows[order], prepend=-1))]


def _by_type(
    pairs: Overlap, true: NDArray[Any] | None, pred: NDArray[Any] | None
) -> tuple[float, float] | tuple[None, None]:
    """Return F1 and PQ, means over types; None where types are not known."""
    if true is None or pred is None:
        return None, None
    kinds = max(int(true.max(initial=0)), int(pred.max(initial=0)))
    tally = tally_overlap(pairs, true, pred, kinds)
    return tally.mean_f1, mean_multiclass_pq([tally])


def _jaccard(pairs: Overlap, chosen: Ints, nothing: bool) -> float:
    """Summed intersection over summed union, unpaired nuclei in the union."""
    spare_true = np.ones(len(pairs.true_ids), np.bool_)
    spare_pred = np.ones(len(pairs.pred_ids), np.bool_)
    spare_true[pairs.rows[chosen]] = False
    spare_pred[pairs.cols[chosen]] = False
    spare = pairs.true_areas[spare_true].sum() + pairs.pred_areas[spare_pred].sum()
    union = pairs.unions[chosen].sum() + spare
    return _ratio(int(pairs.counts[chosen].sum()), int(union), nothing)


def _ratio(part: float, whole: float, nothing: bool) -> float:
    if nothing:
        return float("nan")
    return part / whole if whole else 0.0
