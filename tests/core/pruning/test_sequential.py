"""Repair in sequence: least squares on what the pruned layers before really give."""

import numpy as np
import pytest
import torch
from torch import nn

from core.job import Cancelled, Job, Step
from core.pruning import apply_plan, calibrate, make_plan, trace
from core.pruning.applying.sequential import (
    _Call,
    _patches,
    _positions,
    refit_in_sequence,
)


def chain(*, norm: bool = False, widths: tuple[int, ...] = (16, 16, 16)) -> nn.Module:
    """A small network whose channels are mixtures of fewer."""
    torch.manual_seed(3)
    layers: list[nn.Module] = []
    before = 3
    for width in widths:
        layers.append(nn.Conv2d(before, width, 3, padding=1, bias=not norm))
        if norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU())
        before = width
    return nn.Sequential(*layers, nn.Conv2d(before, 2, 1)).eval()


def pruned(module, batches, sparsity=0.7, recovery=True):
    graph = trace(module, batches[0])
    statistics = calibrate(module, graph, batches)
    plan = make_plan(module, graph, "l2", sparsity, statistics=statistics)
    smaller = apply_plan(module, plan, statistics=statistics if recovery else None)
    return graph, plan, smaller


@pytest.fixture
def batches():
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 3, 20, 20, generator=generator) for _ in range(3)]


def error(module, other, batches):
    with torch.inference_mode():
        return sum(float((module(x) - other(x)).square().sum()) for x in batches)


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel_size": 3, "padding": 1},
        {"kernel_size": (3, 1), "padding": (1, 0), "stride": 2},
        {"kernel_size": 2, "dilation": (2, 1), "stride": (1, 2)},
        {"kernel_size": 1},
    ],
)
def test_sampled_patches_give_what_the_convolution_gives(settings):
    layer = nn.Conv2d(4, 5, **settings)
    inputs = torch.randn(2, 4, 11, 9)
    result = layer(inputs)
    call = _Call(inputs, layer.weight, layer.stride, layer.padding, layer.dilation)
    flat = _positions(result, call)
    index = torch.randperm(flat.shape[0])[:40]
    rows = _patches(call, result, index)
    by_hand = rows @ layer.weight.flatten(1).T + layer.bias
    torch.testing.assert_close(by_hand, flat[index], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("norm", [False, True])
def test_one_reader_becomes_the_least_squares_solution(norm, batches):
    module = chain(norm=norm, widths=(12,))
    graph, plan, smaller = pruned(module, batches, 0.5, recovery=False)
    better = refit_in_sequence(module, smaller, plan, graph, [(x,) for x in batches])
    first = len(module) - 1
    with torch.inference_mode():
        given = torch.cat([better[:first](x) for x in batches])
        wanted = torch.cat([module[: first + 1](x) for x in batches])
        found = torch.cat([better[: first + 1](x) for x in batches])
    rows = given.permute(0, 2, 3, 1).reshape(-1, given.shape[1]).double().numpy()
    rows = np.concatenate([rows, np.ones((len(rows), 1))], 1)
    target = wanted.permute(0, 2, 3, 1).reshape(-1, 2).double().numpy()
    best = np.linalg.lstsq(rows, target, rcond=None)[0]
    least = np.square(rows @ best - target).sum()
    left = float((found - wanted).double().square().sum())
    assert least <= left * (1 + 1e-6)
    assert left <= least * 1.02


@pytest.mark.parametrize("sparsity", [0.5, 0.7])
@pytest.mark.parametrize("norm", [False, True])
def test_errors_that_add_up_along_the_network_are_repaired(norm, sparsity, batches):
    module = chain(norm=norm, widths=(16, 24, 24, 16))
    graph, plan, smaller = pruned(module, batches, sparsity)
    better = refit_in_sequence(module, smaller, plan, graph, [(x,) for x in batches])
    assert error(module, better, batches) < error(module, smaller, batches)


@pytest.mark.parametrize("seed", range(6))
def test_outputs_never_move_away_from_the_dense_ones(seed, batches):
    module = chain(widths=(8, 12, 8))
    torch.manual_seed(seed)
    for value in module.parameters():
        nn.init.normal_(value, std=0.3)
    graph, plan, smaller = pruned(module, batches, 0.9)
    better = refit_in_sequence(module, smaller, plan, graph, [(x,) for x in batches])
    assert error(module, better, batches) <= error(module, smaller, batches) * 1.0001


def test_nothing_removed_is_nothing_changed(batches):
    module = chain(norm=True)
    graph, plan, smaller = pruned(module, batches, 0.0)
    better = refit_in_sequence(module, smaller, plan, graph, [(x,) for x in batches])
    assert error(module, better, batches) < 1e-8


def test_both_models_stay_as_they_were(batches):
    module = chain(norm=True)
    graph, plan, smaller = pruned(module, batches)
    before = [
        {k: v.clone() for k, v in m.state_dict().items()} for m in (module, smaller)
    ]
    refit_in_sequence(module, smaller, plan, graph, [(x,) for x in batches])
    for now, old in zip((module, smaller), before, strict=True):
        assert all(torch.equal(now.state_dict()[k], v) for k, v in old.items())


def test_it_stops_when_cancelled(batches):
    module = chain()
    graph, plan, smaller = pruned(module, batches)

    def report(_: Step) -> None:
        job.cancel()

    job = Job(report)
    with pytest.raises(Cancelled):
        refit_in_sequence(module, smaller, plan, graph, [(x,) for x in batches], job)


class Tied(nn.Module):
    """A weight that a convolution and a transposed one read."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 12, 3, padding=1)
        self.shared = nn.Parameter(torch.randn(8, 12, 3, 3) * 0.2)
        self.last = nn.Conv2d(12, 2, 1)

    def forward(self, x):
        inner = torch.relu(nn.functional.conv2d(self.first(x), self.shared, padding=1))
        return self.last(nn.functional.conv_transpose2d(inner, self.shared, padding=1))


def test_a_weight_with_two_readers_is_left_alone(batches):
    torch.manual_seed(0)
    module = Tied().eval()
    graph, plan, smaller = pruned(module, batches, 0.3)
    assert "shared" in graph.reused
    better = refit_in_sequence(module, smaller, plan, graph, [(x,) for x in batches])
    assert torch.equal(better.shared, smaller.shared)
    assert not torch.equal(better.last.weight, smaller.last.weight)
