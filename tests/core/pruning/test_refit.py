"""The closed-form repair: exact where it can be, never worse than nothing."""

import copy
from functools import lru_cache

import numpy as np
import pytest
import torch
from torch import nn

from core.pruning import (
    HEURISTICS,
    Selector,
    apply_plan,
    calibrate,
    plan_of,
    trace,
)
from core.pruning.applying.refit import read_dim
from core.pruning.tracing.labels import FIXED
from tests.core.models.cases import fresh
from tests.core.pruning.architectures.recipe import randomise
from tests.core.pruning.oracle import (
    difference,
    from_catalogue,
    from_zoo,
    lively,
    run,
    subject,
)
from tests.core.pruning.zoo import ZOO

# A ten-thousandth of the variance is added, and more where there are few samples.
RIDGE = 1e-2
KEPT = 6
WIDTH = 10


class Spread(nn.Module):
    """A first layer of which the last channels are mixtures of the first ones."""

    def __init__(self, reader, groups=1, norm=False, activation=True):
        super().__init__()
        self.first = nn.Conv2d(3, WIDTH * groups, 3, padding=1)
        self.activation = activation
        self.reader = reader
        self.norm = nn.BatchNorm2d(reader_width(reader)) if norm else nn.Identity()
        self.head = nn.Conv2d(reader_width(reader), 2, 1)
        with torch.no_grad():
            for start in range(0, WIDTH * groups, WIDTH):
                mix = torch.randn(WIDTH - KEPT, KEPT)
                stay = slice(start, start + KEPT)
                rest = slice(start + KEPT, start + WIDTH)
                weight, bias = self.first.weight, self.first.bias
                weight[rest] = torch.einsum("rk,kiuv->riuv", mix, weight[stay])
                bias[rest] = mix @ bias[stay]
                if not isinstance(reader, nn.ConvTranspose2d):
                    # The constant differs as well (one bias cannot stand in for a
                    # constant at each position of a transposed kernel).
                    bias[rest] += torch.randn(WIDTH - KEPT)

    def forward(self, x):
        return self.head(torch.sigmoid(self.norm(self.reader(self.first(x)))))


def reader_width(reader):
    return reader.out_channels


def _only_first_kept(module, graph):
    """Keep the first channels of each group of the first layer, all else whole."""
    alive = np.ones(graph.atoms, dtype=bool)
    layer = next(
        layer for layer in graph.producing_layers if layer.weight == "first.weight"
    )
    for start in range(0, layer.outputs.size, WIDTH):
        alive[layer.outputs[start + KEPT : start + WIDTH]] = False
    alive[FIXED] = True
    return plan_of(graph, alive, {})


READERS = {
    "1x1": lambda: nn.Conv2d(WIDTH, 8, 1),
    "1x1 no bias, norm": lambda: nn.Conv2d(WIDTH, 8, 1, bias=False),
    "3x3 valid": lambda: nn.Conv2d(WIDTH, 8, 3),
    "3x3 wide": lambda: nn.Conv2d(WIDTH, 8, 3, dilation=2),
    "strided": lambda: nn.Conv2d(WIDTH, 8, 3, stride=2),
    "transposed": lambda: nn.ConvTranspose2d(WIDTH, 8, 2, stride=2),
    "grouped": lambda: nn.Conv2d(2 * WIDTH, 8, 1, groups=2),
    "grouped 3x3": lambda: nn.Conv2d(2 * WIDTH, 8, 3, groups=2),
    "grouped transposed": lambda: nn.ConvTranspose2d(2 * WIDTH, 8, 2, 2, groups=2),
}


