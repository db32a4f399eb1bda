import math
from dataclasses import replace

import fakes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.export.points import as_csv
from app.state.app_state import AppState, Pane
from app.state.exploring import EXPLORED, TIMED, row_of, without
from app.state.history import Arrangement, History
from app.state.trials import added, front, predictor, with_latency
from core.types import Counts, PruneRequest


def request(sparsity, heuristic="l2", **more):
    return PruneRequest(heuristic, sparsity, **more)


def trial(sparsity, score=0.9, heuristic="l2", macs=None, speedup=None):
    asked = request(sparsity, heuristic)
    macs = 1 - sparsity if macs is None else macs
    timed = None
    if speedup is not None:
        timed = fakes.timed(asked, 100.0, speedup)
    scores = dict.fromkeys(("aji", "pq", "dice", "f1"), score)
    dense = Counts(10**6, 10**6, 10)
    left = Counts(round(10**6 * (1 - sparsity)), round(10**6 * macs), 10)
    return fakes.trial(asked, dense, left, timed, scores=scores, kept=0.5)


def test_a_trial_alike_replaces_the_earlier_and_keeps_its_latency():
    old, other = trial(0.5, 0.8, speedup=2.0), trial(0.6)
    new = trial(0.5, 0.81)
    kept = added((old, other), new)
    assert [one.request.sparsity for one in kept] == [0.6, 0.5]
    assert kept[-1].scores["aji"] == 0.81
    assert kept[-1].measured is old.measured


def test_a_drag_leaves_points_that_can_be_told_apart():
    points = (trial(0.5, speedup=2.0),)
    for step in range(1000):
        points = added(points, trial(round(0.2 + step * 0.0007, 4)))
    assert len(points) < 0.7 / 0.005 + 3
    assert points[0].measured is not None  # what was measured stays
    assert points[-1].request.sparsity == pytest.approx(0.8993)


def test_latency_goes_to_its_own_point():
    measured = fakes.timed(request(0.5), 10, 2)
    points = with_latency((trial(0.4), trial(0.5)), measured)
    assert [one.measured for one in points] == [None, measured]


def test_prediction_without_measurements_follows_the_work_left():
    assert predictor((trial(0.5),))(0.25) == pytest.approx(4.0)


def test_single_weights_save_no_time_and_teach_nothing_about_channels():
    name = "unstructured:magnitude"
    zeros = trial(0.8, heuristic=name, speedup=1.0)
    assert predictor((zeros,))(0.2) == pytest.approx(5.0)


def test_prediction_goes_through_what_was_measured():
    points = (trial(0.5, macs=0.5, speedup=1.25),)
    assert predictor(points)(0.5) == pytest.approx(1.25)
    assert predictor(points)(1.0) == pytest.approx(1.0)
    between = predictor(points)(0.75)
    assert between == pytest.approx(1 / 0.9)
    assert predictor(points)(0.25) > 1.25


points_of_plots = st.lists(
    st.tuples(st.integers(1, 50).map(float), st.integers(0, 20).map(float)),
    max_size=20,
)


@given(points_of_plots)
def test_front_is_what_nobody_beats(points):
    on_front = set(front(points))
    for index, (time, score) in enumerate(points):
        beaten = any(
            (t <= time and s >= score) and (t < time or s > score) for t, s in points
        )
        if beaten:
            assert index not in on_front
    if points:
        best = {points[index] for index in on_front}
        assert max(score for _, score in points) in {score for _, score in best}


def test_an_exploration_tries_first_and_times_afterwards():
    done = trial(0.5)
    state = AppState(panes=(Pane(request(0.77)),), trials=(done,))
    row = row_of(state)
    tried = row[: len(EXPLORED) - 1]
    assert 0.5 not in {one.sparsity for one in tried}
    assert tuple(one.sparsity for one in row[len(tried) :]) == TIMED
    left = without(row, row[2])
    assert len(left) == len(row) - 1
    assert row[2] in left or row[2].sparsity not in TIMED
    assert without(left, request(0.111)) == left


def test_history_goes_back_and_forth():
    history = History()
    for sparsity in (0.1, 0.2, 0.2, 0.3):
        history = history.visited(Arrangement((request(sparsity),)))
    assert [one.requests[0].sparsity for one in history.past] == [0.1, 0.2, 0.3]
    back = history.undone()
    assert back.past[-1].requests[0].sparsity == 0.2
    assert back.redone() == history
    assert back.undone().undone().past[-1].requests[0].sparsity == 0.1
    other = back.visited(Arrangement((request(0.4),)))
    assert other.redone().past[-1].requests[0].sparsity == 0.4


def test_history_takes_panes_and_locks_for_choices_and_no_other():
    one = Arrangement((request(0.1), request(0.2)))
    edited = replace(one, active=1)
    history = History().visited(one).visited(edited)
    assert history.past == (edited,)  # the other pane is edited: nothing chosen yet
    alone = Arrangement((request(0.1),))
    locked = replace(edited, lock="latency")
    history = history.visited(locked).visited(alone)
    assert history.past == (edited, locked, alone)
    moved = replace(locked, requests=(request(0.3), request(0.2)))
    back = history.undone()
    # the lock moved the pane beside: what was undone can still be redone
    assert back.visited(moved).redone().past[-1] == alone
    assert not back.visited(replace(moved, requests=(request(0.3), request(0.5)))).forth


def test_csv_of_a_classifier_has_its_own_columns():
    point = replace(trial(0.5), scores={"accuracy": 0.75, "auc": 0.5, "f1": 0.7})
    header, row = as_csv((point,)).strip().split("\n")
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert cells["accuracy"] == "0.7500"
    assert "patches_kept" in cells
    assert not {"aji", "nuclei_kept"} & set(cells)


def test_csv_has_a_row_per_point_and_leaves_unknowns_empty():
    table = as_csv((trial(0.5, speedup=2.0), trial(0.9, math.nan)))
    header, first, second = table.strip().split("\n")
    names = header.split(",")
    rows = [dict(zip(names, row.split(","), strict=True)) for row in (first, second)]
    assert rows[0]["speedup"] == "2.0000"
    assert rows[0]["aji"] == "0.9000"
    assert rows[1]["speedup"] == rows[1]["aji"] == rows[1]["verdict"] == ""
    assert np.isclose(float(rows[1]["sparsity"]), 0.9)
