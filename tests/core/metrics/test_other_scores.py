"""Branches and patches, each against a slow definition."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.metrics import (
    centroids,
    score_branches,
    score_patches,
)


def square(top, left, side=10, shape=(40, 40)):
    labels = np.zeros(shape, np.int32)
    labels[top : top + side, left : left + side] = 1
    return labels


def test_centroids():
    labels = square(5, 5) * 3
    labels[30, 39] = 9
    ids, places = centroids(labels)
    assert ids.tolist() == [3, 9]
    np.testing.assert_allclose(places, [[9.5, 9.5], [30, 39]])
    assert centroids(labels * 0)[1].shape == (0, 2)


# ---------------------------------------------------------------- branches


def test_branches():
    rng = np.random.default_rng(0)
    true, share = rng.integers(0, 3, (20, 20)), rng.random((20, 20))
    distance, guess = rng.random((2, 2, 20, 20))
    scores = score_branches(true, share, distance, guess)
    overlap = ((true > 0) & (share >= 0.5)).sum()
    assert scores.dice == pytest.approx(
        2 * overlap / ((true > 0).sum() + (share >= 0.5).sum())
    )
    error = np.abs(distance - guess)[:, true > 0]
    assert scores.mae == pytest.approx(error.mean())
    assert scores.mse == pytest.approx((error**2).mean())
    assert score_branches(true, true).dice == 1
    assert math.isnan(score_branches(true, true).mae)
    assert math.isnan(score_branches(true * 0, true * 0).dice)
    with pytest.raises(InputError, match="one tile"):
        score_branches(true, true[1:])
    with pytest.raises(InputError, match="differ in shape"):
        score_branches(true, share, distance, guess[0])


# ----------------------------------------------------------------- patches


def test_patch_scores_by_hand():
    share = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]])
    scores = score_patches(np.array([0, 0, 1, 1]), share)
    assert scores.accuracy == 0.75
    assert scores.balanced_accuracy == 0.75
    assert scores.f1 == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert scores.auc == pytest.approx(3 / 4)
    # |gap| of each bin: 0.9 right, 0.6 right, 0.8 right, 0.7 wrong
    assert scores.ece == pytest.approx((0.1 + 0.4 + 0.2 + 0.7) / 4)
    assert scores.n == 4


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_auc_counts_pairs(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 30))
    truth = rng.integers(0, 2, n)
    score = rng.integers(0, 6, n) / 5  # with ties
    scores = score_patches(truth, np.stack([1 - score, score], axis=1))
    gap = score[truth == 1][:, None] - score[truth == 0][None]
    if gap.size:
        expected = ((gap > 0) + 0.5 * (gap == 0)).mean()
        assert scores.auc == pytest.approx(expected)
    else:
        assert math.isnan(scores.auc)


def test_patch_input():
    assert math.isnan(score_patches(np.zeros(0, int), np.zeros((0, 3))).accuracy)
    with pytest.raises(InputError, match="0 to 3"):
        score_patches(np.array([0, 3]), np.full((2, 3), 1 / 3))
    with pytest.raises(InputError, match="one true class"):
        score_patches(np.array([0]), np.full((2, 3), 1 / 3))
    perfect = score_patches(np.arange(3), np.eye(3))
    assert perfect.as_dict() == {
        "accuracy": 1, "balanced_accuracy": 1, "f1": 1, "auc": 1, "ece": 0, "n": 3,
    }  # fmt: skip
