"""Detection by centroid: HoVer-Net's F_d and F_c.

Graham et al. 2019, arXiv 1812.06499, section IV-C; radius and weights as in
its published evaluation. Start with `score_detection`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.metrics.classes import types_of
from core.metrics.overlap import centroids

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

RADIUS = 12.0
"""Pixels within which two centroids may be one nucleus (at 0.25 um/px: 3 um)."""

_CONFUSED, _UNPAIRED = 2, 1  # what a wrong type and a wrong nucleus cost in F_c


@dataclass(frozen=True, slots=True)
class Detection:
    """Nuclei of one tile, or of several added together, paired by centroid.

    Parameters
    ----------
    paired
        int64 (m, 2): type of the true and of the predicted nucleus of each
        pair; 0 where types are unknown.
    extra, missed
        int64: types of the unpaired predicted and unpaired true nuclei.
    """

    paired: Ints
    extra: Ints
    missed: Ints

    def __add__(self, other: "Detection") -> "Detection":
        """Pool two tiles."""
        return Detection(
            np.concatenate([self.paired, other.paired]),
            np.concatenate([self.extra, other.extra]),
            np.concatenate([self.missed, other.missed]),
        )

    @property
    def f1(self) -> float:
        """F_d: F1 of detection whatever the type; nan without any nucleus."""
        hits = len(self.paired)
        return _f1(hits, len(self.extra) + len(self.missed))

    @property
    def accuracy(self) -> float:
        """Share of the paired nuclei that have the right type."""
        if not len(self.paired):
            return float("nan")
        return float((self.paired[:, 0] == self.paired[:, 1]).mean())

    def type_f1(self, kind: int) -> float:
        """F_c: F1 of one type among the detected nuclei.

        As published: 2 (TP + TN) over 2 (TP + TN) + 2 FP_c + 2 FN_c + FP_d +
        FN_d, over the pairs in which either nucleus has the type (TN is then
        always 0).

        Parameters
        ----------
        kind
            Type, from 1.
        """
        true, pred = self.paired[:, 0] == kind, self.paired[:, 1] == kind
        hits = int((true & pred).sum())
        confused = int((true ^ pred).sum())
        unpaired = int((self.extra == kind).sum() + (self.missed == kind).sum())
        return _f1(hits, _CONFUSED * confused + _UNPAIRED * unpaired)


def score_detection(
    true: NDArray[Any],
    pred: NDArray[Any],
    true_classes: NDArray[Any] | None = None,
    pred_classes: NDArray[Any] | None = None,
    *,
    radius: float = RADIUS,
) -> Detection:
    """Pair the nuclei of two label maps by centroid.

    Parameters
    ----------
    true, pred
        (height, width) label maps.
    true_classes, pred_classes
        (n,) type of nucleus ``i + 1``, or None.
    radius
        Largest distance of a pair, pixels.
    """
    true_ids, true_places = centroids(true)
    pred_ids, pred_places = centroids(pred)
    first, second = pair_places(true_places, pred_places, radius)
    true_type = _types(true_ids, true_classes)
    pred_type = _types(pred_ids, pred_classes)
    return Detection(
        np.stack([true_type[first], pred_type[second]], axis=1),
        np.delete(pred_type, second),
        np.delete(true_type, first),
    )


def pair_places(first: Floats, second: Floats, radius: float) -> tuple[Ints, Ints]:
    """Pair points one to one at the smallest summed distance.

    The whole distance matrix is solved first and pairs beyond ``radius`` are
    dropped after, as the published evaluation does.

    Parameters
    ----------
    first, second
        float64 (n, 2) and (m, 2), pixels.
    radius
        Pixels.

    Returns
    -------
    paired
        Two int64 arrays of indices, pair by pair.
    """
    if not len(first) or not len(second):
        nothing = np.zeros(0, np.int64)
        return nothing, nothing
    from scipy.optimize import linear_sum_assignment  # late: slow to import

    distance = np.hypot(*(first[:, None, :] - second[None, :, :]).transpose(2, 0, 1))
    rows, cols = linear_sum_assignment(distance)
    near = distance[rows, cols] <= radius
    return rows[near].astype(np.int64), cols[near].astype(np.int64)


def _types(ids: Ints, classes: NDArray[Any] | None) -> Ints:
    if classes is None:
        return np.zeros(len(ids), np.int64)
    return types_of(ids, classes)


def _f1(hits: int, wrong: int) -> float:
    if not hits and not wrong:
        return float("nan")
    return 2 * hits / (2 * hits + wrong)
