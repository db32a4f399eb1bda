"""How far outlines are off, and how many nuclei are too many or too few."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class BoundaryErrors:
    """Distances between the outlines of two label maps, pixels.

    Parameters
    ----------
    mean
        Average symmetric distance: the mean over all outline pixels of both
        maps of the distance to the other map's nearest outline.
    p95
        95th percentile of the same distances (robust Hausdorff distance).
    f1
        Boundary F1 (Csurka et al. 2013): share of outline pixels of each map
        within `tolerance` of the other's, combined as an F1.
    tolerance
        Pixels.
    """

    mean: float
    p95: float
    f1: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class CountErrors:
    """Difference in the number of nuclei.

    Parameters
    ----------
    n_true, n_pred
        Nuclei in each map.
    """

    n_true: int
    n_pred: int

    @property
    def difference(self) -> int:
        """Predicted minus true."""
        return self.n_pred - self.n_true

    @property
    def relative(self) -> float:
        """Difference as a share of the true number; nan when that is 0."""
        return self.difference / self.n_true if self.n_true else float("nan")


def outlines(labels: NDArray[Any]) -> Bools:
    """Mark the pixels of nuclei that touch anything else at a side.

    Two touching nuclei both have an outline between them; the border of the
    tile is none.

    Parameters
    ----------
    labels
        (height, width), 0 = background.

    Returns
    -------
    marked
        bool (height, width).
    """
    marked = np.zeros(labels.shape, np.bool_)
    across = labels[:, 1:] != labels[:, :-1]
    down = labels[1:] != labels[:-1]
    marked[:, 1:] |= across
    marked[:, :-1] |= across
    marked[1:] |= down
    marked[:-1] |= down
    return marked & (labels > 0)


def boundary_errors(
    true: NDArray[Any], pred: NDArray[Any], *, tolerance: float = 2.0
) -> BoundaryErrors:
    """Compare the outlines of two label maps.

    Parameters
    ----------
    true, pred
        (height, width) of one shape, 0 = background.
    tolerance
        Distance in pixels at which outlines still count as the same.

    Returns
    -------
    errors
        Distances are nan when either map has no outline; ``f1`` is then 0, or
        nan when neither has.
    """
    if true.shape != pred.shape:
        raise InputError("Outlines can only be compared in two maps of one tile.")
    first, second = outlines(true), outlines(pred)
    if not first.any() or not second.any():
        nothing = not first.any() and not second.any()
        nan = float("nan")
        return BoundaryErrors(nan, nan, nan if nothing else 0.0, tolerance)
    there, back = _distance_to(second)[first], _distance_to(first)[second]
    both = np.concatenate([there, back])
    recall, precision = (there <= tolerance).mean(), (back <= tolerance).mean()
    total = recall + precision
    f1 = float(2 * recall * precision / total) if total else 0.0
    p95 = float(np.percentile(both, 95))
    return BoundaryErrors(float(both.mean()), p95, f1, tolerance)


def _distance_to(marked: Bools) -> NDArray[np.float32]:
    # OpenCV releases the interpreter lock here, scipy does not
    clear = np.where(marked, 0, 255).astype(np.uint8)
    return cv2.distanceTransform(  # type: ignore[return-value]
        clear, cv2.DIST_L2, cv2.DIST_MASK_PRECISE
    )
