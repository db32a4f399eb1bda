"""Scores over all tiles together: detection by centroid, mPQ+, R2 of counts."""

import numpy as np
import pytest

from core.benchmark.tasks.pooled import pooled_scores
from core.tables import METRICS
from core.types import Prediction


def tile(kinds, *, typed=True):
    """A row of squares, one for each type; 0 leaves a hole."""
    labels = np.zeros((20, 20 * len(kinds)), np.int32)
    there = [place for place, kind in enumerate(kinds) if kind]
    for number, place in enumerate(there, start=1):
        labels[5:15, place * 20 + 5 : place * 20 + 15] = number
    classes = np.array([kinds[place] for place in there], np.int64)
    return Prediction(labels, classes if typed else None)


def test_tiles_are_pooled_before_they_are_scored():
    tiles = [
        (tile([1, 1, 1, 2]), tile([1, 1, 1, 2])),
        (tile([2, 0, 0, 0]), tile([0, 0, 0, 2])),
    ]
    scores = pooled_scores(tiles)
    assert set(scores) <= set(METRICS)
    # 4 of 5 on either side; the mean of the two tiles would be 0.5
    assert scores["detection_f1"] == pytest.approx(0.8)
    assert scores["detection_precision"] == scores["detection_recall"] == 0.8
    assert scores["detection_f1_types"] == pytest.approx((1 + 0.5) / 2)
    assert scores["mpq_plus"] == pytest.approx((1 + 0.5) / 2)
    assert scores["count_r2"] == 1  # the numbers are right, if not the places


def test_without_types_every_nucleus_is_alike():
    tiles = [
        (tile([1, 1, 1], typed=False), tile([2, 2, 0])),
        (tile([1, 0, 0], typed=False), tile([2, 2, 2])),
    ]
    scores = pooled_scores(tiles)
    assert scores["detection_recall"] == pytest.approx(3 / 4)
    assert scores["detection_precision"] == pytest.approx(3 / 5)
    # true 3 and 1, found 2 and 3: residuals 1 + 4, spread around the mean 1 + 1
    assert scores["count_r2"] == pytest.approx(1 - 5 / 2)
    assert not {"mpq_plus", "detection_f1_types"} & set(scores)


def test_one_tile_has_no_r2():
    assert "count_r2" not in pooled_scores([(tile([1, 2]), tile([1, 2]))])


def test_tiles_without_nuclei_have_no_scores():
    assert pooled_scores([(tile([0, 0]), tile([0, 0]))]) == {}
