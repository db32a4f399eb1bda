"""Nothing that the engine does changes the dense model, or anyone's random numbers."""

import numpy as np
import pytest
import torch
from torch import nn

from core.pruning import HEURISTICS, apply_plan, calibrate, make_plan, mask_plan, trace
from tests.core.pruning.oracle import from_catalogue, from_zoo, run
from tests.core.pruning.zoo import ZOO


def _snapshot(module: nn.Module):
    tensors = {
        name: (id(t), t._version, t.clone(), t.requires_grad, t.grad)
        for name, t in [*module.named_parameters(), *module.named_buffers()]
    }
    plain = {
        name: {k: repr(v) for k, v in vars(child).items() if not k.startswith("_")}
        for name, child in module.named_modules()
    }
    hooks = [len(child._forward_hooks) for child in module.modules()]
    return tensors, plain, hooks, [child.training for child in module.modules()]


def _assert_same(before, after):
    for name, (identity, version, values, wants, grad) in before[0].items():
        now = after[0][name]
        assert now[0] == identity, name
        assert now[1] == version, name
        assert torch.equal(now[2], values), name
        assert now[3] == wants, name
        assert now[4] is grad is None, name
    assert before[1:] == after[1:]


def _everything(module, inputs):
    graph = trace(module, inputs)
    statistics = calibrate(module, graph, [inputs])
    for heuristic in HEURISTICS:
        plan = make_plan(module, graph, heuristic, 0.3, statistics=statistics)
        run(apply_plan(module, plan), inputs)
        run(apply_plan(module, plan, statistics=statistics), inputs)
        run(mask_plan(module, graph, plan), inputs)


def _unsettle(module):
    """Flags as a user may have left them: some parts train, some are frozen."""
    for index, child in enumerate(module.modules()):
        child.training = index % 3 == 0
    for index, parameter in enumerate(module.parameters()):
        parameter.requires_grad_(index % 2 == 0)


@pytest.mark.parametrize("name", ["bottleneck", "densenet", "inverted-residual", "vgg"])
def test_the_dense_model_stays_as_it_was(name):
    module, inputs = ZOO[name]()
    _unsettle(module)
    before = _snapshot(module)
    _everything(module, inputs)
    _assert_same(before, _snapshot(module))


def test_random_numbers_of_others_are_left_alone():
    module, inputs = ZOO["densenet"]()
    torch.manual_seed(5)
    np.random.seed(5)  # noqa: NPY002 - the state that must not move
    state, numbers = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    _everything(module, inputs)
    assert torch.equal(torch.get_rng_state(), state)
    assert (np.random.get_state()[1] == numbers).all()  # noqa: NPY002


def test_training_flags_survive_a_failing_run():
    module, _ = ZOO["densenet"]()
    _unsettle(module)
    flags = [child.training for child in module.modules()]
    with pytest.raises(Exception, match="does not run"):
        trace(module, torch.zeros(1, 99, 4, 4, dtype=torch.float64))
    assert [child.training for child in module.modules()] == flags


def test_pruned_tensors_are_their_own():
    it = from_catalogue("unet")
    pruned = apply_plan(it.module, it.plan("l2", 0.3))
    dense = {t.data_ptr() for t in it.module.state_dict().values()}
    assert not dense & {t.data_ptr() for t in pruned.state_dict().values()}
    with torch.no_grad():
        before = run(it.module, it.inputs)
        for parameter in pruned.parameters():
            parameter.add_(1.0)
    after = run(it.module, it.inputs)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_flags_of_parameters_and_modules_pass_on():
    module, inputs = ZOO["bottleneck"]()
    _unsettle(module)
    graph = trace(module, inputs)
    pruned = apply_plan(module, make_plan(module, graph, "l2", 0.4))
    wants = [p.requires_grad for p in module.parameters()]
    assert [p.requires_grad for p in pruned.parameters()] == wants
    flags = [child.training for child in module.modules()]
    assert [child.training for child in pruned.modules()] == flags


def test_zero_sparsity_is_an_exact_copy():
    it = from_zoo("densenet")
    pruned = apply_plan(it.module, it.plan("l2", 0.0), statistics=it.statistics)
    pairs = zip(run(pruned, it.inputs), run(it.module, it.inputs), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert pruned is not it.module


@pytest.mark.parametrize("name", sorted(ZOO))
def test_nothing_of_the_pruned_module_leads_back_to_the_dense_one(name):
    """Recurrent layers hold their weights in a second place, for example."""
    it = from_zoo(name)
    pruned = apply_plan(it.module, it.plan("l2", 0.5 * it.reach))
    dense = {t.data_ptr() for t in it.module.state_dict().values() if t.numel()}
    for child in pruned.modules():
        for held in vars(child).values():
            for leaf in held if isinstance(held, list | tuple) else [held]:
                if isinstance(leaf, torch.Tensor):
                    assert leaf.data_ptr() not in dense
    inner = {id(child) for child in it.module.modules()}
    assert not inner & {id(child) for child in pruned.modules()}
