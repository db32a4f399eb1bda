"""Code that tries to mislead the trace: whatever it does, cutting equals masking."""

import math
import zlib

import pytest
import torch
from torch import nn
from torch.nn import functional

from core.errors import PruningError
from core.pruning import apply_plan, make_plan, trace
from core.pruning.applying.agreement import disagreement
from core.pruning.tracing.tracer import trace as trace_once
from tests.core.pruning.architectures import hostile_calls, hostile_layers
from tests.core.pruning.architectures.recipe import conv, randomise
from tests.core.pruning.oracle import check, run, subject

IMAGE = (2, 3, 12, 12)
ENTRIES = {**hostile_calls.ENTRIES, **hostile_layers.ENTRIES}


def _check_all(it, heuristics=("random", "reconstruction")):
    for seed, (heuristic, share) in enumerate(
        (h, s) for h in heuristics for s in (0.3, 0.8, 1.0)
    ):
        scope = ("layer", "network")[seed % 2]
        plan = it.plan(heuristic, min(share * it.reach, 0.99), scope=scope, seed=seed)
        check(it, plan)
        repaired = apply_plan(it.module, plan, statistics=it.statistics)
        assert all(torch.isfinite(out).all() for out in run(repaired, it.inputs))


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_modules(name):
    module, inputs = ENTRIES[name]()
    _check_all(subject(module, *inputs))


class _Form(nn.Module):
    """``form(y, z)`` of two maps of eight channels, then whatever reads it."""

    def __init__(self, form):
        super().__init__()
        self.form, self.a, self.b = form, conv(3, 8), conv(3, 8)
        with torch.no_grad():
            self.head = conv(self.both(torch.zeros(IMAGE)).shape[1], 2)

    def both(self, x):
        return self.form(functional.relu(self.a(x)), self.b(x))

    def forward(self, x):
        return self.head(self.both(x))


_FORMS = {
    "axis": lambda y, z: y + z.mean(axis=(2, 3), keepdims=True),
    "std by position": lambda y, z: y + z.std(1, True, True),
    "norm by position": lambda y, z: y / z.norm(2, 1, True),
    "norm of a removed channel": lambda y, z: y / z.norm(2, 3, True),
    "maximum of two": lambda y, z: torch.max(y, z),
    "bound by a tensor": lambda y, z: torch.clamp(z, min=y),
    "view as": lambda y, z: y.flatten(1).view_as(z),
    "repeat by width": lambda y, z: y[:, :1].repeat(1, z.shape[1], 1, 1) + z,
    "rows by width": lambda y, z: y[:, :, : z.shape[1]],
    "row by width": lambda y, z: y[:, :, z.shape[1]].unsqueeze(2) * z,
    "split rows by width": lambda y, z: torch.split(y, z.shape[1], dim=2)[0],
    "resize by width": lambda y, z: functional.interpolate(y, size=z.shape[1]),
    "pad by width": lambda y, z: functional.pad(y, (0, z.shape[1], 0, 0)),
    "length": lambda y, z: y * len(z[0]),
    "text": lambda y, z: y * float(f"{z.shape[1]}"),
    "looked up": lambda y, z: y * {8: 2.0, 7: 1.0}.get(z.shape[1], 0.5),
    "number": lambda y, z: y * int(z.shape[1]),
    "root": lambda y, z: y * math.sqrt(z.shape[1]),
    "power": lambda y, z: y * 2 ** z.shape[1],
    "bits": lambda y, z: y * (z.shape[1] & 3) * (1 << z.shape[1]),
    "remainder": lambda y, z: y * divmod(z.shape[1], 3)[1],
    "negative": lambda y, z: y * -z.shape[1],
    "product": lambda y, z: y * math.prod(z.shape[1:]),
    "bytes": lambda y, z: y * z.nbytes,
    "stride": lambda y, z: y * z.stride(0),
    "aten": lambda y, z: z * torch.ops.aten.mean.dim(y, [1], True),
    "mapped": lambda y, z: torch.vmap(lambda a: a - a.mean(0, keepdim=True))(y),
    "value": lambda y, z: z if float(y.sum()) > 0 else z * y,
    "copied": lambda y, z: z.copy_(y[:, :1]),
    "added at": lambda y, z: z.index_add_(1, torch.tensor([0, 2]), y[:, :2]),
    "rows on end": lambda y, z: torch.roll(y, (1, 2), dims=(2, 3)) + z,
    "channels on end": lambda y, z: torch.roll(y, 1, dims=1) + z,
    "picked": lambda y, z: y.index_select(1, torch.arange(7, -1, -1)) + z,
    "copies": lambda y, z: y.repeat_interleave(2, dim=1),
    "constants": lambda y, z: functional.pad(y, (0, 0, 0, 0, 1, 1), value=3.0),
    "zeros joined": lambda y, z: torch.cat([y, z.new_zeros(z.shape)], 1),
    "filled by width": lambda y, z: y + torch.full((2, 8, 12, 12), z.shape[1]),
    "sum of ones": lambda y, z: z * torch.ones_like(y).sum(1, keepdim=True),
    "stacked between": lambda y, z: torch.stack((y, z), dim=2).flatten(1, 2),
    "stacked before": lambda y, z: torch.stack((y, z), dim=1).flatten(1, 2),
    "depth of pooling": lambda y, z: functional.adaptive_avg_pool3d(y, (8, 12, 12)),
    "kernel from a map": lambda y, z: functional.conv2d(
        y, z[:, :, :3, :3], padding=1
    ).repeat(1, 4, 1, 1),
    "blur by width": lambda y, z: functional.conv2d(
        y, torch.ones(1, 1, 3, 3).to(y).repeat(8, 1, 1, 1), padding=1, groups=y.shape[1]
    ),
}


