"""Instance scores against reference values, worked cases and slow definitions."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from core.errors import InputError
from core.metrics import overlap, score_instances
from core.metrics.matching import match_unique

SHARED = Path(__file__).parents[4] / "shared" / "reference"
NAMES = ("dice", "dice2", "aji", "aji_plus", "dq", "sq", "pq")


def square(*boxes):
    """Label map 64 x 64 of (id, top, left, height, width) boxes."""
    labels = np.zeros((64, 64), np.int32)
    for number, top, left, height, width in boxes:
        labels[top : top + height, left : left + width] = number
    return labels


TWO = square((1, 5, 5, 10, 10), (2, 40, 40, 10, 10))
ONE = square((1, 10, 10, 10, 10))
TOUCH = square((1, 10, 10, 10, 10), (2, 10, 20, 10, 10))
CASES = {
    "perfect": (TWO, TWO, (1, 1, 1, 1, 1, 1, 1)),
    "shifted": (
        TWO,
        square((1, 5, 5, 10, 10), (2, 40, 42, 10, 10)),
        (0.9, 0.9, 0.818182, 0.818182, 1, 0.833333, 0.833333),
    ),
    "half and missed": (
        TWO,
        square((1, 5, 5, 10, 20)),
        (0.5, 0.666667, 0.333333, 0.333333, 0, 0, 0),
    ),
    "merged": (
        TOUCH,
        square((1, 10, 10, 10, 20)),
        (1, 0.666667, 0.5, 0.333333, 0, 0, 0),
    ),
    "split 50/50": (
        ONE,
        square((1, 10, 10, 10, 5), (2, 10, 15, 10, 5)),
        (1, 0.666667, 0.333333, 0.333333, 0, 0, 0),
    ),
    "split 70/30": (
        ONE,
        square((1, 10, 10, 10, 7), (2, 10, 17, 10, 3)),
        (1, 0.666667, 0.538462, 0.538462, 0.666667, 0.7, 0.466667),
    ),
    "one false": (
        TWO,
        TWO + square((3, 25, 25, 5, 5)),
        (0.941176, 1, 0.888889, 0.888889, 0.8, 1, 0.8),
    ),
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_worked_cases(case):
    true, pred, expected = CASES[case]
    scores = score_instances(true, pred)
    found = [getattr(scores, name) for name in NAMES]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_iou_of_exactly_one_half():
    true, pred = ONE, square((1, 10, 10, 10, 5))
    assert score_instances(true, pred).hits == 0
    assert score_instances(true, pred, inclusive=True).hits == 1
    assert score_instances(true, pred, inclusive=True).pq == 0.5


def test_reference_values():
    if not SHARED.is_dir():
        assert os.environ.get("CI") != "true", "reference values are missing"
        pytest.skip("../shared/reference is not there")
    maps = np.load(SHARED / "metrics_reference.npz")
    rows = json.loads((SHARED / "metrics_reference.json").read_text())
    for true, pred, row in zip(maps["true"], maps["pred"], rows, strict=True):
        scores = score_instances(true, pred)
        assert (scores.n_true, scores.n_pred) == (row["n_true"], row["n_pred"])
        assert scores.dice == pytest.approx(row["dice1"], abs=1e-4)
        for name in NAMES[1:]:
            assert getattr(scores, name) == pytest.approx(row[name], abs=1e-4)


def test_empty_maps():
    empty = np.zeros((64, 64), np.int32)
    fields = (*NAMES, "f1", "precision", "recall")
    for pair in ((TWO, empty), (empty, TWO)):
        scores = score_instances(*pair)
        assert [getattr(scores, name) for name in fields] == [0.0] * len(fields)
    scores = score_instances(empty, empty)
    assert all(math.isnan(getattr(scores, name)) for name in fields)
    assert scores.n_true == scores.n_pred == 0
    no_pixels = np.zeros((0, 5), np.uint8)
    assert math.isnan(score_instances(no_pixels, no_pixels).pq)


def test_one_pixel_nuclei_and_full_map():
    grid = np.arange(1, 65).reshape(8, 8)
    assert score_instances(grid, grid).pq == 1
    assert score_instances(grid, np.ones((8, 8), int)).hits == 0


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.int8, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
)
def test_any_integer_dtype(dtype):
    pred = CASES["split 70/30"][1]
    expected = score_instances(ONE, pred)
    assert score_instances(ONE.astype(dtype), pred) == expected
    assert score_instances(ONE > 0, pred.astype(dtype)) == expected


def test_arrays_need_not_be_contiguous():
    pred = CASES["split 70/30"][1]
    wide = np.repeat(pred, 2, axis=1)[:, ::2]
    assert score_instances(ONE, wide) == score_instances(ONE, pred)
    assert score_instances(ONE.T, np.asfortranarray(pred).T) == score_instances(
        ONE, pred
    )


def test_inputs_stay_unchanged():
    true, pred = TWO.copy(), TOUCH.copy()
    true.flags.writeable = pred.flags.writeable = False
    score_instances(true, pred)
    np.testing.assert_array_equal(true, TWO)


@pytest.mark.parametrize(
    ("true", "pred", "says"),
    [
        (TWO, TWO[:-1], "64 x 64 and 64 x 63"),
        (TWO.astype(float), TWO, "float64"),
        (np.zeros((4, 4, 3), int), np.zeros((4, 4, 3), int), "shape"),
        (-TWO, TWO, "negative"),
    ],
)
def test_what_is_no_label_map(true, pred, says):
    with pytest.raises(InputError, match=says):
        score_instances(true, pred)


# ------------------------------------------------- against slow definitions


def blobs(seed):
    """A crowded random map with gaps in its ids."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((24, 31), np.int64)
    for number in range(rng.integers(0, 14)):
        top, left = rng.integers(0, 20, 2)
        tall, wide = rng.integers(1, 12, 2)
        labels[top : top + tall, left : left + wide] = 1 + 7 * number
    return labels


