"""Types: panoptic quality per type, detection by centroid."""

import math

import numpy as np
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from core.errors import InputError
from core.metrics import (
    count_r2,
    detection,
    pooled_pq,
    score_detection,
    score_instances,
    tally_classes,
)
from core.metrics.classes import mean_multiclass_pq
from core.metrics.detection import pair_places


def row_of(*ids, gap=20):
    """Squares of 10 x 10 in a row, one for each id (0 leaves a hole)."""
    labels = np.zeros((20, gap * len(ids)), np.int32)
    for index, number in enumerate(ids):
        labels[5:15, index * gap + 5 : index * gap + 15] = number
    return labels


def random_tile(seed):
    rng = np.random.default_rng(seed)
    true = row_of(*range(1, 13))
    pred = np.roll(true, rng.integers(0, 4), axis=1)
    pred[np.isin(pred, rng.integers(1, 13, 3))] = 0
    return true, pred, rng.integers(0, 4, 12), rng.integers(0, 4, 12)


def only(labels, classes, kind):
    """The map of one type, as PanNuke stores it."""
    table = np.concatenate([[0], np.where(classes == kind, 1, 0)])
    return labels * table[labels]


@pytest.mark.parametrize("seed", range(8))
def test_pq_of_a_type_is_pq_of_its_own_map(seed):
    true, pred, true_classes, pred_classes = random_tile(seed)
    tally = tally_classes(true, pred, true_classes, pred_classes, 3)
    for kind in (1, 2, 3):
        alone = score_instances(
            only(true, true_classes, kind), only(pred, pred_classes, kind)
        )
        np.testing.assert_allclose(tally.pq[kind - 1], alone.pq)
        assert tally.hits[kind - 1] == alone.hits
        assert tally.extra[kind - 1] == alone.extra
        assert tally.missed[kind - 1] == alone.missed


def test_types_absent_from_the_truth_are_skipped_by_pannuke_only():
    true, pred = row_of(1, 2), row_of(1, 2)
    tally = tally_classes(true, pred, np.array([1, 1]), np.array([1, 2]), 3)
    np.testing.assert_allclose(tally.pq, [2 / 3, 0, math.nan])
    assert mean_multiclass_pq([tally]) == pytest.approx(2 / 3)
    assert tally.mean_pq == pytest.approx(1 / 3)


def test_pooling_differs_from_averaging():
    right = tally_classes(row_of(1, 2), row_of(1, 2), np.ones(2), np.ones(2), 1)
    wrong = tally_classes(row_of(1, 0), row_of(0, 1), np.ones(1), np.ones(1), 1)
    assert mean_multiclass_pq([right, wrong]) == pytest.approx(0.5)
    assert pooled_pq([right, wrong]).mean_pq == pytest.approx(2 / 3)
    with pytest.raises(InputError, match="no tile"):
        pooled_pq([])


def test_bad_types():
    labels = row_of(1, 2, 3)
    with pytest.raises(InputError, match="Nucleus 3 has no type"):
        tally_classes(labels, labels, np.ones(2), np.ones(3), 2)
    with pytest.raises(InputError, match="0 to 2"):
        tally_classes(labels, labels, np.array([1, 2, 3]), np.ones(3), 2)


def test_r2_of_counts():
    true = np.array([[1, 5], [2, 5], [3, 5]])
    assert count_r2(true, true) == 1
    # the mean of the truth explains nothing; the constant type is left out
    assert count_r2(true, np.array([[2, 9], [2, 9], [2, 9]])) == 0
    assert math.isnan(count_r2(true[:, 1:], true[:, 1:]))
    assert math.isnan(count_r2(true[:0], true[:0]))
    with pytest.raises(InputError, match="two tables"):
        count_r2(true, true[:2])


# --------------------------------------------------------------- by centroid


def test_twelve_pixels_are_near_and_more_are_not():
    true = row_of(1, 0, 0)
    assert score_detection(true, np.roll(true, 12, axis=1)).f1 == 1
    assert score_detection(true, np.roll(true, 13, axis=1)).f1 == 0
    assert score_detection(true, np.roll(true, 13, axis=1), radius=13).f1 == 1


