"""How far outputs move with layers, and the order in which channels then go."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from core.errors import PruningError
from core.pruning import (
    ScoringContext,
    apply_plan,
    calibrate,
    make_plan,
    mask_plan,
    trace,
)
from core.pruning.scoring.curvature import measure_curvature
from core.pruning.scoring.readers import build_readers
from tests.core.pruning.oracle import from_catalogue, from_zoo
from tests.core.pruning.zoo import ZOO


class Pointwise(nn.Module):
    """1x1 convolutions: every position is a sample of its own."""

    def __init__(self, outputs=2):
        super().__init__()
        self.first = nn.Conv2d(3, 6, 1)
        self.head = nn.Conv2d(6, outputs, 1)

    def forward(self, x):
        return {"map": self.head(torch.relu(self.first(x)))}


def _made(module, seed=0, side=64, tiles=8, channels=3):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for parameter in module.parameters():
            nn.init.normal_(parameter, std=0.5)
        module = module.double().eval()
        tiles = [
            torch.randn(1, channels, side, side, dtype=torch.float64)
            for _ in range(tiles)
        ]
    graph = trace(module, tiles[0])
    return module, graph, tiles


def test_curvature_is_the_gauss_newton_matrix_of_the_outputs():
    module, graph, tiles = _made(Pointwise())
    statistics = calibrate(module, graph, tiles)
    found = statistics.curvature(module).factors["first.weight"][0]
    head = module.head.weight.detach()[:, :, 0, 0]
    exact = np.zeros((6, 6))
    for x in tiles:
        with torch.no_grad():
            open_ = (module.first(x) > 0).double()[0].flatten(1)  # (6, positions)
            out = module(x)["map"]
        scale = 1 / (out.numel() * float(out.var(correction=0)))
        both = (open_ @ open_.T) * (head.T @ head)
        exact += scale * both.numpy() / len(tiles)
    # Shrunk towards the mean of its diagonal by a share of its own.
    off = ~np.eye(6, dtype=bool)
    share = 1 - (found[off] @ exact[off]) / (exact[off] @ exact[off])
    assert 0 <= share < 0.5
    wanted = (1 - share) * exact + share * np.trace(exact) / 6 * np.eye(6)
    assert np.linalg.norm(found - wanted) < 0.05 * np.linalg.norm(exact)


def test_the_predicted_error_is_the_error_of_the_outputs():
    module, graph, tiles = _made(Pointwise(outputs=1), side=40)
    statistics = calibrate(module, graph, tiles)
    (reader,) = build_readers(ScoringContext(module, graph, statistics), "gradients")
    gone = np.zeros(6, dtype=bool)
    gone[[1, 4]] = True
    plan = make_plan(module, graph, "sensitivity", 0.0, statistics=statistics)
    kept = {name: list(entries) for name, entries in plan.kept.items()}
    stay = np.flatnonzero(~gone)
    kept["first.weight"][0] = kept["first.bias"][0] = kept["head.weight"][1] = stay
    cut = apply_plan(
        module,
        replace(plan, kept={n: tuple(e) for n, e in kept.items()}),
        statistics=statistics,
    )
    moved = []
    with torch.no_grad():
        for x in tiles:
            dense, pruned = module(x)["map"], cut(x)["map"]
            moved.append(float((dense - pruned).square().mean() / dense.var()))
    assert reader.error(gone) == pytest.approx(np.mean(moved), rel=0.02)


@pytest.mark.parametrize("name", sorted(ZOO))
def test_every_architecture_has_a_plan_that_cuts_as_it_masks(name):
    it = from_zoo(name)
    before = [p.requires_grad for p in it.module.parameters()]
    plan = it.plan("sensitivity", 0.8 * min(it.reach, 0.9))
    with torch.no_grad():
        cut = apply_plan(it.module, plan)(*it.inputs)
        masked = mask_plan(it.module, it.graph, plan)(*it.inputs)
    for a, b in zip(tree_leaves(cut), tree_leaves(masked), strict=True):
        if isinstance(a, torch.Tensor) and a.is_floating_point():
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)
    assert [p.requires_grad for p in it.module.parameters()] == before
    assert all(p.grad is None for p in it.module.parameters())


@pytest.mark.parametrize("count", ["params", "macs", "channels"])
def test_one_order_for_all_sparsities_and_seeds(count):
    it = from_catalogue("unet")
    before = None
    for sparsity in (0.2, 0.4, 0.6):
        plan = it.plan("sensitivity", sparsity, count=count)
        again = it.plan("sensitivity", sparsity, count=count, seed=7)
        assert plan.hash == again.hash
        if before is not None:
            gone = {n: before.slices(n) - plan.slices(n) for n in plan.shapes}
            back = {n: plan.slices(n) - before.slices(n) for n in plan.shapes}
            assert any(gone.values())
            assert not any(back.values())
        before = plan


def test_a_permutation_of_channels_permutes_the_plan():
    module, _, tiles = _made(Pointwise(), seed=4, side=24)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    other, _, _ = _made(Pointwise(), seed=4, side=24)
    with torch.no_grad():
        other.first.weight.copy_(module.first.weight[order])
        other.first.bias.copy_(module.first.bias[order])
        other.head.weight.copy_(module.head.weight[:, order])
    for sparsity in (0.3, 0.6):
        kept = []
        for each in (module, other):
            g = trace(each, tiles[0])
            plan = make_plan(
                each, g, "sensitivity", sparsity, statistics=calibrate(each, g, tiles)
            )
            kept.append(plan.kept["first.weight"][0])
        assert set(order[kept[1]].tolist()) == set(kept[0].tolist())


class Frozen(Pointwise):
    """Never lets a gradient through."""

    def forward(self, x):
        with torch.no_grad():
            return super().forward(x)


class Rounded(Pointwise):
    """Gives whole numbers only."""

    def forward(self, x):
        return super().forward(x)["map"].argmax(1)


@pytest.mark.parametrize("kind", [Frozen, Rounded])
def test_a_model_without_gradients_is_weighed_by_its_outputs_and_says_so(kind):
    module, graph, tiles = _made(kind(), side=24)
    statistics = calibrate(module, graph, tiles)
    plan = make_plan(module, graph, "sensitivity", 0.4, statistics=statistics)
    assert "cannot be differentiated" in plan.warnings[0]
    same = make_plan(module, graph, "reconstruction", 0.4, statistics=statistics)
    assert plan.hash == same.hash


def test_frozen_parameters_are_no_hindrance():
    module, graph, tiles = _made(Pointwise(), side=24)
    free = calibrate(module, graph, tiles).curvature(module)
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    frozen = calibrate(module, graph, tiles).curvature(module)
    assert not frozen.reason
    for name, factor in free.factors.items():
        np.testing.assert_allclose(frozen.factors[name], factor)


class Steep(Pointwise):
    """Finite outputs, gradients that are not: the root of nothing."""

    def forward(self, x):
        found = super().forward(x)["map"]
        return found + torch.sqrt(0.0 * found.square())


def test_gradients_that_are_not_numbers_are_refused():
    module, graph, tiles = _made(Steep(), side=24)
    statistics = calibrate(module, graph, tiles)
    with pytest.raises(PruningError, match="not finite numbers on the calibration"):
        make_plan(module, graph, "sensitivity", 0.4, statistics=statistics)


def test_it_needs_statistics():
    module, graph, _ = _made(Pointwise(), side=8)
    with pytest.raises(PruningError, match="calibrate on a few unlabelled tiles"):
        make_plan(module, graph, "sensitivity", 0.4)


def test_training_mode_is_left_as_it_was():
    module, graph, tiles = _made(Pointwise(), side=8)
    statistics = calibrate(module, graph, tiles)
    module.train()
    measure_curvature(module, statistics.readers, statistics.inputs)
    assert module.training


class Narrow(nn.Module):
    """Layers of one channel, a grouped and a depthwise one."""

    def __init__(self):
        super().__init__()
        self.one = nn.Conv2d(3, 1, 3, padding=1)
        self.wide = nn.Conv2d(1, 8, 3, padding=1)
        self.grouped = nn.Conv2d(8, 8, 3, padding=1, groups=4)
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.head = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        x = torch.relu(self.wide(torch.relu(self.one(x))))
        return self.head(torch.relu(self.depthwise(torch.relu(self.grouped(x)))))


def test_layers_of_one_channel_and_groups():
    module, graph, tiles = _made(Narrow(), side=16)
    statistics = calibrate(module, graph, tiles)
    plan = make_plan(module, graph, "sensitivity", 0.5, statistics=statistics)
    cut = apply_plan(module, plan, statistics=statistics)
    assert cut.one.out_channels == 1
    with torch.no_grad():
        assert torch.isfinite(cut(tiles[0])).all()