maps = st.integers(0, 2**32 - 1).map(blobs)


def slow_table(true, pred):
    t_ids, p_ids = (np.unique(each[each > 0]) for each in (true, pred))
    inter = np.array(
        [[((true == t) & (pred == p)).sum() for p in p_ids] for t in t_ids]
    ).reshape(len(t_ids), len(p_ids))
    t_area = np.array([(true == t).sum() for t in t_ids], int)
    p_area = np.array([(pred == p).sum() for p in p_ids], int)
    return inter, t_area[:, None] + p_area[None] - inter, t_area, p_area


@settings(max_examples=150, deadline=None)
@given(maps, maps)
def test_overlap_counts(true, pred):
    pairs = overlap(true, pred)
    inter, union, t_area, p_area = slow_table(true, pred)
    dense = np.zeros(inter.shape, int)
    dense[pairs.rows, pairs.cols] = pairs.counts
    np.testing.assert_array_equal(dense, inter)
    np.testing.assert_array_equal(pairs.unions, union[inter > 0])
    np.testing.assert_array_equal(pairs.true_areas, t_area)
    np.testing.assert_array_equal(pairs.pred_areas, p_area)


@settings(max_examples=150, deadline=None)
@given(maps, maps)
def test_scores_by_definition(true, pred):
    table = inter, union, _, _ = slow_table(true, pred)
    scores = score_instances(true, pred)
    if not inter.size:
        return
    iou, touched = inter / (union + 1e-6), inter > 0
    marked = (inter + union)[touched].sum()
    assert scores.dice2 == pytest.approx(2 * inter.sum() / max(marked, 1))
    best = iou.argmax(axis=1)
    rows = np.flatnonzero(iou.max(axis=1) > 0)
    assert scores.aji == pytest.approx(jaccard(table, rows, best[rows]))
    exact = inter / union
    assert scores.hits == (exact > 0.5).sum()
    mean = exact[exact > 0.5].mean() if (exact > 0.5).any() else 0
    assert scores.sq == pytest.approx(mean)


