"""Cost tables and plans that aim at time, on a machine made up for the test."""

import numpy as np
import pytest
import torch
from torch.utils._pytree import tree_leaves

from core.cache import read_cached, write_cached
from core.errors import PruningError
from core.job import Cancelled, Job
from core.pruning import (
    Counter,
    Limits,
    apply_plan,
    make_timed_plan,
    measure_costs,
)
from core.pruning.applying.masked import living_atoms
from core.pruning.planning.limits import ladders
from core.pruning.tracing.layer_calls import calls_of, least_ms, without_layers
from tests.core.models.cases import SPECS
from tests.core.pruning.oracle import check, from_catalogue, from_zoo
from tests.core.pruning.zoo import ZOO

REST = 3.0


def by_macs(scale=1e-6, start=0.0):
    """A machine that takes a time for each multiply-accumulate and nothing else."""

    def measure(probe):
        out = probe.run()
        if not probe.macs:
            return REST
        assert out.shape  # the narrowed call does run
        return start + scale * probe.macs

    return measure


def _table(it, **more):
    return measure_costs(it.module, it.graph, it.inputs, measure=by_macs(**more))


def _values(graph, alive):
    return sum(x.positions * alive[x.outputs].sum() for x in graph.producing_layers)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_where_time_is_macs_the_prediction_is_macs(name):
    it = from_catalogue(name)
    table = _table(it)
    counter = Counter(it.graph)
    assert np.isclose(table.dense(it.graph), 1e-6 * counter.dense.macs + REST)
    for sparsity in (0.3, 0.7):
        alive = living_atoms(it.graph, it.plan("l2", sparsity))
        predicted = table.predict(it.graph, alive)
        macs = 1e-6 * counter.counts(alive).macs
        values = _values(it.graph, alive) / _values(it.graph, alive | True)
        assert predicted == pytest.approx(macs + REST * values)


@pytest.mark.parametrize("name", sorted(ZOO))
def test_every_architecture_can_be_measured(name):
    it = from_zoo(name)
    calls = calls_of(it.module, it.graph, it.inputs)
    for place, call in calls.items():
        layer = it.graph.layers[place]
        for share in (0.25, 1.0):
            probe = call.narrow(*call.widths(share))
            out = probe.run()
            assert torch.isfinite(out).all()
        weight = dict(it.module.named_parameters()).get(layer.weight)
        if weight is not None:
            assert probe.macs == layer.positions * weight.numel()
    assert _table(it).dense(it.graph) >= 0


def test_a_time_is_met_and_hardly_more_than_needed_goes():
    it = from_catalogue("unet")
    table = _table(it)
    dense = table.dense(it.graph)
    for share in (0.9, 0.6, 0.4):
        plan = make_timed_plan(it.module, it.graph, "l2", share * dense, table)
        left = table.predict(it.graph, living_atoms(it.graph, plan))
        assert left <= share * dense
        assert left > share * dense - 0.25 * dense  # widths go in steps
        assert plan.request["predicted_ms"] == left
        assert plan.request["predicted_dense_ms"] == dense
        check(it, plan)


def test_limits_hold():
    it = from_catalogue("unet")
    table = _table(it)
    limits = Limits(round_to=4, locked=["encoder.1"])
    goal = 0.85 * table.dense(it.graph)
    plan = make_timed_plan(it.module, it.graph, "l2", goal, table, limits=limits)
    pruned = apply_plan(it.module, plan)
    assert pruned.encoder[1].conv1.out_channels == 8
    assert pruned.encoder[2].conv1.out_channels % 4 == 0


def test_layers_of_the_same_shape_are_timed_once():
    it = from_catalogue("resnet18")
    keys = {call.key for call in calls_of(it.module, it.graph, it.inputs).values()}
    seen = []

    def measure(probe):
        seen.append((probe.inputs, probe.outputs, probe.macs))
        return 1.0

    table = measure_costs(it.module, it.graph, it.inputs, measure=measure)
    assert len(table.places) == len(it.graph.producing_layers) > len(keys)
    before = len(seen)
    assert before <= len(keys) + 3 + 24  # the whole network, and looking for the step
    alive = living_atoms(it.graph, it.plan("l2", 0.5))
    first = table.predict(it.graph, alive)
    added = len(seen) - before
    assert 0 < added <= len(table.places)
    assert table.predict(it.graph, alive) == first
    assert len(seen) == before + added


