"""The one pass over pixels that every instance score is derived from.

Start with `overlap`. Label maps consist of long horizontal runs, so the pass
finds the runs of the pair with two vector comparisons and counts those: a
1000 x 1000 map with 1,000 nuclei has about 50,000 runs. That is faster than a
``bincount`` over the pixels, and each call is short, so a window stays live.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError

Ints = NDArray[np.int64]

_AT_ONCE = 65536  # pixels


@dataclass(frozen=True, slots=True)
class Overlap:
    """Which nuclei of two label maps share how many pixels.

    Parameters
    ----------
    true_ids, pred_ids
        int64, the ids present in each map, ascending, background left out.
    true_areas, pred_areas
        int64, pixels of each of them.
    rows, cols
        int64 (m,), indices into `true_ids` and `pred_ids` of every pair that
        shares at least one pixel, ordered by row, then column.
    counts
        int64 (m,), pixels each pair shares, at least 1.
    """

    true_ids: Ints
    pred_ids: Ints
    true_areas: Ints
    pred_areas: Ints
    rows: Ints
    cols: Ints
    counts: Ints

    @property
    def unions(self) -> Ints:
        """int64 (m,), pixels in either nucleus of each pair."""
        both = self.true_areas[self.rows] + self.pred_areas[self.cols]
        return both - self.counts

    @property
    def ious(self) -> NDArray[np.float64]:
        """float64 (m,), intersection over union of each pair, in (0, 1]."""
        return self.counts / self.unions


@dataclass(frozen=True, slots=True)
class Runs:
    """Horizontal stretches of equal labels, background included.

    Parameters
    ----------
    start
        int64 (r,), flat index of the first pixel.
    length
        int64 (r,), pixels.
    first, second
        (r,), label in either map.
    """

    start: Ints
    length: Ints
    first: NDArray[Any]
    second: NDArray[Any]


def overlap(true: NDArray[Any], pred: NDArray[Any]) -> Overlap:
    """Count the pixels that each pair of nuclei shares.

    Parameters
    ----------
    true, pred
        (height, width) of one shape, any integer dtype or bool, 0 =
        background; ids need not be contiguous, arrays neither.

    Returns
    -------
    counts
        See `Overlap`.

    Raises
    ------
    InputError
        When the shapes differ or a map is not two-dimensional, whole and
        non-negative.
    """
    _check(true)
    _check(pred)
    if true.shape != pred.shape:
        raise InputError(
            f"Label maps of {_size(true)} and {_size(pred)} pixels cannot be "
            "compared; give two maps of the same tile."
        )
    runs = _runs(_flat(true), _flat(pred), true.shape[1])
    true_ids, ti = _compact(runs.first)
    pred_ids, pi = _compact(runs.second)
    both = np.flatnonzero((ti > 0) & (pi > 0))
    code = (ti[both] - 1) * max(len(pred_ids), 1) + (pi[both] - 1)
    codes, counts = _sum_by(code, runs.length[both])
    rows, cols = np.divmod(codes, max(len(pred_ids), 1))
    return Overlap(
        true_ids,
        pred_ids,
        _areas(ti, runs.length, len(true_ids)),
        _areas(pi, runs.length, len(pred_ids)),
        rows,
        cols,
        counts,
    )


def centroids(labels: NDArray[Any]) -> tuple[Ints, NDArray[np.float64]]:
    """Find the mean position of each nucleus.

    Returns
    -------
    ids
        int64 (n,), ids present, ascending.
    places
        float64 (n, 2), row and column of the centroid in pixels.
    """
    _check(labels)
    flat = _flat(labels)
    runs = _runs(flat, flat, labels.shape[1])
    ids, index = _compact(runs.first)
    row, col = np.divmod(runs.start, max(labels.shape[1], 1))
    middle = col + (runs.length - 1) / 2
    area = np.bincount(index, runs.length, len(ids) + 1)[1:]
    y = np.bincount(index, row * runs.length, len(ids) + 1)[1:]
    x = np.bincount(index, middle * runs.length, len(ids) + 1)[1:]
    return ids, np.stack([y, x], axis=1) / area[:, None]


def _flat(labels: NDArray[Any]) -> NDArray[Any]:
    flat = np.ascontiguousarray(labels).reshape(-1)
    return flat.view(np.uint8) if flat.dtype == np.bool_ else flat


def _runs(first: NDArray[Any], second: NDArray[Any], width: int) -> Runs:
    """Stretches on one row in which neither label changes.

    Works through the map a few rows at a time, so that what is read is still in
    the cache when it is read again and no large array is allocated.
    """
    step = max(_AT_ONCE // max(width, 1), 1) * max(width, 1)
    change = np.empty(min(step, first.size), np.bool_)
    parts = []
    for low in range(0, first.size, step):
        a, b = first[low : low + step], second[low : low + step]
        changed = change[: a.size]
        np.not_equal(a[1:], a[:-1], out=changed[1:])
        if second is not first:
            changed[1:] |= b[1:] != b[:-1]
        changed[::width] = True
        start = np.flatnonzero(changed)
        length = np.diff(start, append=a.size)
        parts.append((start + low, length, a[start], b[start]))
    if not parts:
        nothing = np.zeros(0, np.int64)
        return Runs(nothing, nothing, nothing, nothing)
    return Runs(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _compact(labels: NDArray[Any]) -> tuple[Ints, Ints]:
    """Ids present, and each label as 1 + its index among them (0 stays 0)."""
    values = labels.astype(np.int64)
    top = int(values.max(initial=0))
    if values.min(initial=0) < 0:
        raise InputError("A label map has negative ids; number nuclei from 1 upwards.")
    if top > 4 * len(values) + 65536:  # sparse ids: a table would be wasteful
        found, inverse = np.unique(values, return_inverse=True)
        ids = found[found > 0]
        return ids, inverse + (len(ids) == len(found))
    present = np.zeros(top + 1, np.bool_)
    present[values] = True
    present[0] = False
    index = np.cumsum(present, dtype=np.int64)
    index[0] = 0
    return np.flatnonzero(present), index[values]


def _sum_by(keys: Ints, values: Ints) -> tuple[Ints, Ints]:
    """Sum of ``values`` per distinct key, keys ascending."""
    if not len(keys):
        return keys, values
    order = np.argsort(keys, kind="stable")
    keys, values = keys[order], values[order]
    first = np.flatnonzero(np.diff(keys, prepend=keys[0] - 1))
    return keys[first], np.add.reduceat(values, first)


def _areas(index: Ints, length: Ints, count: int) -> Ints:
    # float64 sums of whole numbers are exact up to 2^53 pixels
    return np.bincount(index, length, count + 1)[1:].astype(np.int64)


def _check(labels: NDArray[Any]) -> None:
    if labels.ndim != 2 or labels.dtype.kind not in "biu":
        raise InputError(
            f"A label map must be a two-dimensional grid of whole numbers, not "
            f"{labels.dtype} of shape {labels.shape}; read it with read_labels."
        )


def _size(labels: NDArray[Any]) -> str:
    return f"{labels.shape[1]} x {labels.shape[0]}"
