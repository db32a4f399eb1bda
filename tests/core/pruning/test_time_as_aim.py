"""Time as the aim: blocks in one order, on machines made up for the test."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from core.errors import PruningError
from core.job import Cancelled, Job
from core.pruning import (
    apply_plan,
    calibrate,
    make_plan,
    mask_plan,
    measure_costs,
    trace,
)
from core.pruning.applying.masked import living_atoms
from core.pruning.planning.block_order import BlockOrder
from core.pruning.planning.layer_steps import find_layer_steps
from core.results import LayerStep
from tests.core.pruning.oracle import check, from_catalogue, from_zoo
from tests.core.pruning.zoo import ZOO


def by_steps(step=4, scale=1e-6):
    """A machine that computes ``step`` channels together."""

    def measure(probe):
        if not probe.macs:
            return 2.0
        made = -(-probe.outputs // step) * step
        return scale * probe.macs * made / probe.outputs + 1e-3

    return measure


def table_for(it, step=4):
    return measure_costs(it.module, it.graph, it.inputs, measure=by_steps(step))


def plan_for(it, table, sparsity, heuristic="sensitivity", **more):
    return it.plan(heuristic, sparsity, count="latency", table=table, **more)


def reach(it, table):
    """Share of the time that can go."""
    with pytest.raises(PruningError, match="Ask for at most") as error:
        plan_for(it, table, 0.99)
    return float(str(error.value).split("at most ")[1].split("%")[0]) / 100


@pytest.mark.parametrize("heuristic", ["sensitivity", "reconstruction"])
def test_one_order_for_all_times(heuristic):
    it, before = from_catalogue("unet"), None
    table = table_for(it)
    top = reach(it, table)
    for share in (0.2, 0.4, 0.6, 0.8, 1.0):
        sparsity = np.floor(1000 * share * top) / 1000
        plan = plan_for(it, table, sparsity, heuristic)
        left = plan.request["predicted_ms"]
        assert left <= (1 - sparsity) * plan.request["predicted_dense_ms"] * (1 + 1e-6)
        assert left == pytest.approx(
            table.predict(it.graph, living_atoms(it.graph, plan))
        )
        if before is not None:
            assert left <= before.request["predicted_ms"]
            assert all(plan.slices(n) <= before.slices(n) for n in plan.shapes)
        assert plan.hash == plan_for(it, table, sparsity, heuristic, seed=5).hash
        check(it, plan)
        before = plan
    assert before.request["count"] == "latency"
    assert before.request["round_to"] == table.step == 4


def test_widths_are_those_the_machine_computes_well():
    it = from_catalogue("resnet18")
    table = table_for(it, step=8)
    plan = plan_for(it, table, 0.5 * reach(it, table))
    alive = living_atoms(it.graph, plan)
    for members in it.graph.groups:
        left = int(alive[members].sum())
        assert left in {4, 8, 12, members.size} or left % 8 == 0


@pytest.mark.parametrize("name", sorted(ZOO))
def test_every_architecture_can_aim_at_time(name):
    it = from_zoo(name)
    table = table_for(it, step=2)
    try:
        top = reach(it, table)
    except AssertionError:
        return  # nothing there is timed
    plan = plan_for(it, table, np.floor(900 * top) / 1000)
    with torch.no_grad():
        cut = apply_plan(it.module, plan)(*it.inputs)
        masked = mask_plan(it.module, it.graph, plan)(*it.inputs)
    for a, b in zip(tree_leaves(cut), tree_leaves(masked), strict=True):
        if isinstance(a, torch.Tensor) and a.is_floating_point():
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


class Two(nn.Module):
    """A costly layer that matters little, and a cheap one that matters."""

    def __init__(self):
        super().__init__()
        self.large = nn.Conv2d(3, 16, 3, padding=1)
        self.mix = nn.Conv2d(16, 4, 3, padding=1)
        self.small = nn.Conv2d(3, 16, 1)
        self.head = nn.Conv2d(20, 1, 1)

    def forward(self, x):
        first = torch.relu(self.mix(torch.relu(self.large(x))))
        return self.head(torch.cat([0.01 * first, torch.relu(self.small(x))], 1))


def _two():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = Two().double().eval()
        tiles = [torch.randn(1, 3, 24, 24, dtype=torch.float64) for _ in range(4)]
    graph = trace(module, tiles[0])
    table = measure_costs(module, graph, tiles[0], measure=by_steps())
    return module, graph, calibrate(module, graph, tiles), table


def test_what_costs_time_and_matters_little_goes_first():
    module, graph, statistics, table = _two()
    cut = {}
    for sparsity in (0.4, 0.45):
        plan = make_plan(
            module, graph, "sensitivity", sparsity, statistics=statistics,
            count="latency", table=table,
        )  # fmt: skip
        cut[sparsity] = apply_plan(module, plan, statistics=statistics)
    # the costly layer gives all it can (four channels are computed together) first
    assert cut[0.4].large.out_channels == 4
    assert cut[0.4].small.out_channels == 16
    assert cut[0.45].small.out_channels == 12


def test_a_permutation_of_channels_permutes_the_plan():
    module, _, statistics, _ = _two()
    order = torch.randperm(16, generator=torch.Generator().manual_seed(3))
    other, _, _, _ = _two()
    with torch.no_grad():
        other.large.weight.copy_(module.large.weight[order])
        other.large.bias.copy_(module.large.bias[order])
        other.mix.weight.copy_(module.mix.weight[:, order])
    kept = []
    for each in (module, other):
        g = trace(each, statistics.inputs[0])
        tiles = [batch[0] for batch in statistics.inputs]
        plan = make_plan(
            each, g, "sensitivity", 0.4, count="latency",
            statistics=calibrate(each, g, tiles),
            table=measure_costs(each, g, tiles[0], measure=by_steps()),
        )  # fmt: skip
        kept.append(plan.kept["large.weight"][0])
    assert kept[0] is not None
    assert set(order[kept[1]].tolist()) == set(kept[0].tolist())


def test_locked_layers_scopes_and_shares_hold():
    it = from_catalogue("unet")
    table = table_for(it)
    plan = plan_for(it, table, 0.2, locked=["encoder.0"])
    assert plan.kept["encoder.0.conv1.weight"][0] is None
    plan = plan_for(it, table, 0.1, scope="decoder")
    assert plan.kept["encoder.1.conv1.weight"][0] is None
    share = {"encoder.2.conv1": 0.5}
    plan = plan_for(it, table, 0.2, ratios=share)
    kept = plan.kept["encoder.2.conv1.weight"][0]
    assert len(kept) == 8
    check(it, plan)
    with pytest.raises(PruningError, match="Nothing can be pruned in scope"):
        plan_for(it, table, 0.2, scope="heads")


def test_an_order_can_be_cancelled_and_reports_progress():
    it = from_catalogue("unet")
    table, steps = table_for(it), []
    statistics = calibrate(it.module, it.graph, [it.inputs])

    def ask(job):
        return make_plan(
            it.module, it.graph, "sensitivity", 0.3, count="latency",
            statistics=statistics, table=table, job=job,
        )  # fmt: skip

    def stop(step):
        steps.append(step)
        if step.what.startswith("finding") and step.done:
            job.cancel()

    job = Job(stop)
    with pytest.raises(Cancelled):
        ask(job)
    assert {step.what for step in steps} >= {"reading gradients"}
    steps.clear()
    ask(Job(steps.append))
    finding = [step for step in steps if step.what.startswith("finding")]
    done = [step.done for step in finding]
    assert done == sorted(done)
    assert all(step.done <= step.total for step in finding)
    steps.clear()
    ask(Job(steps.append))
    assert steps == []  # found once


def test_the_order_is_kept_on_this_computer(tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_CACHE", str(tmp_path))
    it = from_catalogue("unet")
    found = []
    for turn in range(3):
        steps = []
        statistics = calibrate(it.module, it.graph, [it.inputs])
        table = measure_costs(
            it.module, it.graph, it.inputs, measure=by_steps(), keep=True
        )
        plan = make_plan(
            it.module, it.graph, "sensitivity", 0.3, count="latency",
            statistics=statistics, table=table, job=Job(steps.append),
        )  # fmt: skip
        found.append((plan.hash, any(s.what.startswith("finding") for s in steps)))
        if turn == 1:
            (file,) = (tmp_path / "block-orders").glob("*.json")
            file.write_text('{"dense": 1, "first": [], "blocks": [[[0], 1, 2]]}')
    assert [searched for _, searched in found] == [True, False, True]
    assert len({name for name, _ in found}) == 1


def test_an_order_survives_as_data_and_nonsense_does_not():
    it = from_catalogue("unet")
    data = {"dense": 9.0, "first": [], "blocks": [[[1, 2], 0.5, 8.0], [[5], 1, 7.5]]}
    order = BlockOrder.from_data(data, it.graph.atoms)
    assert order.to_data() == {**data, "blocks": [[[1, 2], 0.5, 8.0], [[5], 1.0, 7.5]]}
    assert (order.shortest(9.0), order.shortest(8.0), order.shortest(1.0)) == (0, 1, 2)
    bad = (
        None, [], {}, {**data, "blocks": [[[1, 1], 0, 8.0]]},
        {**data, "blocks": [[[1], 0, 9.5]]}, {**data, "blocks": [[[10**9], 0, 8.0]]},
        {**data, "blocks": [[["x"], 0, 8.0]]}, {**data, "dense": "no"},
        {**data, "blocks": [[[1], 0, float("nan")]]},
    )  # fmt: skip
    for each in bad:
        assert BlockOrder.from_data(each, it.graph.atoms) is None


@pytest.mark.parametrize("heuristic", ["l2", "random", "sensitivity"])
def test_a_ranking_meets_a_time_too(heuristic):
    it = from_catalogue("unet")
    table = table_for(it)
    plan = plan_for(it, table, 0.3, heuristic, scope="layer")
    dense = plan.request["predicted_dense_ms"]
    assert plan.request["predicted_ms"] <= 0.7 * dense
    check(it, plan)


def test_without_a_table_this_machine_is_timed():
    it = from_catalogue("unet")
    plan = it.plan("sensitivity", 0.0, count="latency")
    # How much can go is this machine's affair; that it was timed is not.
    assert plan.request["predicted_ms"] == plan.request["predicted_dense_ms"] > 0
    assert plan.request["round_to"] in {1, 4, 8, 16, 32}


@pytest.mark.parametrize("sparsity", [-0.1, 1.0, float("nan")])
def test_a_share_outside_the_range_is_refused(sparsity):
    it = from_catalogue("unet")
    with pytest.raises(PruningError, match=r"outside 0 to 0\.99"):
        plan_for(it, table_for(it), sparsity)


def test_steps_of_layers_say_what_the_next_width_would_save():
    it = from_catalogue("unet")
    table = table_for(it)
    alive = np.ones(it.graph.atoms, dtype=bool)
    layers = {layer.name: layer for layer in it.graph.producing_layers}
    one = layers["encoder.2.conv1"]
    alive[one.outputs[:3]] = False  # 16 channels down to 13
    steps = {step.name: step for step in find_layer_steps(table, alive)}
    assert set(steps) == set(layers)
    found = steps["encoder.2.conv1"]
    assert (found.kept, found.lower) == (13, 12)
    place = next(p for p in table.places if it.graph.layers[p] is one)
    read = one.inputs.size
    saved = table.at(place, read, 13) - table.at(place, read, 12)
    assert found.saves_ms == pytest.approx(saved)
    assert found.dense_ms == table.at(place, read, 16)
    assert found.left_ms == table.at(place, read, 13) <= found.dense_ms
    head = next(step for name, step in steps.items() if name.startswith("heads"))
    assert (head.lower, head.words) == (0, "")  # outputs of the model stay


def test_words_of_a_step():
    assert (
        LayerStep("a", 5, 4, 17, 16, 1.23).words
        == "17 to 16 channels would save 1.2 ms"
    )
    assert LayerStep("a", 5, 4, 17, 16, 0.001).words == ""


def test_an_order_that_was_kept_by_other_times_is_found_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_CACHE", str(tmp_path))
    for scale in (1e-4, 1e-6):  # as two programs that measure side by side would
        it = from_catalogue("unet")
        table = measure_costs(
            it.module, it.graph, it.inputs, measure=by_steps(scale=scale), keep=True
        )
        table.times.clear()  # what another program kept is not taken over
        plan = plan_for(it, table, 0.0)
        assert plan.request["predicted_ms"] == plan.request["predicted_dense_ms"]