def test_pairs_minimise_the_summed_distance():
    first = np.array([[0.0, 0.0], [0.0, 10.0]])
    second = np.array([[0.0, 9.0], [0.0, 30.0]])
    rows, cols = pair_places(first, second, 12)
    # greedily the second point would take the first and leave nothing near
    np.testing.assert_array_equal(rows, [0])
    np.testing.assert_array_equal(cols, [0])


def test_many_points_are_paired_alike(monkeypatch):
    rng = np.random.default_rng(5)
    first = rng.uniform(0, 400, (120, 2))
    second = np.concatenate([first[:20], first[20:] + rng.normal(0, 4, (100, 2))])
    all_pairs = pair_places(first, second, 12)
    monkeypatch.setattr(detection, "DENSE", 0)
    rows, cols = pair_places(first, second, 12)
    distance = np.hypot(*(first[rows] - second[cols]).T)
    assert distance.max() <= 12
    assert len(set(rows)) == len(set(cols)) == len(rows)
    assert len(rows) >= len(all_pairs[0])
    assert {(n, n) for n in range(20)} <= set(zip(rows, cols, strict=True))
    # as many pairs as can be had: the oracle knows nothing of distances
    near = np.hypot(*(first[:, None] - second[None]).transpose(2, 0, 1)) <= 12
    most = maximum_bipartite_matching(csr_array(near), perm_type="column")
    assert len(rows) == (most >= 0).sum()


def test_type_f1_by_hand():
    # three right (1, 1, 2), one 1 called 2, one 1 missed, one 2 invented
    true = row_of(1, 2, 3, 4, 5, 0)
    pred = row_of(1, 2, 3, 4, 0, 5)
    found = score_detection(
        true, pred, np.array([1, 1, 2, 1, 1]), np.array([1, 1, 2, 2, 2])
    )
    assert found.f1 == pytest.approx(2 * 4 / (2 * 4 + 1 + 1))
    assert found.precision == found.recall == pytest.approx(4 / 5)
    assert found.accuracy == pytest.approx(3 / 4)
    assert found.type_f1(1) == pytest.approx(4 / (4 + 2 * 1 + 1))
    assert found.type_f1(2) == pytest.approx(2 / (2 + 2 * 1 + 1))
    assert math.isnan(found.type_f1(3))
    twice = found + found
    assert twice.type_f1(1) == found.type_f1(1)
    assert len(twice.missed) == 2


def test_detection_without_nuclei():
    empty = np.zeros((20, 60), int)
    assert score_detection(row_of(1, 2, 3), empty).f1 == 0
    assert score_detection(empty, row_of(1, 2, 3)).f1 == 0
    assert math.isnan(score_detection(empty, empty).f1)
    assert math.isnan(score_detection(empty, empty).accuracy)
    assert math.isnan(score_detection(empty, empty).precision)
    alone = score_detection(row_of(1, 2, 3), empty)
    assert (alone.precision, alone.recall) == (0, 0)


def test_scores_of_types_are_those_of_the_tally():
    rng = np.random.default_rng(3)
    true = np.kron(np.arange(1, 26).reshape(5, 5), np.ones((8, 8), int))
    pred = np.where(rng.random(true.shape) < 0.9, true, 0)
    first, second = rng.integers(0, 4, 25), rng.integers(0, 4, 25)
    tally = tally_classes(true, pred, first, second, 3)
    scores = score_instances(true, pred, types=(first, second))
    assert scores.mpq == mean_multiclass_pq([tally])
    assert scores.f1_types == tally.mean_f1
    alike = score_instances(true, true, types=(first, first))
    assert alike.mpq == alike.f1_types == 1.0
    known = score_instances(true, pred)
    assert known.f1_types is None
    assert "mpq" not in known.as_dict()
    assert set(scores.as_dict()) - set(known.as_dict()) == {"mpq", "f1_types"}


def test_types_swapped_are_worth_nothing_though_every_nucleus_is_found():
    true = np.kron(np.arange(1, 5).reshape(2, 2), np.ones((8, 8), int))
    scores = score_instances(true, true, types=(np.full(4, 1), np.full(4, 2)))
    assert scores.pq == 1.0
    assert scores.f1_types == scores.mpq == 0.0