def _build(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        reader = READERS[name]()
        groups = reader.groups
        module = Spread(reader, groups, norm="norm" in name).double().eval()
        x = torch.randn(4, 3, 24, 24, dtype=torch.float64)
    return subject(module, x)


@pytest.mark.parametrize("name", list(READERS))
def test_what_can_be_predicted_is_put_back(name):
    """Removed channels are exact affine functions of kept ones."""
    it = _build(name)
    plan = _only_first_kept(it.module, it.graph)
    dense = run(it.module, it.inputs)
    bare = run(apply_plan(it.module, plan), it.inputs)
    repaired = run(apply_plan(it.module, plan, statistics=it.statistics), it.inputs)
    assert difference(bare, dense) > 0.1
    assert difference(repaired, dense) < RIDGE


def test_linear_after_pooling():
    torch.manual_seed(1)

    class Pooled(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, WIDTH, 1)
            self.fc = nn.Linear(WIDTH, 4)
            with torch.no_grad():
                mix = torch.randn(WIDTH - KEPT, KEPT)
                self.first.weight[KEPT:] = torch.einsum(
                    "rk,kiuv->riuv", mix, self.first.weight[:KEPT]
                )

        def forward(self, x):
            return self.fc(self.first(x).mean((2, 3)))

    it = subject(Pooled().double().eval(), torch.randn(512, 3, 4, 4).double())
    plan = _only_first_kept(it.module, it.graph)
    repaired = apply_plan(it.module, plan, statistics=it.statistics)
    assert difference(run(repaired, it.inputs), run(it.module, it.inputs)) < RIDGE


def test_a_concatenation_is_repaired_by_both_of_its_branches():
    """Channels of one branch that are mixtures of the other one's."""
    torch.manual_seed(2)

    class Joined(nn.Module):
        def __init__(self):
            super().__init__()
            self.left = nn.Conv2d(3, 5, 1)
            self.first = nn.Conv2d(3, WIDTH, 1)
            self.reader = nn.Conv2d(5 + WIDTH, 4, 1)
            with torch.no_grad():
                mix = torch.randn(WIDTH - KEPT, 5)
                self.first.weight[KEPT:] = torch.einsum(
                    "rk,kiuv->riuv", mix, self.left.weight
                )

        def forward(self, x):
            return self.reader(torch.cat([self.left(x), self.first(x)], 1))

    it = subject(Joined().double().eval(), torch.randn(2, 3, 16, 16).double())
    plan = _only_first_kept(it.module, it.graph)
    repaired = apply_plan(it.module, plan, statistics=it.statistics)
    assert difference(run(repaired, it.inputs), run(it.module, it.inputs)) < RIDGE


def test_the_constant_goes_to_the_bias_or_the_mean_of_the_norm():
    """Channels that are constants: nothing but the constant can stand in."""
    for bias in (True, False):
        torch.manual_seed(3)
        reader = nn.Conv2d(WIDTH, 8, 1, bias=bias)
        module = Spread(reader, norm=not bias).double().eval()
        with torch.no_grad():
            module.first.weight[KEPT:] = 0
        it = subject(module, torch.randn(2, 3, 12, 12).double())
        plan = _only_first_kept(module, it.graph)
        repaired = apply_plan(module, plan, statistics=it.statistics)
        gone = (
            reader.weight.detach()[:, KEPT:, 0, 0] @ module.first.bias.detach()[KEPT:]
        )
        if bias:
            moved = repaired.reader.bias - reader.bias
        else:
            moved = module.norm.running_mean - repaired.norm.running_mean
        torch.testing.assert_close(moved.detach(), gone, atol=2e-3, rtol=2e-3)


def test_a_mean_that_two_layers_share_is_left_alone():
    """The same norm after two layers cannot take the constant of one."""
    torch.manual_seed(4)

    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, WIDTH, 1)
            self.a = nn.Conv2d(WIDTH, 6, 1, bias=False)
            self.b = nn.Conv2d(3, 6, 1, bias=False)
            self.norm = nn.BatchNorm2d(6)
            self.head = nn.Conv2d(6, 2, 1)

        def forward(self, x):
            a = torch.relu(self.norm(self.a(self.first(x))))
            return self.head(a + torch.relu(self.norm(self.b(x))))

    module = Shared().double().eval()
    it = subject(module, torch.randn(2, 3, 12, 12).double())
    plan = _only_first_kept(module, it.graph)
    repaired = apply_plan(module, plan, statistics=it.statistics)
    assert torch.equal(repaired.norm.running_mean, module.norm.running_mean)


# --- never worse than no repair ---------------------------------------------------


class _Inputs:
    """What each layer read while a model ran, and its output."""

    def __init__(self, module, names, inputs):
        self.seen = {}
        hooks = [
            module.get_submodule(name).register_forward_hook(self._keep(name))
            for name in names
        ]
        with torch.no_grad():
            module(*inputs)
        for hook in hooks:
            hook.remove()

    def _keep(self, name):
        def hook(_, args, output):
            self.seen.setdefault(name, (args[0].clone(), output.clone()))

        return hook


def _layer_errors(it, plan, pruned):
    """For each layer that lost inputs: squared error of its output when it is fed
    the dense input, cut, and compared with the dense output, cut."""
    names = {
        layer.name: layer
        for layer in it.graph.producing_layers
        if layer.weight in it.statistics.readers and not layer.depthwise
    }
    modules = dict(it.module.named_modules())
    names = {
        k: v for k, v in names.items() if k in modules and v.weight == f"{k}.weight"
    }
    seen = _Inputs(it.module, names, it.inputs).seen
    errors = {}
    for name, layer in names.items():
        kept = plan.kept[layer.weight]
        inside = kept[read_dim(layer)]
        if inside is None or layer.groups > 1:
            continue
        x, wanted = seen[name]
        dim = -1 if layer.kind == "linear" else x.dim() - modules[name].weight.dim() + 1
        outside = kept[1 - read_dim(layer)]
        if outside is not None:
            wanted = wanted.index_select(dim, torch.from_numpy(outside))
        with torch.no_grad():
            got = pruned.get_submodule(name)(
                x.index_select(dim, torch.from_numpy(inside))
            )
        shift = _moved_mean(it, layer, pruned, outside)
        if shift is not None:
            shape = [1] * got.dim()
            shape[dim] = -1
            got = got + shift.reshape(shape)
        errors[name] = float((got - wanted).square().sum())
    return errors