@pytest.mark.parametrize("step", [1, 4, 8, 16])
def test_the_step_of_the_machine_is_found(step):
    it = from_catalogue("unet")

    def measure(probe):
        if not probe.macs:
            return 10.0
        return float(-(-probe.outputs // step) * step)

    table = measure_costs(it.module, it.graph, it.inputs, measure=measure)
    assert table.step == step


def test_widths_are_multiples_of_the_step_or_small():
    it = from_catalogue("resnet18")
    for step in (8, 16):
        for members, widths in zip(
            it.graph.groups, ladders(it.graph, step, Limits()), strict=True
        ):
            assert widths[-1] == members.size
            assert all(np.diff(widths) > 0)
            allowed = {4, 8, 12, members.size}
            assert all(n in allowed or n % step == 0 for n in widths)
    by_three = ladders(it.graph, 8, Limits(round_to=3, min_channels=5))
    assert all(n == w[-1] or (n % 3 == 0 and n >= 5) for w in by_three for n in w)


def test_times_are_kept_between_runs_and_a_broken_file_is_ignored(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("PRUNESCOPE_CACHE", str(tmp_path))
    it = from_catalogue("unet")
    calls = []

    def measure(probe):
        calls.append(probe)
        return 1e-6 * probe.macs if probe.macs else 5.0

    def take():
        calls.clear()
        table = measure_costs(
            it.module, it.graph, it.inputs, measure=measure, keep=True
        )
        return table, len(calls)

    table, first = take()
    again, second = take()
    assert first > 0
    assert second == 0
    assert again.dense(it.graph) == table.dense(it.graph)
    assert (again.step, again.rest) == (table.step, table.rest)
    (file,) = (tmp_path / "layer-times").glob("*.json")
    for text in ("", "[]", "{", '{"rest": -1, "step": 8, "times": {}}', '{"rest": 1}'):
        file.write_text(text)
        assert take()[1] == first
    file.write_text('{"rest": 1, "step": 8, "times": {"a": NaN}}')
    assert take()[1] == first
    monkeypatch.setenv("PRUNESCOPE_CACHE", "off")
    assert take()[1] == first


def test_what_is_kept_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_CACHE", str(tmp_path))
    monkeypatch.setattr("core.cache.MOST_FILES", 3)
    for number in range(5):
        write_cached("some", f"{number}", number)
    kept = {n for n in range(5) if read_cached("some", f"{n}") is not None}
    assert len(kept) == 3
    write_cached("some", "large", "x" * 5_000_000)
    assert read_cached("some", "large") is None


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("PRUNESCOPE_CACHE", str(file))
    write_cached("some", "key", 1)
    assert read_cached("some", "key") is None


def test_what_cannot_be_met():
    it = from_catalogue("unet")
    table = _table(it)
    with pytest.raises(PruningError, match="out of reach"):
        make_timed_plan(it.module, it.graph, "l2", 1e-6, table)
    with pytest.raises(PruningError, match="give a positive number"):
        make_timed_plan(it.module, it.graph, "l2", -1.0, table)
    with pytest.raises(PruningError, match="give a positive number"):
        make_timed_plan(it.module, it.graph, "l2", float("nan"), table)
    other = from_catalogue("resnet18")
    with pytest.raises(PruningError, match="measured on another model"):
        make_timed_plan(other.module, other.graph, "l2", 1.0, table)


def test_measuring_changes_nothing_and_can_be_cancelled():
    it = from_catalogue("unet")
    it.module.train()
    try:
        before = {n: t.clone() for n, t in it.module.state_dict().items()}
        state = torch.get_rng_state()
        _table(it)
        assert it.module.training
        after = it.module.state_dict()
        assert all(torch.equal(after[n], before[n]) for n in before)
        assert torch.equal(torch.get_rng_state(), state)
    finally:
        it.module.eval()
    job = Job(lambda step: job.cancel())
    with pytest.raises(Cancelled):
        measure_costs(it.module, it.graph, it.inputs, measure=by_macs(), job=job)


def test_the_least_of_real_calls_is_a_time():
    it = from_catalogue("unet")
    calls = calls_of(it.module, it.graph, it.inputs)
    first = calls[min(calls)]
    assert least_ms(first.narrow(3, 4)) > 0


@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_run_without_layers_gives_what_the_model_gives(name):
    it = from_catalogue(name)
    with torch.inference_mode():
        wanted = tree_leaves(it.module(*it.inputs))
        found = tree_leaves(without_layers(it.module, it.graph, it.inputs).run())
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b)
