"""Widths that a module holds as a number of its own: ``self.dim = 12``."""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.core.pruning.architectures.recipe import conv, randomise
from tests.core.pruning.oracle import check, subject

X = torch.randn(
    2, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
)


class Net(nn.Module):
    """A stem of 12 channels, a middle and a head."""

    def __init__(self):
        super().__init__()
        self.dim, self.heads = 12, 3
        self.stem, self.mid, self.head = conv(3, 12), conv(12, 12), conv(12, 2)

    def middle(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.middle(self.stem(x).sigmoid()))


class Folded(Net):
    def middle(self, x):
        y = self.mid(x.view(x.shape[0], self.dim, 8, 8)).reshape(-1, self.dim, 64)
        return y.relu().unflatten(2, (8, 8))


class Asserted(Net):
    def middle(self, x):
        if x.shape[1] != self.dim:
            raise ValueError("another width")
        return self.mid(x) + torch.zeros(1, self.dim, 1, 1, dtype=x.dtype)


class Parts(Net):
    def __init__(self):
        super().__init__()
        self.first, self.second = 4, 8
        self.head = conv(8, 2)

    def middle(self, x):
        gate, values = self.mid(x).split([self.first, self.second], dim=1)
        return values * gate.mean((1, 2, 3)).view(-1, 1, 1, 1)


class Heads(Net):
    def __init__(self):
        super().__init__()
        self.each = 4
        self.qkv, self.out = nn.Linear(12, 36), nn.Linear(12, 12)

    def middle(self, x):
        tokens = x.flatten(2).transpose(1, 2)
        n, t, _ = tokens.shape
        parts = self.qkv(tokens).reshape(n, t, 3, self.heads, self.each)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) / 2.0).softmax(-1)
        y = (weights @ v).transpose(1, 2).flatten(2)
        return x + self.out(y).transpose(1, 2).unflatten(2, (8, 8))


def _subject(kind):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return subject(randomise(kind()).double().eval(), X)


@pytest.mark.parametrize(
    ("kind", "attributes", "least"),
    [
        (Folded, ("dim",), 0.8),
        (Asserted, ("dim",), 0.8),
        (Parts, ("second",), 0.4),
        (Heads, ("heads",), 0.4),
    ],
)
def test_a_number_of_the_module_follows_the_channels_that_it_counts(
    kind, attributes, least
):
    it = _subject(kind)
    assert it.reach > least
    before = {name: getattr(it.module, name) for name in attributes}
    pruned = check(it, it.plan("l2", 0.95 * it.reach))
    for name, value in before.items():
        assert getattr(pruned, name) < value
        assert type(getattr(pruned, name)) is int
        assert getattr(it.module, name) == value


class Scaled(Net):
    def middle(self, x):
        return self.mid(x).view(-1, self.dim, 8, 8) / math.sqrt(self.dim)


class Sized(Net):
    def middle(self, x):
        y = self.mid(x).view(-1, self.dim, 8, 8)
        return y + torch.linspace(0, 1, self.dim, dtype=x.dtype).sum()


@pytest.mark.parametrize("kind", [Scaled, Sized])
def test_a_number_that_is_computed_with_protects_what_it_counts(kind):
    it = _subject(kind)
    assert "mid" in it.graph.reasons
    assert "stem" not in it.graph.reasons
    pruned = check(it, it.plan("l2", 0.9 * it.reach))
    assert pruned.dim == 12


def test_a_number_beside_a_width_is_just_a_number():
    class Grouped(Net):
        def middle(self, x):
            n, c, h, w = x.shape
            y = x.view(n, self.heads, c // self.heads, h, w).transpose(1, 2)
            return self.mid(y.reshape(n, c, h, w))

    it = _subject(Grouped)
    assert it.reach > 0.7
    pruned = check(it, it.plan("l2", 0.9 * it.reach))
    assert pruned.heads == 3
    assert pruned.stem.out_channels % 3 == 0
