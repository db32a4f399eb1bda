"""Targets are met within one atom; limits hold; what cannot be met says so."""

import re
from dataclasses import astuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core.errors import PruningError
from core.pruning import (
    HEURISTICS,
    Counter,
    Limits,
    ScoringContext,
    Selector,
    apply_plan,
    make_plan,
    trace,
)
from core.pruning.applying.masked import living_atoms
from tests.core.models.cases import SPECS
from tests.core.pruning.oracle import from_catalogue, from_zoo, subject
from tests.core.pruning.test_oracle_zoo import PROTECTED
from tests.core.pruning.zoo import ZOO

_FREE = sorted(set(ZOO) - PROTECTED)


@pytest.mark.parametrize("name", sorted(SPECS))
@pytest.mark.parametrize("count", ["params", "macs", "channels"])
@pytest.mark.parametrize("scope", ["network", "layer"])
def test_sparsity_is_met_within_one_atom(name, count, scope):
    it = from_catalogue(name)
    counter = Counter(it.graph)
    dense = getattr(counter.dense, count)
    atom = counter.per_atom(count).max()
    for sparsity in (0.1, 0.37, 0.6, 0.8):
        plan = it.plan("l2", sparsity, scope=scope, count=count)
        left = counter.one(living_atoms(it.graph, plan), count)
        assert abs(left - (1 - sparsity) * dense) <= atom


@pytest.mark.parametrize("count", ["params", "macs", "channels"])
@settings(max_examples=25, deadline=None, database=None)
@given(data=st.data())
def test_any_sparsity_is_met_within_one_atom(count, data):
    """Any architecture, any scores, any scope and any sparsity within reach."""
    name = data.draw(st.sampled_from([*sorted(SPECS), *_FREE]))
    it = from_zoo(name) if name in ZOO else from_catalogue(name)
    scores = np.random.default_rng(data.draw(st.integers(0, 999))).random(
        it.graph.atoms
    )
    scope = data.draw(st.sampled_from(["network", "layer"]))
    selector, counter = Selector(it.graph), Counter(it.graph)
    ends = selector.prefixes(scores, scope, 2)
    dense, least = selector.table(ends)[:, ["params", "macs", "channels"].index(count)]
    sparsity = data.draw(st.floats(0.0, 1.0)) * min(1 - least / dense, 0.99)
    alive = selector.select(scores, sparsity, scope, count)
    off = abs(counter.one(alive, count) - (1 - sparsity) * dense)
    assert off <= counter.per_atom(count).max() * (1 + 1e-9)


def test_sparsity_of_parameters_is_that_of_the_module():
    it = from_catalogue("unet")
    dense = sum(p.numel() for p in it.module.parameters())
    for sparsity in (0.2, 0.5, 0.9):
        pruned = apply_plan(it.module, it.plan("l1", sparsity))
        left = sum(p.numel() for p in pruned.parameters())
        assert abs(1 - left / dense - sparsity) < 0.02


def test_more_sparsity_removes_more_and_never_brings_back():
    it = from_catalogue("residual-unet")
    before = np.ones(it.graph.atoms, dtype=bool)
    for sparsity in np.linspace(0.05, 0.9, 12):
        alive = living_atoms(it.graph, it.plan("l2", float(sparsity)))
        assert not (alive & ~before).any()
        before = alive


def test_layer_scope_takes_the_same_share_everywhere():
    it = from_catalogue("unet")
    alive = living_atoms(it.graph, it.plan("l2", 0.5, scope="layer", count="channels"))
    shares = [alive[group].mean() for group in it.graph.groups]
    sizes = [group.size for group in it.graph.groups]
    total = np.average(shares, weights=sizes)
    for share, size in zip(shares, sizes, strict=True):
        assert abs(share - total) <= 1.01 / size


def test_within_a_layer_the_worst_go_first():
    it = from_catalogue("unet")
    scores = np.random.default_rng(0).random(it.graph.atoms)
    for scope in ("layer", "network"):
        alive = Selector(it.graph).select(scores, 0.5, scope, "params")
        for group in it.graph.groups:
            kept, gone = scores[group[alive[group]]], scores[group[~alive[group]]]
            if kept.size and gone.size:
                assert gone.max() < kept.min()


@pytest.mark.parametrize("name", ["unet", "hovernet-fast", "resnet18"])
@pytest.mark.parametrize("step", [2, 4])
def test_widths_are_rounded(name, step):
    it = from_catalogue(name)
    dense = {k: m for k, m in it.module.named_modules() if isinstance(m, nn.Conv2d)}
    pruned = apply_plan(it.module, it.plan("l2", 0.4, round_to=step))
    narrower = 0
    for key, child in pruned.named_modules():
        if isinstance(child, nn.Conv2d):
            was = dense[key].out_channels
            narrower += child.out_channels < was
            assert child.out_channels % step == 0 or child.out_channels == was
    assert narrower


