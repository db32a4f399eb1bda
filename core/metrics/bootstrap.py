"""How far scores of one tile may be trusted: a bootstrap over its nuclei.

A score of a tile with fifty nuclei is a mean of fifty things, and would be
another one with fifty other nuclei of the same tissue. The percentile bootstrap
(Efron 1979, doi 10.1214/aos/1176344552) draws nuclei with replacement and
scores each draw. What is drawn is a true nucleus together with the predicted
ones that lie mostly on it (pieces of one nucleus stand or fall together), or a
predicted nucleus that lies on none.

It says nothing about other tiles, and intervals of two models on one tile are
wider than that of their difference.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.metrics.instances import aji_pairs, match_pairs
from core.metrics.overlap import Overlap

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ENOUGH = 5
"""Units from which an interval is given."""

_RESAMPLES = 200
_AT_ONCE = 65536  # drawn nuclei: each call is short, so a window stays live


def score_intervals(
    pairs: Overlap, *, confidence: float = 0.95, seed: int = 0
) -> Mapping[str, tuple[float, float]]:
    """Return intervals of scores, by bootstrap over nuclei.

    Parameters
    ----------
    pairs
        Counts of one tile, see `core.metrics.overlap`.
    confidence
        Share of the draws that lie within, 0 to 1.
    seed
        Of the draws: the same counts give the same intervals.

    Returns
    -------
    dict
        Low and high end, 0 to 1, of ``aji``, ``dice``, ``dq``, ``f1``, ``sq``
        and ``pq``; empty with fewer than `ENOUGH` nuclei to draw from.
    """
    units = _units(pairs)
    count = len(units)
    if count < ENOUGH:
        return {}
    rng = np.random.default_rng(seed)
    part = max(_AT_ONCE // count, 1)
    totals = []
    for start in range(0, _RESAMPLES, part):
        draws = min(part, _RESAMPLES - start)
        drawn = rng.integers(0, count, (draws, count))
        drawn += np.arange(draws)[:, None] * count
        often = np.bincount(drawn.ravel(), minlength=draws * count)
        totals.append(often.reshape(draws, count) @ units)
    tail = (1 - confidence) / 2
    found = {}
    for name, values in _scores(np.concatenate(totals)).items():
        low, high = np.quantile(values, (tail, 1 - tail))
        found[name] = float(low), float(high)
    return found


def _units(pairs: Overlap) -> Floats:
    """Return what each unit adds to the sums that scores are ratios of.

    Returns
    -------
    float64 (n, 8)
        Intersection and union of AJI, matches, their summed IoU, true nuclei,
        predicted nuclei, shared pixels, pixels of both maps.
    """
    n_true, n_pred = len(pairs.true_ids), len(pairs.pred_ids)
    home = _homes(pairs, n_true, n_pred)
    units = np.zeros((n_true + n_pred, 8))
    best = aji_pairs(pairs)
    spare_true, spare_pred = np.ones(n_true, np.bool_), np.ones(n_pred, np.bool_)
    spare_true[pairs.rows[best]] = False
    spare_pred[pairs.cols[best]] = False
    _add(units, 0, pairs.rows[best], pairs.counts[best])
    _add(units, 1, pairs.rows[best], pairs.unions[best])
    _add(units, 1, np.flatnonzero(spare_true), pairs.true_areas[spare_true])
    _add(units, 1, home[spare_pred], pairs.pred_areas[spare_pred])
    matched = match_pairs(pairs)
    _add(units, 2, pairs.rows[matched], np.ones(len(matched)))
    _add(units, 3, pairs.rows[matched], pairs.ious[matched])
    _add(units, 4, np.arange(n_true), np.ones(n_true))
    _add(units, 5, home, np.ones(n_pred))
    _add(units, 6, pairs.rows, pairs.counts)
    _add(units, 7, np.arange(n_true), pairs.true_areas)
    _add(units, 7, home, pairs.pred_areas)
    used = np.ones(n_true + n_pred, np.bool_)
    used[n_true:] = home >= n_true  # the others belong to a true nucleus
    return units[used]


def _homes(pairs: Overlap, n_true: int, n_pred: int) -> Ints:
    """Return the unit of each predicted nucleus."""
    home = n_true + np.arange(n_pred)
    order = np.lexsort((pairs.rows, -pairs.counts, pairs.cols))
    first = order[np.flatnonzero(np.diff(pairs.cols[order], prepend=-1))]
    home[pairs.cols[first]] = pairs.rows[first]
    return home


def _add(units: Floats, column: int, rows: Ints, values: NDArray[np.generic]) -> None:
    np.add.at(units[:, column], rows, values.astype(np.float64))


def _scores(totals: Floats) -> dict[str, Floats]:
    """Return scores of draws; a draw without nuclei cannot happen."""
    inside, union, hits, ious, n_true, n_pred, shared, pixels = totals.T
    detected = _ratio(2 * hits, n_true + n_pred)
    quality = _ratio(ious, hits)
    return {
        "aji": _ratio(inside, union),
        "dice": _ratio(2 * shared, pixels),
        "dq": detected,
        "f1": detected,
        "sq": quality,
        "pq": detected * quality,
    }


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
