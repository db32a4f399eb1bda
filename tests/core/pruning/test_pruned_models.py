"""Pruned models are ordinary models: they train, save, export and prune again."""

import pickle

import pytest
import torch
from torch.utils._pytree import tree_leaves

from core.models import LoadedModel, load_model, save_model
from core.pruning import apply_plan, make_plan, trace
from tests.core.models.cases import SPECS, fresh
from tests.core.pruning.oracle import (
    SIDES,
    check,
    difference,
    from_catalogue,
    from_zoo,
    run,
    subject,
)
from tests.core.pruning.zoo import ZOO

NAMES = sorted(SPECS)


@pytest.mark.parametrize("name", sorted(ZOO))
def test_gradients_reach_every_parameter_that_they_reached(name):
    it = from_zoo(name)
    pruned = apply_plan(it.module, it.plan("l2", 0.5 * it.reach))
    outputs = tree_leaves(pruned(*it.inputs))
    signs = [torch.sin(torch.arange(o.numel(), dtype=o.dtype)) for o in outputs]
    sum((o.flatten() * s).sum() for o, s in zip(outputs, signs, strict=True)).backward()
    for key, parameter in pruned.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.shape == parameter.shape
        assert torch.isfinite(parameter.grad).all()
        assert parameter.is_leaf


@pytest.mark.parametrize("name", NAMES)
def test_a_step_against_the_gradient_lowers_the_loss(name):
    it = from_catalogue(name)
    pruned = apply_plan(it.module, it.plan("l2", 0.4))

    def loss():
        return sum(out.square().mean() for out in tree_leaves(pruned(*it.inputs)))

    before = loss()
    before.backward()
    with torch.no_grad():
        power = sum(p.grad.square().sum() for p in pruned.parameters())
        for parameter in pruned.parameters():
            parameter.sub_(1e-4 * before / power * parameter.grad)
        after = loss()
    # To first order it falls by the step times the power of the gradient.
    assert 0.5e-4 < float(1 - after / before.detach()) < 2e-4


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_reloaded_outputs_are_identical(name, tmp_path):
    model = fresh(name)
    side = SIDES.get(name, 32)
    x = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    graph = trace(model.module, x)
    plan = make_plan(model.module, graph, "l2", 0.6)
    pruned = apply_plan(model.module, plan)
    path = tmp_path / "pruned.safetensors"
    save_model(path, LoadedModel(pruned, model.spec), plan)
    back = load_model(str(path))
    assert back.plan is not None
    assert back.plan.hash == plan.hash
    pairs = zip(run(back.module, (x,)), run(pruned, (x,)), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", NAMES)
def test_torch_export_computes_the_same(name):
    it = from_catalogue(name)
    pruned = apply_plan(it.module, it.plan("l2", 0.5))
    exported = torch.export.export(pruned, it.inputs).module()
    assert difference(run(exported, it.inputs), run(pruned, it.inputs)) < 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_pruned_again_and_again(name):
    it = from_catalogue(name)
    module = it.module
    second = "fpgm" if name == "dual-decoder" else "bn_scale"  # it has no batch norm
    for heuristic, share in (("l2", 0.3), (second, 0.3), ("random", 0.5)):
        now = subject(module, *it.inputs)
        module = check(now, now.plan(heuristic, share * now.reach))
    assert all(torch.isfinite(out).all() for out in run(module, it.inputs))


def test_pickle_and_state_dict_round_trip():
    it = from_catalogue("unet")
    pruned = apply_plan(it.module, it.plan("l2", 0.5))
    again = pickle.loads(pickle.dumps(pruned))
    assert difference(run(again, it.inputs), run(pruned, it.inputs)) == 0
    other = apply_plan(it.module, it.plan("l2", 0.5))
    other.load_state_dict(pruned.state_dict())
    assert difference(run(other, it.inputs), run(pruned, it.inputs)) == 0


def test_printed_widths_are_the_new_ones():
    it = from_catalogue("unet")
    pruned = apply_plan(it.module, it.plan("l2", 0.6))
    for child in pruned.modules():
        if isinstance(child, torch.nn.Conv2d):
            assert child.out_channels == child.weight.shape[0]
            assert child.in_channels == child.weight.shape[1] * child.groups
        if isinstance(child, torch.nn.BatchNorm2d):
            assert child.num_features == child.weight.shape[0]
