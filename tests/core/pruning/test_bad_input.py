"""Everything that can be wrong with a request, in one list.

Each is a `PruningError` of one sentence that says what to do, and the module is
afterwards what it was.
"""

import copy

import pytest
import torch
from torch import nn

from core.errors import PruningError
from core.pruning import (
    MaskPlan,
    PruningPlan,
    apply_masks,
    apply_plan,
    calibrate,
    make_masks,
    make_plan,
    mask_plan,
    prune_in_steps,
    trace,
)
from tests.core.pruning.architectures.recipe import block, conv

IMAGE = torch.zeros(1, 3, 16, 16)


class _Net(nn.Module):
    """Four layers, a batch norm or none, and room for mischief in between."""

    def __init__(self, norm=True):
        super().__init__()
        self.first = block(3, 8) if norm else conv(3, 8)
        self.second, self.last = conv(8, 12), conv(12, 2)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        return self.last(torch.relu(self.second(self.middle(self.first(x)))))

    def middle(self, x):
        return x


class _Counting(_Net):
    def middle(self, x):
        self.calls += 1
        return x


class _Scaling(_Net):
    def middle(self, x):
        with torch.no_grad():
            self.second.weight.mul_(0.5)
        return x


class _Raising(_Net):
    def middle(self, x):
        raise RuntimeError("no such kernel")


class _Unpacking(_Net):
    def middle(self, x):
        first, second = x  # one image in the batch, not two
        return first + second


def _net(kind=_Net, **more):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return kind(**more).eval()


def _broken(value):
    net = _net()
    with torch.no_grad():
        net.second.weight[1, 2, 0, 0] = value
    return net


def _plan(net, heuristic="l2", sparsity=0.5, **more):
    return make_plan(net, trace(net, IMAGE), heuristic, sparsity, **more)


def _masks(net, heuristic="magnitude", sparsity=0.5, **more):
    return make_masks(net, trace(net, IMAGE), heuristic, sparsity, **more)


def _other():
    return nn.Sequential(conv(3, 6), nn.ReLU(), conv(6, 2)).eval()


def _other_plan():
    return _plan(_other())


def _wider(plan):
    """The same names, another shape."""
    shapes = {**plan.shapes, "second.weight": (24, 8, 3, 3)}
    return PruningPlan(plan.kept, shapes)


def _strange_statistics():
    """The same names, other shapes."""
    other = _net()
    other.second, other.last = conv(8, 20), conv(20, 2)
    other.eval()
    return calibrate(other, trace(other, IMAGE), [IMAGE + 0.5])