def _moved_mean(it, layer, pruned, outside):
    """What the batch norm behind takes off less."""
    if layer.bias is not None or layer.norm is None:
        return None
    mean = it.graph.layers[layer.norm].settings["mean"]
    before = it.module.get_buffer(mean)
    if outside is not None:
        before = before[torch.from_numpy(outside)]
    return before - pruned.get_buffer(mean)


@lru_cache(maxsize=2)
def _on_smooth_tiles(name):
    """A small architecture, lively on four tiles that are smooth as tissue is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        coarse = torch.rand(4, 3, 16, 16, dtype=torch.float64)
        tiles = nn.functional.interpolate(coarse, scale_factor=4, mode="bilinear")
        tiles = tiles + 0.1 * torch.rand_like(tiles)
        module = lively(randomise(fresh(name).module).double(), tiles)
        return subject(module, tiles)


@pytest.mark.parametrize("heuristic", ["l2", "reconstruction", "random"])
@pytest.mark.parametrize(
    "name", ["unet", "unet-transposed", "residual-unet", "resnet18"]
)
def test_no_layer_is_worse_than_without_repair(name, heuristic):
    """Though the deep layers of the classifier have 16 positions for 64 channels."""
    it = _on_smooth_tiles(name)
    for sparsity in (0.2, 0.5, 0.8):
        plan = it.plan(heuristic, sparsity)
        bare = _layer_errors(it, plan, apply_plan(it.module, plan))
        fitted = apply_plan(it.module, plan, statistics=it.statistics)
        repaired = _layer_errors(it, plan, fitted)
        assert bare
        for layer, error in repaired.items():
            assert error <= bare[layer] * 1.001 + 1e-9, (layer, sparsity)


@pytest.mark.parametrize("name", sorted(ZOO))
def test_repairs_are_finite_everywhere(name):
    it = from_zoo(name)
    for sparsity in (0.2, 0.9):
        plan = it.plan("l2", sparsity * it.reach)
        for out in run(
            apply_plan(it.module, plan, statistics=it.statistics), it.inputs
        ):
            assert torch.isfinite(out).all()


def test_dead_and_equal_channels():
    """Channels that are zero or equal make the moments singular."""
    torch.manual_seed(5)
    module = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 6, 3, padding=1)
    ).eval()
    with torch.no_grad():
        module[0].weight[:3] = 0
        module[0].bias[:3] = -1.0  # dead
        module[0].weight[3:5] = module[0].weight[5]
        module[0].bias[3:5] = module[0].bias[5]
    x = torch.rand(2, 3, 16, 16)
    it = subject(module, x)
    dense = run(module, (x,))
    for heuristic in HEURISTICS:
        if heuristic == "bn_scale":
            continue
        plan = it.plan(heuristic, 0.3)
        repaired = apply_plan(module, plan, statistics=it.statistics)
        assert all(torch.isfinite(p).all() for p in repaired.parameters())
    plan = it.plan("reconstruction", 0.4)  # five of twelve say nothing new
    repaired = run(apply_plan(module, plan, statistics=it.statistics), (x,))
    assert difference(repaired, dense) < RIDGE


def test_all_inputs_zero():
    it = from_catalogue("unet")
    graph = it.graph
    statistics = calibrate(it.module, graph, [torch.zeros_like(it.inputs[0])])
    scores = np.random.default_rng(0).random(graph.atoms)
    plan = plan_of(graph, Selector(graph).select(scores, 0.5, "network", "params"), {})
    pruned = apply_plan(it.module, plan, statistics=statistics)
    assert all(torch.isfinite(p).all() for p in pruned.parameters())


def test_float32_and_float64_agree():
    it = _on_smooth_tiles("unet")
    plan = it.plan("l2", 0.5)
    single = nn.Module.float(apply_plan(it.module, it.plan("l2", 0.0)))
    x = it.inputs[0].float()
    graph = trace(single, x)
    repaired = apply_plan(single, plan, statistics=calibrate(single, graph, [x]))
    wanted = apply_plan(it.module, plan, statistics=it.statistics)
    assert next(repaired.parameters()).dtype == torch.float32
    for ours, theirs in zip(run(repaired, (x,)), run(wanted, it.inputs), strict=True):
        torch.testing.assert_close(ours.double(), theirs, atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("reader", ["3x3 valid", "grouped 3x3", "transposed"])
def test_weights_keep_the_layout_of_the_dense_ones(reader):
    """One that runs fast channels last need not be laid out anew."""
    it = _build(reader)
    plan = _only_first_kept(it.module, it.graph)
    turned = copy.deepcopy(it.module).to(memory_format=torch.channels_last)
    for statistics in (None, it.statistics):
        straight = apply_plan(it.module, plan, statistics=statistics)
        found = apply_plan(turned, plan, statistics=statistics)
        for name, weight in found.named_parameters():
            torch.testing.assert_close(weight, straight.get_parameter(name))
            if weight.dim() == 4:
                assert weight.is_contiguous(memory_format=torch.channels_last)
                assert straight.get_parameter(name).is_contiguous()