@settings(max_examples=150, deadline=None)
@given(maps, maps)
def test_aji_plus_by_definition(true, pred):
    table = inter, union, _, _ = slow_table(true, pred)
    if not inter.size:
        return
    iou = inter / (union + 1e-6)
    rows, cols = linear_sum_assignment(-iou)
    real = inter[rows, cols] > 0
    expected = jaccard(table, rows[real], cols[real])
    pairs = overlap(true, pred)
    chosen = match_unique(pairs.rows, pairs.cols, iou[inter > 0])
    assert iou[inter > 0][chosen].sum() == pytest.approx(iou[rows, cols].sum())
    same = set(zip(pairs.rows[chosen], pairs.cols[chosen], strict=True))
    if same == set(zip(rows[real], cols[real], strict=True)):
        assert score_instances(true, pred).aji_plus == pytest.approx(expected)


def jaccard(table, rows, cols):
    inter, union, t_area, p_area = table
    spare = np.delete(t_area, rows).sum() + np.delete(p_area, cols).sum()
    return inter[rows, cols].sum() / (union[rows, cols].sum() + spare)


@settings(max_examples=60, deadline=None)
@given(maps, maps, st.integers(0, 2**32 - 1))
def test_renaming_ids_changes_nothing(true, pred, seed):
    rng = np.random.default_rng(seed)
    names = np.concatenate([[0], 1 + rng.permutation(200)])
    first, second = score_instances(true, pred), score_instances(names[true], pred)
    for name in ("dice", "dice2", "pq", "sq", "hits", "extra", "missed"):
        np.testing.assert_equal(getattr(first, name), getattr(second, name))


@settings(max_examples=60, deadline=None)
@given(maps, maps)
def test_symmetry(true, pred):
    there, back = score_instances(true, pred), score_instances(pred, true)
    for name in ("dice", "dice2", "pq", "sq", "f1", "hits"):
        np.testing.assert_allclose(getattr(there, name), getattr(back, name))
    np.testing.assert_equal(there.precision, back.recall)


@settings(max_examples=60, deadline=None)
@given(maps)
def test_a_map_agrees_with_itself(labels):
    scores = score_instances(labels, labels)
    found = [getattr(scores, name) for name in NAMES]
    expected = 1.0 if labels.any() else math.nan
    np.testing.assert_equal(found, [expected] * len(NAMES))


@settings(max_examples=60, deadline=None)
@given(maps, maps)
def test_thresholds_only_remove_matches(true, pred):
    hits = [
        score_instances(true, pred, threshold=each).hits for each in (0.5, 0.75, 0.95)
    ]
    assert hits == sorted(hits, reverse=True)


def test_low_threshold_needs_unique_pairs():
    true = square((1, 10, 10, 10, 10))
    pred = square((1, 10, 10, 10, 6), (2, 10, 16, 10, 4))
    scores = score_instances(true, pred, threshold=0.3)
    assert (scores.hits, scores.extra, scores.missed) == (1, 1, 0)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_matching_is_optimal(seed):
    rng = np.random.default_rng(seed)
    gain = rng.random(rng.integers(1, 9, 2))
    gain[rng.random(gain.shape) < 0.5] = 0
    if seed % 3 == 0:
        gain = np.round(gain * 4) / 4  # ties
    rows, cols = np.nonzero(gain)
    chosen = match_unique(rows, cols, gain[rows, cols])
    best = gain[linear_sum_assignment(gain, maximize=True)].sum()
    assert gain[rows[chosen], cols[chosen]].sum() == pytest.approx(best)
    assert len(set(rows[chosen])) == len(chosen) == len(set(cols[chosen]))
