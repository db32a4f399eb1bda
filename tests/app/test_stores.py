"""Stores to charts."""

from dataclasses import replace

import pytest
import stores

from app.controllers.sweeps.stores import machine_of, read_results
from app.plots.registry import chart_kind
from app.plots.store_data import groups_of, store_data, store_tip
from app.state.plot_settings import ChartSettings
from app.state.sweep_values import StoreContents, SweepSettings
from core.store import TrialStore
from core.types import FineTune, PruneRequest


@pytest.fixture
def results(tmp_path):
    return read_results(stores.write(tmp_path / "a.sqlite"))


def draw(key, results, score="aji", titles=(), **settings):
    data = store_data(results, dict(titles))
    return chart_kind(key).build(data, ChartSettings(score, **settings))


def test_every_trial_is_a_point_of_its_curve(results):
    assert len(results.trials) == 30
    assert results.machine == "Intel Xeon, 4 cores"
    accuracy = draw("accuracy", [results])
    assert [len(series.points) for series in accuracy.series] == [10, 10, 10]
    for series in accuracy.series:
        removed = [point.x for point in series.points]
        assert removed == sorted(removed)
        name = series.points[0].key.request.heuristic
        for point in series.points:
            asked = point.key.request.sparsity
            assert point.y == pytest.approx(0.62 - stores.HEURISTICS[name] * asked**2)
            assert point.x == pytest.approx(asked)
    for point in draw("latency", [results]).points:
        low, high = point.y_interval
        assert low < point.y < high
        assert point.y == pytest.approx(100 * (1 - 0.7 * point.key.request.sparsity))
    assert not any(series.joined for series in draw("trade", [results]).series)
    assert accuracy.level.value == pytest.approx(0.62)
    assert accuracy.y.title == "AJI against truth"


def test_agreement_can_be_chosen_where_both_are_known(results):
    chart = draw("accuracy", [results], against="dense")
    assert chart.y.title == "AJI against dense"
    assert chart.level.value == 1.0
    first = next(chart.points)
    name, asked = first.key.request.heuristic, first.key.request.sparsity
    assert first.y == pytest.approx(0.92 - stores.HEURISTICS[name] * asked**2)


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
    both = [results, read_results(path)]
    series = draw("accuracy", both, "pq", {"l2": "L2 norm"}).series
    assert [each.dash for each in series] == ["solid"] * 3 + ["dash"]
    alike = {s.colour for s in series if s.points[0].key.request.heuristic == "l2"}
    assert len(alike) == 1
    assert {each.name for each in series} == {
        "reconstruction, refit, a.sqlite",
        "L2 norm, refit, a.sqlite",
        "random, refit, a.sqlite",
        "L2 norm, refit, b.sqlite",
    }
    assert draw("latency", both).level is None, "each machine has its own"


def test_with_one_store_the_line_tells_the_scope(tmp_path):
    asked = [PruneRequest("l2", 0.5, scope=scope) for scope in ("network", "layer")]
    found = read_results(stores.write(tmp_path / "a.sqlite", asked))
    dashes = {series.dash for series in draw("accuracy", [found]).series}
    assert len(dashes) == 2


def test_seeds_become_a_band(tmp_path):
    asked = stores.requests(("random",), seeds=(0, 1, 2))
    found = read_results(stores.write(tmp_path / "a.sqlite", asked))
    (curve,) = groups_of(found).values()
    assert all(len(same) == 3 for same in curve)
    for point in draw("accuracy", [found]).points:
        assert point.y_interval == pytest.approx((point.y - 0.01, point.y + 0.01))
    low, high = next(draw("latency", [found]).points).y_interval
    assert low <= next(draw("latency", [found]).points).y <= high
    assert "3 seeds" in store_tip(curve[0], found)


def test_without_truth_agreement_is_drawn(tmp_path):
    found = read_results(stores.write(tmp_path / "a.sqlite", truth=False))
    assert not found.against_truth
    assert found.trials[0].scores["aji"] == pytest.approx(0.92)
    chart = draw("accuracy", [found])
    assert chart.level.value == 1.0  # with itself
    assert chart.y.title == "AJI against dense"


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
    assert len(list(draw("accuracy", [found]).points)) == 1
    for key in ("latency", "trade"):
        assert list(draw(key, [found]).points) == []
    assert bare.to_trial().latency is None
    empty = draw("accuracy", [StoreContents(path)])
    assert (empty.series, empty.level) == ((), None)


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
    curves = groups_of(results).values()
    assert sorted(len(points) for curve in curves for points in curve) == [1, 2]
    assert len(curves) == 2