@pytest.mark.parametrize("name", sorted(_FORMS))
def test_forms_of_calls(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(zlib.crc32(name.encode()))
        module = randomise(_Form(_FORMS[name])).double().eval()
        inputs = torch.randn(IMAGE, dtype=torch.float64)
    _check_all(subject(module, inputs), ("random",))


def test_constants_of_a_width_are_cut_with_it():
    module = _Form(_FORMS["zeros joined"]).eval()
    graph = trace(module, torch.zeros(IMAGE))
    assert not graph.unknown
    assert graph.atoms == 1 + 16


def test_hooks_of_the_pruned_model_belong_to_it():
    module = nn.Sequential(conv(3, 8), nn.ReLU(), conv(8, 2)).eval()
    module.seen = []

    def keep(self, layer, inputs, output):
        self.seen = [*self.seen, output.shape[1]]

    module[0].register_forward_hook(keep.__get__(module))
    graph = trace(module, torch.zeros(IMAGE))
    pruned = apply_plan(module, make_plan(module, graph, "l2", 0.5))
    pruned(torch.zeros(IMAGE))
    assert module.seen == []
    assert pruned.seen == [pruned[0].out_channels]


def test_what_cannot_be_differentiated_says_so():
    def form(y, z):
        product = y * z
        return y.mul_(2) + product  # which needs what ``y`` was

    module = _Form(form).eval()
    it = subject(module, torch.rand(IMAGE))
    with pytest.raises(PruningError, match="cannot be differentiated"):
        it.plan("taylor", 0.3)
    it.plan("l2", 0.3)


def test_what_a_trace_cannot_see_is_found_by_running_it():
    """A loop over ``range(width)`` takes the width for a plain number."""

    def form(y, z):
        return y * sum(range(z.shape[1]))

    it = subject(_Form(form).double().eval(), torch.rand(IMAGE).double())
    unchecked = trace_once(it.module, it.inputs)
    plan = make_plan(it.module, unchecked, "l2", 0.5)
    assert disagreement(it.module, unchecked, plan, it.inputs) > 1e-3
    other = subject(
        _Form(lambda y, z: y * z).double().eval(), torch.rand(IMAGE).double()
    )
    plan = other.plan("l2", 0.5)
    assert disagreement(other.module, other.graph, plan, other.inputs) < 1e-9
    # the product's own trace checks itself
    ratios = {"a": 0.5}
    plan = make_plan(it.module, it.graph, "l2", 0.2, ratios=ratios)
    assert disagreement(it.module, it.graph, plan, it.inputs) < 1e-9
