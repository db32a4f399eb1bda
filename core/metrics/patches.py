"""Scores of patch classification: one tissue class for a whole tile."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class PatchScores:
    """How well class probabilities fit the true classes.

    Parameters
    ----------
    accuracy
        Share of patches whose most likely class is right.
    balanced_accuracy
        Mean recall over the classes that occur.
    f1
        Mean F1 over the classes that occur or were predicted.
    auc
        Area under the ROC curve, mean of one class against the rest over the
        classes for which both occur; nan when there is none.
    ece
        Expected calibration error, 15 equal bins of confidence (Guo et al.
        2017, arXiv 1706.04599, eq. 3).
    n
        Patches.
    """

    accuracy: float
    balanced_accuracy: float
    f1: float
    auc: float
    ece: float
    n: int

    def as_dict(self) -> dict[str, float | int]:
        """All fields by name."""
        return asdict(self)


def score_patches(
    true: NDArray[Any], probabilities: NDArray[Any], *, bins: int = 15
) -> PatchScores:
    """Score a classifier.

    Parameters
    ----------
    true
        (n,) integer classes, 0 to k - 1.
    probabilities
        (n, k), each row sums to 1.
    bins
        Bins of confidence for the calibration error.

    Raises
    ------
    InputError
        When the shapes do not fit or a class is out of range.
    """
    truth = np.asarray(true, np.int64)
    share = np.asarray(probabilities, np.float64)
    if share.ndim != 2 or truth.shape != share.shape[:1]:
        raise InputError("Give one true class and one row of probabilities a patch.")
    if not len(truth):
        nan = float("nan")
        return PatchScores(nan, nan, nan, nan, nan, 0)
    if truth.min() < 0 or truth.max() >= share.shape[1]:
        raise InputError(
            f"True classes run from {truth.min()} to {truth.max()}, but there are "
            f"{share.shape[1]} probabilities; check the class list."
        )
    guess = share.argmax(axis=1)
    right = guess == truth
    n_classes = share.shape[1]
    hits = np.bincount(truth[right], minlength=n_classes)
    support = np.bincount(truth, minlength=n_classes)
    guessed = np.bincount(guess, minlength=n_classes)
    seen, shown = support > 0, support + guessed > 0
    return PatchScores(
        accuracy=float(right.mean()),
        balanced_accuracy=float((hits[seen] / support[seen]).mean()),
        f1=float((2 * hits[shown] / (support + guessed)[shown]).mean()),
        auc=_mean_auc(truth, share),
        ece=_calibration_error(share.max(axis=1), right, bins),
        n=len(truth),
    )


def _mean_auc(truth: Ints, share: Floats) -> float:
    areas = [
        _auc(truth == kind, share[:, kind])
        for kind in range(share.shape[1])
        if 0 < (truth == kind).sum() < len(truth)
    ]
    return float(np.mean(areas)) if areas else float("nan")


def _auc(positive: NDArray[np.bool_], score: Floats) -> float:
    """Chance that a positive outranks a negative, ties counting half."""
    found, inverse, count = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    rank = (last - (count - 1) / 2)[inverse]
    n = int(positive.sum())
    above = rank[positive].sum() - n * (n + 1) / 2
    return float(above / (n * (len(score) - n))) if len(found) else float("nan")


def _calibration_error(
    confidence: Floats, right: NDArray[np.bool_], bins: int
) -> float:
    # a confidence on a bin's upper edge belongs to that bin
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    gap = np.bincount(index, right - confidence, bins)
    return float(np.abs(gap).sum() / len(confidence))
