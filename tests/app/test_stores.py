"""Stores to curves."""

from dataclasses import replace

import pytest
import stores
from PySide6.QtCore import Qt

from app.controllers.sweeps.stores import (
    curves_of,
    dense_level,
    machine_of,
    read_results,
    store_legend,
    store_lines,
    tip,
)
from app.state.sweep_values import StoreContents, SweepSettings
from core.store import TrialStore
from core.types import FineTune, PruneRequest


@pytest.fixture
def results(tmp_path):
    return read_results(stores.write(tmp_path / "a.sqlite"))


def test_every_trial_is_a_point_of_its_curve(results):
    assert len(results.trials) == 30
    assert results.machine == "Intel Xeon, 4 cores"
    accuracy, latency, trade = store_lines([results], "aji")
    assert [len(line.dots) for line in accuracy] == [10, 10, 10]
    for line in accuracy:
        removed = [dot.x for dot in line.dots]
        assert removed == sorted(removed)
        name = line.dots[0].key.request.heuristic
        for dot in line.dots:
            expected = 0.62 - stores.HEURISTICS[name] * dot.key.request.sparsity**2
            assert dot.y == pytest.approx(expected)
            assert dot.x == pytest.approx(dot.key.request.sparsity)
    for line in latency:
        for dot in line.dots:
            low, high = dot.up
            assert low < dot.y < high
            assert dot.y == pytest.approx(100 * (1 - 0.7 * dot.key.request.sparsity))
    assert not any(line.joined for line in trade)
    assert dense_level([results], "aji") == pytest.approx(0.62)
    assert results.against_truth


def test_what_is_added_later_is_read_on(tmp_path):
    asked = stores.requests()
    path = stores.write(tmp_path / "a.sqlite", asked[:5])
    first = read_results(path)
    stores.write(path, asked)
    second = read_results(path, first)
    assert second.trials[:5] == first.trials
    assert [p.request for p in second.trials] == asked
    assert read_results(path, second) == second


def test_two_stores_differ_by_their_line_and_share_colours(results, tmp_path):
    path = stores.write(
        tmp_path / "b.sqlite", stores.requests(("l2",)), machine="AMD EPYC"
    )
    lines, _, _ = store_lines([results, read_results(path)], "pq")
    assert [line.dash for line in lines[:3]] == [Qt.PenStyle.SolidLine] * 3
    assert lines[3].dash == Qt.PenStyle.DashLine
    (alike,) = [
        line for line in lines[:3] if line.dots[0].key.request.heuristic == "l2"
    ]
    assert alike.colour == lines[3].colour
    entries = store_legend([results, read_results(path)], {"l2": "L2 norm"})
    assert [entry.name for entry in entries] == [
        "reconstruction, refit",
        "L2 norm, refit",
        "random, refit",
    ]


def test_with_one_store_the_line_tells_the_scope(tmp_path):
    asked = [PruneRequest("l2", 0.5, scope=scope) for scope in ("network", "layer")]
    lines, _, _ = store_lines(
        [read_results(stores.write(tmp_path / "a.sqlite", asked))], "aji"
    )
    assert [line.dash for line in lines] == [
        Qt.PenStyle.SolidLine,
        Qt.PenStyle.DashLine,
    ]


def test_seeds_become_a_band(tmp_path):
    asked = stores.requests(("random",), seeds=(0, 1, 2))
    found = read_results(stores.write(tmp_path / "a.sqlite", asked))
    (curve,) = curves_of(found)
    assert all(len(same) == 3 for same in curve)
    (line,), (timed,), _ = store_lines([found], "aji")
    for dot in line.dots:
        assert dot.up == pytest.approx((dot.y - 0.01, dot.y + 0.01))
    assert timed.dots[0].up[0] <= timed.dots[0].y <= timed.dots[0].up[1]
    assert "3 seeds" in tip(curve[0], found)


def test_without_truth_agreement_is_drawn(tmp_path):
    found = read_results(stores.write(tmp_path / "a.sqlite", truth=False))
    assert not found.against_truth
    assert found.trials[0].scores["aji"] == pytest.approx(0.92)
    assert dense_level([found], "aji") == 1.0  # with itself


def test_impossible_and_unmeasured_trials(tmp_path):
    path = tmp_path / "a.sqlite"
    bare = stores.record(PruneRequest("l2", 0.5), latency=None)
    with TrialStore(path) as store:
        store.add(bare)
        impossible = {"status": "impossible", "dense": None, "pruned": None}
        store.add(
            replace(stores.record(PruneRequest("l2", 0.9)), tiles=(), **impossible)
        )
    found = read_results(path)
    assert (len(found.trials), found.impossible) == (1, 1)
    accuracy, latency, trade = store_lines([found], "aji")
    assert len(accuracy[0].dots) == 1
    assert latency[0].dots == trade[0].dots == ()
    assert bare.to_trial().latency is None
    assert store_lines([StoreContents(path)], "aji") == ((), (), ())
    assert dense_level([], "aji") is None


def test_machines_in_a_few_words():
    some = stores.record(PruneRequest("l2", 0.5))
    assert machine_of(some) == "Intel Xeon, 4 cores"
    assert machine_of(replace(some, provenance={})) == "unknown machine"


def test_size_of_a_wish():
    wish = SweepSettings(
        heuristics=("a", "b"), scopes=("network", "layer"), seeds=3, out="x"
    )
    assert wish.sparsities == (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert wish.trials == 2 * 2 * 10 * 3
    assert wish.missing() == ""
    assert replace(wish, low=0.5, high=0.4).missing().startswith("The last sparsity")
    assert "heuristic" in replace(wish, heuristics=()).missing()
    assert "stored" in replace(wish, out="").missing()
    quick = replace(wish, latency=False)
    assert quick.seconds(4, 1.0, 2) < wish.seconds(4, 1.0, 2) < wish.seconds(8, 1.0, 2)


@pytest.mark.parametrize(
    "other",
    [
        {"training": FineTune(minutes=30.0)},
        {"steps": 4},
        {"ratios": (("encoder", 0.5),)},
        {"min_channels": 4},
        {"locked": ("encoder",)},
        {"count": "macs"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_only_seeds_are_taken_together(tmp_path, other):
    """A minute of training and half an hour are two curves, not two seeds of one."""
    base = PruneRequest("l2", 0.5, recovery="finetune", training=FineTune(minutes=1.0))
    seeds = [
        replace(base, seed=seed, training=replace(base.training, seed=seed))
        for seed in (0, 1)
    ]
    asked = [*seeds, replace(base, **other)]
    results = read_results(stores.write(tmp_path / "a.sqlite", asked))
    curves = curves_of(results)
    assert sorted(len(points) for curve in curves for points in curve) == [1, 2]
    assert len(curves) == 2