def test_no_layer_falls_below_the_floor():
    it = from_catalogue("attention-unet")
    plan = it.plan("random", 0.6, min_channels=3)
    dense = dict(it.module.named_modules())
    for key, child in apply_plan(it.module, plan).named_modules():
        if isinstance(child, nn.Conv2d):
            assert child.out_channels >= min(3, dense[key].out_channels)


def test_locked_layers_stay():
    it = from_catalogue("unet")
    plan = it.plan("l2", 0.5, locked=["encoder.1", "decoder.0.block.conv2"])
    pruned, dense = apply_plan(it.module, plan), it.module
    for key in ("encoder.1.conv1", "encoder.1.conv2", "decoder.0.block.conv2"):
        was = dense.get_submodule(key).out_channels
        assert pruned.get_submodule(key).out_channels == was
    assert pruned.get_submodule("encoder.2.conv1").out_channels < 16


def test_ratios_fix_the_share_of_a_layer():
    it = from_catalogue("unet")
    ratios = {"encoder.1.conv1": 0.25, "encoder.2": 0.75}
    plan = it.plan("l2", 0.7, ratios=ratios)
    pruned = apply_plan(it.module, plan)
    assert pruned.get_submodule("encoder.1.conv1").out_channels == 6
    assert pruned.get_submodule("encoder.2.conv1").out_channels == 4
    assert pruned.get_submodule("encoder.2.conv2").out_channels == 4
    plan = it.plan("l2", 0.0, ratios={"encoder.1.conv1": 0.5})
    pruned = apply_plan(it.module, plan)
    assert pruned.get_submodule("encoder.1.conv1").out_channels == 4
    assert pruned.get_submodule("encoder.2.conv1").out_channels == 16


def test_a_branch_leaves_the_others_as_they_are():
    it = from_catalogue("hovernet-fast")
    pruned = apply_plan(it.module, it.plan("l2", 0.05, scope="decoder.np"))
    state, dense = pruned.state_dict(), it.module.state_dict()
    changed = {key for key in dense if state[key].shape != dense[key].shape}
    assert changed
    assert all(key.startswith("decoder.np.") for key in changed)


def test_channels_shared_with_another_branch_stay():
    """An encoder's last width is every decoder's first in HoVer-Net."""
    it = from_catalogue("hovernet-fast")
    before = it.module.decoder.tp.u3.conva.weight.shape
    pruned = apply_plan(it.module, it.plan("l2", 0.2, scope="encoder"))
    assert pruned.decoder.tp.u3.conva.weight.shape[0] == before[0]


@pytest.mark.parametrize("sparsity", [-0.1, 1.0, 0.995, float("nan"), 2])
def test_sparsity_outside_its_range(sparsity):
    with pytest.raises(PruningError, match=r"outside 0 to 0\.99"):
        from_catalogue("unet").plan("l2", sparsity)


def test_out_of_reach_says_how_far_it_goes():
    it = from_catalogue("unet")
    said = (
        r"At most (\d+\.\d) % can be removed in this scope; the other layers are kept. "
        "Choose a wider scope or a lower sparsity."
    )
    with pytest.raises(PruningError, match=said) as caught:
        it.plan("l2", 0.9, scope="encoder.0")
    found = re.fullmatch(said, str(caught.value))
    most = float(found[1]) / 100
    it.plan("l2", most, scope="encoder.0")  # what it offers can be had


def test_unknown_names_say_what_there_is():
    it = from_catalogue("unet")
    with pytest.raises(PruningError, match="choose one of sensitivity"):
        make_plan(it.module, it.graph, "magnitud", 0.5)
    with pytest.raises(PruningError, match="Nothing can be pruned in scope 'middle'"):
        it.plan("l2", 0.5, scope="middle")
    with pytest.raises(PruningError, match=r"no layer called 'encoder\.9'"):
        it.plan("l2", 0.5, locked=["encoder.9"])
    with pytest.raises(PruningError, match="no layer called 'nowhere'"):
        it.plan("l2", 0.5, ratios={"nowhere": 0.5})
    with pytest.raises(PruningError, match="params, macs or channels"):
        it.plan("l2", 0.5, count="bytes")


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_ratios_outside_their_range(share):
    with pytest.raises(PruningError, match="outside 0 to 1"):
        from_catalogue("unet").plan("l2", 0.5, ratios={"encoder.1.conv1": share})


