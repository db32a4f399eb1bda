"""Detection by centroid: HoVer-Net's F_d and F_c.

Graham et al. 2019, arXiv 1812.06499, section IV-C; radius and weights as in
its published evaluation. Start with `score_detection`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.metrics.classes import types_of
from core.metrics.matching import match_unique
from core.metrics.overlap import centroids

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

RADIUS = 12.0
"""Pixels within which two centroids may be one nucleus (at 0.25 um/px: 3 um)."""

DENSE = 16_000_000
"""Distances above which only near points are paired: 128 MB, 4,000 by 4,000."""

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
    def precision(self) -> float:
        """Share of the predicted nuclei that are paired."""
        return _share(len(self.paired), len(self.extra), nothing=self._nothing)

    @property
    def recall(self) -> float:
        """Share of the true nuclei that are paired."""
        return _share(len(self.paired), len(self.missed), nothing=self._nothing)

    @property
    def _nothing(self) -> bool:
        return not (len(self.paired) or len(self.extra) or len(self.missed))

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

    def by_name(self, n_types: int = 0) -> dict[str, float]:
        """Return the scores of `core.tables.METRICS`; nan where undefined.

        Parameters
        ----------
        n_types
            Number of types; 0 when types are not known on both sides. The mean is
            over those that occur.
        """
        found = {
            "detection_f1": self.f1,
            "detection_precision": self.precision,
            "detection_recall": self.recall,
        }
        if n_types:
            kinds = [self.type_f1(kind) for kind in range(1, n_types + 1)]
            known = [each for each in kinds if each == each]  # nan is not equal to nan
            mean = sum(known) / len(known) if known else float("nan")
            found["detection_f1_types"] = mean
        return found


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
    dropped after, as the published evaluation does. Above `DENSE` distances, which
    would not fit into memory for long, only pairs within ``radius`` are looked at:
    as many of them as possible, then those of the smallest summed distance.

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
    if len(first) * len(second) > DENSE:
        return _pair_near(first, second, radius)
    from scipy.optimize import linear_sum_assignment  # late: slow to import

    distance = np.hypot(*(first[:, None, :] - second[None, :, :]).transpose(2, 0, 1))
    rows, cols = linear_sum_assignment(distance)
    near = distance[rows, cols] <= radius
    return rows[near].astype(np.int64), cols[near].astype(np.int64)


def _pair_near(first: Floats, second: Floats, radius: float) -> tuple[Ints, Ints]:
    """Pair points of which each has only a few others near."""
    from scipy.spatial import KDTree  # late: slow to import

    near = KDTree(first).sparse_distance_matrix(
        KDTree(second), radius, output_type="ndarray"
    )
    rows, cols = near["i"].astype(np.int64), near["j"].astype(np.int64)
    # any pair more outweighs all distances that it may cost
    weights = 1 - near["v"] / (radius * 2 * (min(len(first), len(second)) + 1))
    chosen = match_unique(rows, cols, weights)
    return rows[chosen], cols[chosen]


def _types(ids: Ints, classes: NDArray[Any] | None) -> Ints:
    if classes is None:
        return np.zeros(len(ids), np.int64)
    return types_of(ids, classes)


def _f1(hits: int, wrong: int) -> float:
    if not hits and not wrong:
        return float("nan")
    return 2 * hits / (2 * hits + wrong)


def _share(part: int, rest: int, *, nothing: bool) -> float:
    if nothing:
        return float("nan")
    return part / (part + rest) if part else 0.0
