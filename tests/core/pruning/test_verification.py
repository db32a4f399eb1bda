"""Widths and layers that a trace cannot follow are protected or refused."""

import dataclasses
import functools
import math
import statistics
import threading
import types
import weakref

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from core.errors import PruningError
from core.pruning import Counter, apply_plan, make_plan, mask_plan, trace
from core.pruning.tracing.rules import RULES
from core.pruning.tracing.watching import RuleError

X = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))


class Small(nn.Module):
    """Two convolutions and a head, with some code of the user's between them."""

    def __init__(self, between, **parts):
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()
        )
        self.second = nn.Conv2d(16, 16, 3, padding=1)
        self.head = nn.Conv2d(16, 2, 1)
        for name, part in parts.items():
            setattr(self, name, part)
        self._between = between

    def forward(self, x):
        return self.head(self.second(self._between(self, self.first(x))))


def agree(module, sparsity=0.3, example=X, first=None):
    """Cut a share, or a share of the first layer; both ways must agree."""
    torch.manual_seed(0)
    module.eval()
    graph = trace(module, example)
    ratios = {} if first is None else {"first.0": first}
    plan = make_plan(module, graph, "l2", sparsity, ratios=ratios)
    cut, masked = apply_plan(module, plan), mask_plan(module, graph, plan)
    with torch.no_grad():
        one, other = cut(example), masked(example)
        assert one.shape == module(example).shape
    assert torch.allclose(one, other, atol=1e-5)
    assert sum(p.numel() for p in cut.parameters()) < Counter(graph).dense.params
    return graph, cut