@pytest.mark.parametrize("limit", ["round_to", "min_channels"])
def test_limits_below_one(limit):
    with pytest.raises(PruningError, match="1 or more"):
        from_catalogue("unet").plan("l2", 0.5, **{limit: 0})


def test_graph_of_another_model():
    other = from_catalogue("residual-unet")
    module = from_catalogue("unet").module
    with pytest.raises(PruningError, match="trace the model you prune"):
        make_plan(module, other.graph, "l2", 0.5)


def test_statistics_are_asked_for():
    it = from_catalogue("unet")
    with pytest.raises(PruningError, match="calibrate on a few unlabelled tiles"):
        make_plan(it.module, it.graph, "reconstruction", 0.5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("heuristic", ["l1", "l2", "fpgm", "lamp", "random"])
def test_weights_that_are_not_numbers(heuristic, value):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 2, 1)).eval()
    with torch.no_grad():
        module[0].weight[3, 0, 0, 0] = value
    it = subject(module, torch.rand(1, 3, 8, 8))
    with pytest.raises(PruningError, match="not numbers"):
        it.plan(heuristic, 0.5)


def test_collapse_to_the_floor_is_in_the_warnings():
    it = from_catalogue("resnet18")
    plan = it.plan("l2", 0.99)
    assert any("is down to 1 of" in text for text in plan.warnings)


def test_sizes_match_plans():
    it = from_catalogue("unet")
    selector = Selector(it.graph, Limits(min_channels=2))
    scores = np.random.default_rng(1).random(it.graph.atoms)
    sizes = selector.table(selector.prefixes(scores, "network", 20))
    counter = Counter(it.graph)
    assert tuple(sizes[0]) == astuple(counter.dense)
    params = sizes[:, 0].tolist()
    assert params == sorted(params, reverse=True)
    for left in params[1:-1]:
        sparsity = 1 - left / params[0]
        alive = selector.select(scores, sparsity, "network", "params")
        assert abs(counter.counts(alive).params - left) <= max(
            counter.per_atom("params")
        )


def test_a_model_with_nothing_to_prune():
    module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Softmax(1)).eval()
    graph = trace(module, torch.rand(1, 3, 4, 4))
    assert graph.atoms == 1
    make_plan(module, graph, "l2", 0.0)
    with pytest.raises(PruningError, match=r"At most 0\.0 % can be removed"):
        make_plan(module, graph, "l2", 0.5)


@pytest.mark.parametrize("count", ["params", "macs"])
def test_cost_aware_keeps_more_channels_at_the_same_size(count):
    it = from_catalogue("unet")
    counter = Counter(it.graph)
    sizes = [
        counter.counts(
            living_atoms(
                it.graph, it.plan("l2", 0.6, count=count, cost_aware=cost_aware)
            )
        )
        for cost_aware in (False, True)
    ]
    atom = counter.per_atom(count).max()
    assert abs(getattr(sizes[0], count) - getattr(sizes[1], count)) <= 2 * atom
    assert sizes[1].channels > sizes[0].channels


def test_cost_aware_by_hand():
    """Score over cost is the order in which channels go."""
    it = from_catalogue("unet")
    counter = Counter(it.graph)
    scores = HEURISTICS["l2"].score(ScoringContext(it.module, it.graph))
    worth = scores / np.maximum(counter.per_atom("params"), 1)
    alive = Selector(it.graph).select(worth, 0.5, "network", "params")
    plan = it.plan("l2", 0.5, cost_aware=True)
    assert (living_atoms(it.graph, plan) == alive).all()
    assert plan.request["cost_aware"] is True
    same = [it.plan("reconstruction", 0.5, cost_aware=c).hash for c in (True, False)]
    assert same[0] == same[1]


@given(st.integers(0, 10_000), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_a_cost_that_rises_while_channels_go_is_met_wherever_it_can_be(seed, share):
    it = from_zoo(_FREE[seed % 4])
    rng = np.random.default_rng(seed)
    scores, prices = rng.random(it.graph.atoms), rng.random(it.graph.atoms + 1)

    def cost(alive):  # measured times fall in the long run and not step by step
        return alive.sum() / alive.size + prices[alive.sum()]

    limits = Limits(round_to=int(rng.choice([1, 4])))
    selector = Selector(it.graph, limits)
    costs = [
        cost(alive)
        for alive in selector.prefixes(scores, "network", it.graph.atoms + 1)
    ]
    goal = min(costs) + share * (max(costs) - min(costs))
    found = selector.select_below(scores, goal, "network", cost)
    assert cost(found) in costs
    assert cost(found) <= goal
    with pytest.raises(PruningError, match="out of reach"):
        selector.select_below(scores, min(costs) - 1e-6, "network", cost)
