"""Single weights, steps, ratios and latency as the aim, through the bench's model."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.benchmark import PrunableModel
from core.errors import PruningError
from core.models import LoadedModel, load_model, save_model
from core.pruning import MaskPlan
from core.types import UNSTRUCTURED, PruneRequest
from tests.core.models.cases import fresh

X = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
SINGLE = [
    UNSTRUCTURED + name for name in ("magnitude", "activation", "taylor", "random")
]


@pytest.fixture(scope="module")
def prunable():
    return PrunableModel(fresh("unet"), X, [X, 1 - X])


@pytest.fixture
def timed_by_macs(monkeypatch):
    """A computer whose times follow the work; returns the graphs that were timed."""
    import core.pruning.methods.latency as methods
    from core.pruning.planning.width_costs import measure_costs

    timed = []

    def measured(module, graph, example, **_):
        timed.append(graph)

        def by_macs(probe):
            return probe.macs * 1e-6 if probe.macs else 1.0

        return measure_costs(module, graph, example, measure=by_macs)

    monkeypatch.setattr(methods, "measure_costs", measured)
    return timed


@pytest.mark.parametrize("count", ["params", "channels", "latency"])
def test_widths_are_predicted_along_the_slider(timed_by_macs, count):
    prunable = PrunableModel(fresh("unet"), X, [X, 1 - X])
    request = PruneRequest("l2", 0.0, count=count)
    curve = prunable.curve(request)
    dense = {layer.name: layer.width for layer in prunable.layers}
    assert curve.widths_at(0.0) == dense
    for sparsity in (0.3 * curve.reach, 0.6 * curve.reach):
        exact = prunable.widths(prunable.plan(replace(request, sparsity=sparsity)))
        predicted = curve.widths_at(sparsity)
        off = [abs(predicted[name] - exact[name]) / dense[name] for name in exact]
        assert np.mean(off) < 0.06
        assert sum(predicted.values()) < sum(dense.values())
    single = prunable.curve(PruneRequest(SINGLE[0], 0.5))
    assert single.widths_at(0.5) == {}


@pytest.mark.parametrize("scope", ["layer", "network", "encoder"])
@pytest.mark.parametrize("heuristic", SINGLE)
def test_single_weights_are_zero_and_counted(prunable, heuristic, scope):
    request = PruneRequest(heuristic, 0.4, scope=scope, recovery="none")
    plan = prunable.plan(request)
    module = prunable.build(request, plan)
    zeros = sum(int((p == 0).sum()) for p in module.parameters())
    before = sum(int((p == 0).sum()) for p in prunable.model.module.parameters())
    dense, left = prunable.counts, prunable.sizes(plan)
    assert zeros - before == dense.params - left.params == round(0.4 * dense.params)
    assert left.channels == dense.channels
    assert 0 < left.macs < dense.macs
    assert "no speed-up" in plan.warnings[0]
    widths = {layer.name: layer.width for layer in prunable.layers}
    assert prunable.widths(plan) == widths


def test_zeros_survive_saving_and_masks_name_them(prunable, tmp_path):
    request = PruneRequest(SINGLE[0], 0.7, recovery="bn")
    plan = prunable.plan(request)
    module = prunable.build(request, plan)
    save_model(tmp_path / "m.safetensors", LoadedModel(module, prunable.model.spec))
    plan.save(tmp_path / "m.masks")
    back, masks = (
        load_model(tmp_path / "m.safetensors"),
        MaskPlan.load(tmp_path / "m.masks"),
    )
    assert masks.hash == plan.hash
    state = dict(back.module.named_parameters())
    for name, mask in masks.kept.items():
        assert not state[name].detach()[torch.from_numpy(~mask)].any()
    with torch.inference_mode():
        assert torch.equal(back.module(X)["np"], module(X)["np"])


def test_the_slider_knows_sizes_of_single_weights(prunable):
    request = PruneRequest(SINGLE[0], 0.5, recovery="none")
    curve = prunable.curve(request)
    assert curve.reach > 0.9
    exact = prunable.sizes(prunable.plan(request))
    assert curve.at(0.5).params == pytest.approx(exact.params, rel=0.01)
    assert curve.at(0.5).macs == pytest.approx(exact.macs, rel=0.1)


def test_locked_layers_keep_their_weights(prunable):
    name = prunable.layers[2].name
    plan = prunable.plan(PruneRequest(SINGLE[0], 0.5, locked=(name,)))
    assert not any(key.startswith(name + ".") for key in plan.kept)


def test_they_are_listed_last_with_the_others(prunable):
    names = [entry.name for entry in prunable.heuristics]
    assert names[-4:] == [UNSTRUCTURED + n for n in _weight_names()]
    assert "l2" in names


def _weight_names():
    from core.pruning import WEIGHT_HEURISTICS

    return list(WEIGHT_HEURISTICS)


@pytest.mark.parametrize("recovery", ["none", "bn", "refit"])
def test_steps_reach_the_target(prunable, recovery):
    request = PruneRequest("l2", 0.6, recovery=recovery, steps=3, min_channels=1)
    plan = prunable.plan(request)
    module = prunable.build(request, plan)
    left = prunable.sizes(plan)
    assert sum(p.numel() for p in module.parameters()) == left.params
    assert 1 - left.params / prunable.counts.params == pytest.approx(0.6, abs=0.05)
    assert plan.request["steps"] == 3
    once = prunable.plan(replace(request, steps=1))
    assert once.shapes == plan.shapes


def test_ratios_are_met_beside_the_target(prunable):
    name, width = prunable.layers[0].name, prunable.layers[0].width
    request = PruneRequest("l2", 0.3, ratios=((name, 0.5),))
    assert prunable.widths(prunable.plan(request))[name] == width // 2
    assert PruneRequest("l2", 0.3, ratios=[[name, "0.5"]]) == request


def test_a_share_of_the_latency(timed_by_macs):
    fresh_one = PrunableModel(fresh("unet"), X, [X])
    plan = fresh_one.plan(PruneRequest("l2", 0.5, count="latency"))
    dense, left = plan.request["predicted_dense_ms"], plan.request["predicted_ms"]
    assert 0.35 < left / dense <= 0.5
    curve = fresh_one.curve(PruneRequest("l2", 0.5, count="latency"))
    assert curve.reach > 0.5
    left = fresh_one.sizes(plan)
    assert curve.at(0.5).macs == pytest.approx(left.macs, rel=0.15)
    assert len(timed_by_macs) == 1  # layers are timed once a model


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (PruneRequest("unstructured:l7", 0.5), "no heuristic"),
        (PruneRequest(SINGLE[0], 0.99, scope="head"), "can be removed|no weights"),
        (PruneRequest(SINGLE[0], 0.5, count="macs"), "counted as parameters"),
        (PruneRequest(SINGLE[0], 0.5, steps=2), "one step"),
        (PruneRequest(SINGLE[0], 1.5), "outside"),
        (PruneRequest("l2", 0.5, count="latency", steps=2), "single step"),
        (PruneRequest("l2", 0.5, steps=2, ratios=(("encoder", 0.5),)), "in one step"),
        (PruneRequest("l2", 0.5, ratios=(("nowhere", 0.5),)), "no layer"),
        (PruneRequest("l2", 0.5, ratios=(("encoder", 1.5),)), "outside"),
    ],
)
def test_what_does_not_go_together_is_said(prunable, request_, words):
    before = {k: v.clone() for k, v in prunable.model.module.state_dict().items()}
    with pytest.raises(PruningError, match=words):
        prunable.plan(request_)
    after = prunable.model.module.state_dict()
    assert all(torch.equal(after[k], v) for k, v in before.items())


@pytest.mark.parametrize("recovery", ["refit", "sequential"])
def test_channels_cannot_be_repaired_where_none_went(prunable, recovery):
    request = PruneRequest(SINGLE[0], 0.5, recovery=recovery)
    with pytest.raises(PruningError, match="choose none, bn or finetune"):
        prunable.build(request, prunable.plan(request))


def test_keys_of_earlier_trials_stay():
    from core.store.records import TrialIdentity

    plain = TrialIdentity("m", "w", "d", PruneRequest("l2", 0.5))
    other = TrialIdentity("m", "w", "d", PruneRequest("l2", 0.5, steps=2))
    assert plain.key != other.key
    assert np.unique([plain.key, other.key]).size == 2


@pytest.mark.parametrize("heuristic", ["l2", "random", "fpgm"])
def test_costs_can_weigh_in_the_ranking(prunable, heuristic):
    from core.pruning import make_plan

    request = PruneRequest(heuristic, 0.5, count="macs", cost_aware=True)
    plan = prunable.plan(request)
    module, graph = prunable.model.module, prunable.graph
    direct = make_plan(module, graph, heuristic, 0.5, count="macs", cost_aware=True)
    assert plan.hash == direct.hash
    assert plan.request["cost_aware"] is True
    assert prunable.plan(replace(request, cost_aware=False)).hash != plan.hash


def test_each_request_means_one_method():
    from core.pruning import METHODS, find_method

    meant = {
        "channels": PruneRequest("l2", 0.5),
        "steps": PruneRequest("l2", 0.5, steps=2),
        "latency": PruneRequest("l2", 0.5, count="latency"),
        "weights": PruneRequest(SINGLE[0], 0.5),
    }
    assert {name: find_method(one).name for name, one in meant.items()} == {
        name: name for name in METHODS
    }


def test_steps_are_not_spoiled_by_a_later_repair(prunable):
    """The model after the steps is kept, and recalibrated in place for ``bn``."""
    request = PruneRequest("l2", 0.6, recovery="none", steps=3)
    plan = prunable.plan(request)
    first = prunable.build(request, plan).state_dict()
    prunable.build(replace(request, recovery="bn"), plan)
    again = prunable.build(request, plan).state_dict()
    assert all(torch.equal(again[name], value) for name, value in first.items())


@pytest.mark.parametrize("recovery", ["sequential", "refit"])
def test_repairs_of_steps_bring_the_outputs_nearer(prunable, recovery):
    def far(repair):
        request = PruneRequest("l2", 0.6, recovery=repair, steps=2)
        module = prunable.build(request, prunable.plan(request)).eval()
        with torch.inference_mode():
            found, dense = module(X), prunable.model.module(X)
        return float((found["np"] - dense["np"]).square().mean())

    assert far(recovery) < far("none")
