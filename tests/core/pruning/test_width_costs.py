"""Cost tables and plans that aim at time, on a machine made up for the test."""

import numpy as np
import pytest
import torch

from core.errors import PruningError
from core.job import Cancelled, Job
from core.pruning import (
    CostTable,
    Counter,
    Limits,
    apply_plan,
    make_timed_plan,
    measure_costs,
)
from core.pruning.applying.masked import living_atoms
from core.pruning.planning.width_costs import LayerCost
from core.pruning.tracing.layer_calls import calls_of, median_ms
from tests.core.models.cases import SPECS
from tests.core.pruning.oracle import check, from_catalogue, from_zoo
from tests.core.pruning.zoo import ZOO

REST = 3.0


def by_macs(scale=1e-6, start=0.0):
    """A machine that takes a time for each multiply-accumulate and nothing else."""

    def measure(probe):
        out = probe.run()
        if not probe.macs:
            return measure.dense + REST
        assert out.shape  # the narrowed call does run
        return start + scale * probe.macs

    measure.dense = 0.0
    return measure


def _table(it, **more):
    measure = by_macs(**more)
    measure.dense = 1e-6 * Counter(it.graph).dense.macs
    return measure_costs(it.module, it.graph, it.inputs, measure=measure)


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
        # Bilinear in the two widths, so interpolation is exact; below the
        # narrowest width that is measured, time no longer falls.
        assert predicted >= macs - 1e-9
        assert predicted <= macs * 1.35 + REST


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
        assert left > share * dense - 0.1 * dense
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


def test_interpolation_by_hand():
    cost = LayerCost(
        0,
        np.array([2.0, 4.0]),
        np.array([1.0, 3.0]),
        np.array([[1.0, 3.0], [5.0, 7.0]]),
    )
    assert cost.at(2, 1) == 1.0
    assert cost.at(3, 2) == 4.0
    assert cost.at(4, 3) == 7.0
    assert cost.at(1, 1) == 1.0  # beyond the ends
    assert cost.at(9, 9) == 7.0


def test_layers_of_the_same_shape_are_timed_once():
    it = from_catalogue("resnet18")
    keys = {call.key for call in calls_of(it.module, it.graph, it.inputs).values()}
    seen = []

    def measure(probe):
        seen.append((probe.inputs, probe.outputs))
        return 1.0

    table = measure_costs(it.module, it.graph, it.inputs, measure=measure)
    assert len(table.layers) == len(it.graph.producing_layers) > len(keys)
    assert len(seen) <= 25 * len(keys) + 1


def test_a_table_survives_as_json():
    it = from_catalogue("unet")
    table = _table(it)
    back = CostTable.from_json(table.to_json())
    assert back.dense(it.graph) == table.dense(it.graph)
    assert back.shapes == table.shapes
    for text in ("", "[]", '{"rest": 1}', '{"rest": 1, "shapes": [], "layers": [[1]]}'):
        with pytest.raises(PruningError, match="not a cost table"):
            CostTable.from_json(text)


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


def test_the_median_of_real_calls_is_a_time():
    it = from_catalogue("unet")
    calls = calls_of(it.module, it.graph, it.inputs)
    first = calls[min(calls)]
    assert median_ms(first.narrow(3, 4)) > 0