OUT_OF_SIGHT = {
    "one over a width": lambda _, x: x * (1.0 / x.size(1)),
    "a share of a width": lambda _, x: x * (0.1 * x.shape[1]),
    "a power": lambda _, x: x * 1.1 ** x.shape[1],
    "compared with a float": lambda _, x: x * (2 if x.shape[1] > 12.5 else 3),
    "range": lambda _, x: x * len(range(x.shape[1] // 8)),
    "log": lambda _, x: x / math.log(x.shape[1]),
    "isqrt": lambda _, x: x / math.isqrt(x.shape[1]),
    "gcd": lambda _, x: x / math.gcd(x.shape[1], 12),
    "index of a list": lambda _, x: x * list(range(20))[x.shape[1]],
    "text": lambda _, x: x * int("%d" % x.shape[1]),  # noqa: UP031 - C code
    "a character": lambda _, x: x * ord(chr(x.shape[1])),
    "real part": lambda _, x: x * x.shape[1].real,
    "bits": lambda _, x: x * x.shape[1].bit_length(),
    "values of a map": lambda _, x: x / x.shape[1:].numel() * 4096,
    "mean": lambda _, x: x / statistics.mean([x.shape[1]]),
    "numpy": lambda _, x: x * float(np.sqrt(x.shape[1])),
    "dict": lambda _, x: x * {16: 1.0, 11: 2.0}.get(x.shape[1], 3.0),
}


@pytest.mark.parametrize("name", OUT_OF_SIGHT)
def test_a_width_that_c_code_takes_protects_its_channels(name):
    graph, _ = agree(Small(OUT_OF_SIGHT[name]))
    first = next(each for each in graph.layers if each.name == "first.0")
    assert (first.outputs == 0).all()


@pytest.mark.parametrize("parts", [2, 4, 8])
def test_a_width_modulo_a_number_keeps_as_many_parts_equal(parts):
    def between(_, x):
        return x * 2 if x.shape[1] % parts == 0 else x * 3

    _, cut = agree(Small(between), 0.4, first=0.5)
    assert cut.first[0].out_channels == 8


@dataclasses.dataclass
class Logits:
    values: torch.Tensor


@pytest.mark.parametrize("wrap", [Logits, lambda t: types.SimpleNamespace(deep=[t])])
def test_outputs_inside_any_object_keep_their_channels(wrap):
    class Wrapped(Small):
        def forward(self, x):
            return wrap(super().forward(x))

    module = Wrapped(lambda _, x: x).eval()
    graph = trace(module, X)
    assert graph.reasons["head"] == "output of the model"
    cut = apply_plan(module, make_plan(module, graph, "l2", 0.5))
    assert cut.head.out_channels == 2


def owner_of(kind):
    """Return a module that reaches its layer in a way that deepcopy does not copy."""
    module = Small(lambda own, x: own.reach(x))
    module.eval()
    if kind == "closure":
        module.reach = lambda x: module.second(x)
    elif kind == "default":
        module.reach = lambda x, layer=module.second: layer(x)
    elif kind == "partial":
        module.reach = functools.partial(lambda layer, x: layer(x), module.second)
    elif kind == "bound":
        module.reach = module.second.forward
    elif kind == "weak":
        link = weakref.ref(module.second)
        module.reach = lambda x: link()(x)
    elif kind == "proxy":
        stand_in = weakref.proxy(module)
        module.reach = lambda x: stand_in.second(x)
    elif kind == "forward":
        old = module.forward
        module.reach = nn.Identity()
        module.forward = lambda x: old(x) * 2.0
    elif kind == "hook":
        module.reach = nn.Identity()
        module.first.register_forward_hook(lambda _, __, out: module.second(out))
    return module


@pytest.mark.parametrize(
    "kind",
    ["closure", "default", "partial", "bound", "weak", "proxy", "forward", "hook"],
)
def test_functions_that_hold_layers_hold_those_of_the_copy(kind):
    module = owner_of(kind)
    before = module(X)
    graph = trace(module, X)
    plan = make_plan(module, graph, "l2", 0.5)
    cut, masked = apply_plan(module, plan), mask_plan(module, graph, plan)
    with torch.no_grad():
        assert torch.allclose(cut(X), masked(X), atol=1e-5)
        assert not torch.allclose(cut(X), before, atol=1e-2)
    assert torch.equal(module(X), before)


OUTSIDE = nn.Sequential(nn.Conv2d(3, 16, 3), nn.ReLU(), nn.Conv2d(16, 2, 1)).eval()


def test_a_layer_reached_by_a_global_name_is_refused():
    class Outside(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = OUTSIDE

        def forward(self, x):
            return OUTSIDE(x)

    with pytest.raises(PruningError, match="weights of the original"):
        trace(Outside().eval(), X)


def test_what_cannot_be_copied_is_named():
    with pytest.raises(PruningError, match="cannot be copied"):
        agree(Small(lambda _, x: x, lock=threading.Lock()))


def test_hooks_added_while_tracing_are_taken_away():
    class Lazy(Small):
        ready = False

        def forward(self, x):
            if not self.ready:
                self.first.register_forward_hook(lambda _, __, out: seen.append(out))
                self.ready = True
            del seen[:]
            self.first(x)
            assert len(seen) == 1
            return self.head(seen[0].relu())

    seen = []
    module = Lazy(lambda _, x: x).eval()
    trace(module, X)
    assert not module.first._forward_hooks
    assert module(X).shape == (2, 2, 16, 16)


def test_a_head_of_training_shrinks_with_what_it_reads():
    class Deep(Small):
        def forward(self, x):
            mid = self.first(x)
            out = self.head(self.second(mid))
            return (out, self.aux(mid)) if self.training else out

    module = Deep(None, aux=nn.Conv2d(16, 2, 1, bias=False)).eval()
    means = module.first[1].running_mean.clone()
    graph = trace(module, X)
    assert not module.training
    assert torch.equal(module.first[1].running_mean, means)
    cut = apply_plan(module, make_plan(module, graph, "l2", 0.5)).train()
    assert [out.shape[1] for out in cut(X)] == [2, 2]
    assert cut.aux.in_channels == cut.first[0].out_channels < 16
    assert Counter(graph).dense.macs == Counter(trace(Deep(None).eval(), X)).dense.macs


def test_a_fault_of_a_rule_is_not_hidden_in_training(monkeypatch):
    class Deep(Small):
        def forward(self, x):
            mid = self.first(x)
            out = self.head(self.second(mid))
            return (out, self.aux(mid).sigmoid()) if self.training else out

    def broken(recorder, call):
        raise IndexError

    monkeypatch.setitem(RULES, "sigmoid", broken)
    with pytest.raises(RuleError, match="sigmoid"):
        trace(Deep(lambda _, x: x, aux=nn.Conv2d(16, 2, 1)).eval(), X)


def test_weights_that_nothing_reads_are_named():
    graph = trace(Small(lambda _, x: x, spare=nn.Linear(4, 4)).eval(), X)
    assert graph.unused == ("spare.weight", "spare.bias")


def test_a_buffer_used_as_weight_is_cut_with_its_channels():
    module = Small(lambda own, x: functional.conv2d(x, own.kernel, padding=1))
    module.register_buffer("kernel", torch.randn(16, 16, 3, 3))
    agree(module, 0.5)


def test_batch_statistics_keep_what_they_are_taken_over():
    class Tokens(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(8, 16), nn.Linear(16, 16)
            self.norm = nn.BatchNorm1d(6, track_running_stats=False)
            self.head = nn.Linear(16, 2)

        def forward(self, x):
            return self.head(self.b(self.norm(self.a(x))))

    module = Tokens().eval()
    example = torch.randn(3, 6, 8)
    graph = trace(module, example)
    assert (graph.layers[0].outputs == 0).all()
    agree(module, 0.3, example)


def test_two_channels_of_a_group_stay_on_a_map_of_one_pixel():
    class Pooled(Small):
        def forward(self, x):
            pooled = self.first(x).mean((2, 3), keepdim=True)
            return self.head(self.second(self.norm(pooled)))

    module = Pooled(None, norm=nn.GroupNorm(4, 16)).eval()
    example = X[:1]
    graph = trace(module, example)
    plan = make_plan(module, graph, "l2", 0.7)
    cut = apply_plan(module, plan)
    assert 8 <= cut.norm.num_channels < 16
    assert cut(example).shape == (1, 2, 1, 1)


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        (lambda: Small(lambda _, x: x).to("meta"), "meta device"),
        (
            lambda: torch.compile(Small(lambda _, x: x), backend="eager"),
            "torch.compile",
        ),
        (
            lambda: torch.export.export(Small(lambda _, x: x).eval(), (X,)).module(),
            "torch.export",
        ),
    ],
    ids=["meta", "compiled", "exported"],
)
def test_programs_without_free_widths_are_refused_by_name(module, sentence):
    with pytest.raises(PruningError, match=sentence):
        trace(module(), X)


def test_numpy_in_the_forward_pass_is_followed_on_values():
    agree(Small(lambda _, x: torch.from_numpy(np.tanh(x.numpy()))))


def test_parameters_made_in_inference_mode_are_traced():
    with torch.inference_mode():
        module = Small(lambda _, x: x)
    assert trace(module.eval(), X).atoms > 1


@pytest.mark.parametrize("constant", [False, True])
def test_values_are_compared_when_all_calls_are_the_same(monkeypatch, constant):
    # a rule that is wrong: turning the channels round takes them for independent ones
    monkeypatch.setitem(RULES, "flip", RULES["sigmoid"])
    example = torch.zeros_like(X) if constant else X
    with pytest.raises(PruningError, match="what masking it gives"):
        trace(Small(lambda _, x: torch.flip(x, [1])), example)
    # along another dimension it is right
    graph = trace(Small(lambda _, x: torch.flip(x, [2])), example)
    assert graph.atoms > 17
