"""Scores of a network's branches, before instances are made of them.

The instance result of a pruned two-branch model breaks long before either
branch does (Mahbod et al. 2022, arXiv 2206.07422), so both are worth watching.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError


@dataclass(frozen=True, slots=True)
class BranchScores:
    """How well raw branch outputs fit.

    Parameters
    ----------
    dice
        Dice of the foreground; nan when neither has any.
    mae, mse
        Mean absolute and mean squared error of the distance (or HV) maps over
        the true foreground, in the maps' own unit; nan without a map or
        foreground.
    """

    dice: float
    mae: float = float("nan")
    mse: float = float("nan")

    def as_dict(self) -> dict[str, float]:
        """All fields by name."""
        return asdict(self)


def score_branches(
    true: NDArray[Any],
    pred: NDArray[Any],
    true_distance: NDArray[Any] | None = None,
    pred_distance: NDArray[Any] | None = None,
    *,
    threshold: float = 0.5,
) -> BranchScores:
    """Score foreground and distance outputs.

    Parameters
    ----------
    true
        (height, width), labels or mask; above 0 is foreground.
    pred
        (height, width), probability of foreground (floats) or labels.
    true_distance, pred_distance
        (height, width) or (channels, height, width), distance or
        horizontal-vertical maps; both or neither.
    threshold
        Probability from which a pixel of ``pred`` is foreground.

    Raises
    ------
    InputError
        When shapes differ.
    """
    if true.shape != pred.shape:
        raise InputError("Branch outputs can only be scored in two maps of one tile.")
    truth = true > 0
    guess = pred > 0 if pred.dtype.kind in "biu" else pred >= threshold
    total = int(truth.sum()) + int(guess.sum())
    dice = 2 * int((truth & guess).sum()) / total if total else float("nan")
    if true_distance is None or pred_distance is None or not truth.any():
        return BranchScores(dice)
    if true_distance.shape != pred_distance.shape:
        raise InputError("The two distance maps differ in shape; compare like maps.")
    error = (true_distance - pred_distance)[..., truth].astype(np.float64)
    return BranchScores(dice, float(np.abs(error).mean()), float((error**2).mean()))