CASES = {
    # a module that cannot be traced
    "raises": (lambda: _net(_Raising), lambda n: trace(n, IMAGE), "pass an example"),
    "not a module": (
        _net,
        lambda n: trace(n.forward, IMAGE),
        "build the network first",
    ),
    "a program": (
        lambda: torch.jit.script(nn.Sequential(conv(3, 4), conv(4, 2)).eval()),
        lambda n: trace(n, IMAGE),
        "load the Python model",
    ),
    # a module that changes itself
    "counts": (lambda: _net(_Counting), lambda n: trace(n, IMAGE), "side effects"),
    "scales": (lambda: _net(_Scaling), lambda n: trace(n, IMAGE), "side effects"),
    # a wrong example
    "channels": (
        _net,
        lambda n: trace(n, torch.zeros(1, 4, 16, 16)),
        "pass an example",
    ),
    "flat": (_net, lambda n: trace(n, torch.zeros(16, 3)), "pass an example"),
    "whole numbers": (
        _net,
        lambda n: trace(n, torch.zeros(1, 3, 16, 16, dtype=torch.long)),
        "pass an example",
    ),
    "batch": (lambda: _net(_Unpacking), lambda n: trace(n, IMAGE), "pass an example"),
    "too many": (_net, lambda n: trace(n, (IMAGE, IMAGE)), "pass an example"),
    "an array": (_net, lambda n: trace(n, IMAGE.numpy()), "convert it first"),
    # weights that are no numbers
    "nan": (lambda: _broken(torch.nan), _plan, "load intact weights"),
    "infinite": (lambda: _broken(torch.inf), _plan, "load intact weights"),
    "nan, single weights": (
        lambda: _broken(torch.nan),
        _masks,
        "load intact weights",
    ),
    "nan activations": (
        _net,
        lambda n: calibrate(n, trace(n, IMAGE), [IMAGE * torch.nan]),
        "check the weights and the input range",
    ),
    # a sparsity outside its range, or out of reach
    "above": (_net, lambda n: _plan(n, sparsity=1.0), "give the share to remove"),
    "below": (_net, lambda n: _plan(n, sparsity=-0.1), "give the share to remove"),
    "no number": (
        _net,
        lambda n: _plan(n, sparsity=float("nan")),
        "give the share to remove",
    ),
    "above, single weights": (
        _net,
        lambda n: _masks(n, sparsity=1.5),
        "give the share to remove",
    ),
    "above, in steps": (
        _net,
        lambda n: prune_in_steps(n, [IMAGE], {"heuristic": "l2", "sparsity": 2.0}),
        "give the share to remove",
    ),
    "out of reach": (
        _net,
        lambda n: _plan(n, sparsity=0.9, scope="first"),
        "in this scope; the other layers are kept",
    ),
    "out of reach, floor": (
        _net,
        lambda n: _plan(n, sparsity=0.9, min_channels=8),
        "lower the minimum",
    ),
    "out of reach, single weights": (
        _net,
        lambda n: _masks(n, sparsity=0.9, scope="first"),
        "in this scope; the other layers are kept",
    ),
    # an unknown name
    "heuristic": (_net, lambda n: _plan(n, "magic"), "choose one of"),
    "weight heuristic": (_net, lambda n: _masks(n, "l2"), "choose one of"),
    "scope": (_net, lambda n: _plan(n, scope="attic"), "choose one of"),
    "count": (_net, lambda n: _plan(n, count="bytes"), "choose params"),
    "lock": (_net, lambda n: _plan(n, locked=["attic"]), "choose layers"),
    "ratio": (_net, lambda n: _plan(n, ratios={"first": 1.5}), "give the part"),
    "floor": (_net, lambda n: _plan(n, min_channels=0), "must be 1 or more"),
    # what a heuristic needs and is not there; none needs labels
    "no batch norm": (
        lambda: _net(norm=False),
        lambda n: _plan(n, "bn_scale"),
        "choose another heuristic",
    ),
    **{
        f"no tiles: {name}": (
            _net,
            lambda n, name=name: _plan(n, name),
            "calibrate on a few unlabelled tiles",
        )
        for name in ("reconstruction", "taylor", "fisher", "apoz", "mean_activation")
    },
    "no tiles: single weights": (
        _net,
        lambda n: _masks(n, "activation"),
        "calibrate on a few unlabelled tiles",
    ),
    "no tiles at all": (
        _net,
        lambda n: calibrate(n, trace(n, IMAGE), []),
        "give it a few",
    ),
    # a plan, a trace, or statistics of another model
    "plan": (_net, lambda n: apply_plan(n, _other_plan()), "Make a plan from a trace"),
    "plan, same names": (
        _net,
        lambda n: apply_plan(n, _wider(_plan(n))),
        "Make a plan from a trace",
    ),
    "plan, attribute": (
        _net,
        lambda n: apply_plan(
            n, PruningPlan({}, _plan(n).shapes, {"second.out_channels": 99})
        ),
        "Make a plan from a trace",
    ),
    "masks": (
        _net,
        lambda n: apply_masks(n, _masks(_other())),
        "Make a plan for this model",
    ),
    "graph": (
        _net,
        lambda n: make_plan(n, trace(_other(), IMAGE), "l2", 0.5),
        "trace the model you prune",
    ),
    "statistics": (
        _net,
        lambda n: _plan(n, "reconstruction", statistics=_strange_statistics()),
        "calibrate the model you prune",
    ),
    "statistics, refit": (
        _net,
        lambda n: apply_plan(n, _plan(n), statistics=_strange_statistics()),
        "calibrate the model you prune",
    ),
    "statistics, single weights": (
        _net,
        lambda n: _masks(n, "activation", statistics=_strange_statistics()),
        "calibrate the model you prune",
    ),
    "not a plan": (_net, lambda n: PruningPlan.from_json("{}"), "to_json wrote"),
    "not masks": (_net, lambda n: MaskPlan.from_json("[]"), "wrote"),
}


def _snapshot(module):
    state = {k: v.clone() for k, v in module.state_dict().items()}
    plain = {
        name: {k: repr(v) for k, v in vars(child).items() if not k.startswith("_")}
        for name, child in module.named_modules()
    }
    modes = [child.training for child in module.modules()]
    grads = [(p.requires_grad, p.grad is None) for p in module.parameters()]
    return state, plain, modes, grads


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.parametrize("case", CASES)
def test_one_sentence_says_what_to_do_and_nothing_changed(case):
    make, attempt, advice = CASES[case]
    net = make()
    before = _snapshot(net)
    with pytest.raises(PruningError) as caught:
        attempt(net)
    text = str(caught.value)
    assert advice in text
    assert "\n" not in text
    assert 30 < len(text) < 500
    assert text.endswith(".")
    state, *rest = _snapshot(net)
    assert rest == list(before[1:])
    assert state.keys() == before[0].keys()
    for key, value in state.items():
        torch.testing.assert_close(
            value, before[0][key], rtol=0, atol=0, equal_nan=True
        )


def test_the_net_itself_is_fine():
    """So that each case is refused for its own fault."""
    net = _net()
    graph = trace(net, IMAGE)
    plan = make_plan(net, graph, "bn_scale", 0.5)
    pruned, masked = apply_plan(net, plan), mask_plan(net, graph, plan)
    x = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(pruned(x), masked(x))
    assert apply_masks(net, _masks(net)).training is False
    again = apply_plan(copy.deepcopy(net), plan)
    torch.testing.assert_close(again(x), pruned(x))
