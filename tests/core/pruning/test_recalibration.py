"""Batch-norm statistics measured anew, against the same numbers by hand."""

import pytest
import torch
from torch import nn

from core.job import Cancelled, Job
from core.pruning import apply_plan, recalibrate_batch_norm
from tests.core.pruning.oracle import from_catalogue, run


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, bias=False)
        self.norm1 = nn.BatchNorm2d(6, momentum=0.3)
        self.second = nn.Conv2d(6, 4, 1)
        self.norm2 = nn.BatchNorm2d(4)
        self.frozen = nn.BatchNorm2d(4, track_running_stats=False)
        self.drop = nn.Dropout(0.9)

    def forward(self, x):
        x = torch.relu(self.norm1(self.first(x)))
        return self.drop(self.frozen(self.norm2(self.second(x))))


def _batches():
    generator = torch.Generator().manual_seed(1)
    made = [torch.randn(2, 3, 8, 8, generator=generator) for _ in range(3)]
    return [(x.double() * 2 + 1,) for x in made]


def _moments(maps):
    """Mean over batches of each batch's own mean and unbiased variance."""
    means = [m.mean((0, 2, 3)) for m in maps]
    variances = [m.transpose(0, 1).flatten(1).var(1) for m in maps]
    return torch.stack(means).mean(0), torch.stack(variances).mean(0)


def test_means_and_variances_by_hand():
    torch.manual_seed(0)
    module = Two().double().eval()
    assert recalibrate_batch_norm(module, _batches())
    with torch.no_grad():
        first = [module.first(x) for (x,) in _batches()]
        mean, var = _moments(first)
        torch.testing.assert_close(module.norm1.running_mean, mean)
        torch.testing.assert_close(module.norm1.running_var, var)
        # The second norm sees what the first makes of each batch on its own.
        second = []
        for m in first:
            spread = m.var((0, 2, 3), unbiased=False, keepdim=True) + 1e-5
            normal = (m - m.mean((0, 2, 3), keepdim=True)) / spread.sqrt()
            second.append(module.second(torch.relu(normal)))
        mean, var = _moments(second)
        torch.testing.assert_close(module.norm2.running_mean, mean)
        torch.testing.assert_close(module.norm2.running_var, var)


def test_settings_and_flags_stay():
    module = Two().double().train()
    module.second.eval()
    recalibrate_batch_norm(module, _batches())
    assert module.norm1.momentum == 0.3
    assert module.norm2.momentum == 0.1
    assert module.training
    assert not module.second.training
    assert all(p.grad is None for p in module.parameters())


def test_nothing_to_recalibrate():
    assert not recalibrate_batch_norm(nn.Conv2d(3, 2, 1), [(torch.zeros(1, 3, 4, 4),)])


def test_the_dense_model_recalibrated_on_what_it_saw_is_itself():
    """Same tiles, same statistics: nothing that is not caused by pruning."""
    torch.manual_seed(0)
    module = Two().double()
    recalibrate_batch_norm(module, _batches())
    before = {name: t.clone() for name, t in module.state_dict().items()}
    recalibrate_batch_norm(module, _batches())
    assert all(torch.equal(t, before[n]) for n, t in module.state_dict().items())


def test_a_pruned_network_gets_finite_statistics():
    it = from_catalogue("unet")
    pruned = apply_plan(it.module, it.plan("l2", 0.7))
    before = {name: t.clone() for name, t in pruned.state_dict().items()}
    assert recalibrate_batch_norm(pruned, [it.inputs])
    moved = [n for n, t in pruned.state_dict().items() if not torch.equal(t, before[n])]
    assert moved
    assert all(".norm" in name for name in moved)
    assert all(torch.isfinite(out).all() for out in run(pruned, it.inputs))


def test_cancelling_leaves_settings_as_they_were():
    module = Two().double().eval()
    state = {name: t.clone() for name, t in module.state_dict().items()}
    job = Job(lambda step: job.cancel() if step.done == 1 else None)
    with pytest.raises(Cancelled):
        recalibrate_batch_norm(module, _batches(), job)
    assert module.norm1.momentum == 0.3
    assert not module.norm1.training
    assert all(torch.equal(t, state[n]) for n, t in module.state_dict().items())
