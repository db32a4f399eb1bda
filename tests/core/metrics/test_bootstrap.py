import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics import overlap, score_intervals, score_overlap
from core.metrics.bootstrap import ENOUGH, _scores, _units

NAMES = ("aji", "dice", "dq", "f1", "sq", "pq")


def maps(seed, count=12, size=96, lost=0.2, shift=2):
    """Discs, and the same discs moved, some of them lost, some new."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    true, pred = np.zeros((2, size, size), np.int32)
    for number in range(1, count + 1):
        y, x = rng.integers(6, size - 6, 2)
        radius = rng.integers(3, 8)
        true[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = number
        dy, dx = rng.integers(-shift, shift + 1, 2)
        if rng.random() > lost:
            there = (rows - y - dy) ** 2 + (columns - x - dx) ** 2 < radius**2
            pred[there] = number
    return true, pred


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 15))
def test_units_add_up_to_the_scores(seed, count):
    pairs = overlap(*maps(seed, count))
    scores = score_overlap(pairs)
    if scores.n_true + scores.n_pred == 0:
        return
    found = _scores(_units(pairs).sum(0, keepdims=True))
    for name in NAMES:
        assert found[name][0] == pytest.approx(getattr(scores, name)), name


def test_pieces_of_one_nucleus_are_drawn_together():
    true, pred = np.zeros((2, 20, 20), np.int32)
    true[2:12, 2:12] = 1
    pred[2:12, 2:6], pred[2:12, 7:12] = 1, 2  # both pieces lie on it
    pred[15:18, 15:18] = 3  # lies on none
    units = _units(overlap(true, pred))
    assert len(units) == 2
    assert units[:, 5].tolist() == [2, 1]


def test_intervals_hold_the_score_and_repeat():
    pairs = overlap(*maps(3, 40, 200))
    found, scores = score_intervals(pairs), score_overlap(pairs)
    assert set(found) == set(NAMES)
    for name, (low, high) in found.items():
        assert 0 <= low < getattr(scores, name) < high <= 1
    assert score_intervals(pairs) == found
    narrow = score_intervals(pairs, confidence=0.5)
    assert narrow["aji"][0] > found["aji"][0]
    assert narrow["aji"][1] < found["aji"][1]


def test_more_nuclei_give_narrower_intervals():
    # The same tile sixteen times over: the score stays, the doubt is a quarter.
    true, pred = maps(5, 20, 128)
    one = score_intervals(overlap(true, pred))["aji"]
    step = true.max() + 1
    tiles = [
        [np.where(m, m + (4 * r + c) * step, 0) for c in range(4)]
        for m in (true, pred)
        for r in range(4)
    ]
    many = score_intervals(overlap(np.block(tiles[:4]), np.block(tiles[4:])))["aji"]
    assert (many[1] - many[0]) / (one[1] - one[0]) == pytest.approx(0.25, abs=0.08)


def test_equal_maps_leave_no_doubt():
    true, _ = maps(1)
    assert set(score_intervals(overlap(true, true)).values()) == {(1.0, 1.0)}


def test_too_few_nuclei_have_no_interval():
    true, pred = maps(1, ENOUGH - 1, lost=0)
    assert score_intervals(overlap(true, pred)) == {}
    assert score_intervals(overlap(true * 0, pred * 0)) == {}
