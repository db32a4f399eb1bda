"""The zoo itself: reproducible, quick, and nothing in it is inert."""

import pytest
import torch
from torch.utils._pytree import tree_leaves

from tests.core.pruning.zoo import ZOO


@pytest.mark.parametrize("name", sorted(ZOO))
def test_entries_are_seeded_and_finite(name):
    module, example = ZOO[name]()
    again, same = ZOO[name]()
    assert not module.training
    assert all(torch.equal(a, b) for a, b in zip(example, same, strict=True))
    with torch.inference_mode():
        first, second = tree_leaves(module(*example)), tree_leaves(again(*same))
    assert first
    for a, b in zip(first, second, strict=True):
        assert a.dtype == torch.float64
        assert torch.isfinite(a).all()
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", sorted(ZOO))
def test_every_parameter_matters(name):
    module, example = ZOO[name]()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        outputs = tree_leaves(module(*example))
        sum((out * torch.randn_like(out)).sum() for out in outputs).backward()
    for key, parameter in module.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.abs().max() > 0, key
