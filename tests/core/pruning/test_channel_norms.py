"""Norms over channels written by hand, and values written into a part of a tensor."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.core.pruning.architectures.recipe import conv, randomise
from tests.core.pruning.oracle import check, subject

X = torch.randn(
    2, 3, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
)


class Between(nn.Module):
    """A stem, a part that takes and gives (N, 12, 8, 8), and a head."""

    def __init__(self, part):
        super().__init__()
        self.stem, self.part, self.head = conv(3, 12), part, conv(12, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.part(self.stem(x).sigmoid()))


class Part(nn.Module):
    """A function of a map and of a learned scale and shift for each channel."""

    def __init__(self, function):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(12) + 0.5)
        self.bias = nn.Parameter(torch.randn(12))
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        w, b = self.weight[:, None, None], self.bias[:, None, None]
        return self.function(x, w, b)


def layer_norm(x, w, b):
    mean = x.mean(1, keepdim=True)
    spread = (x - mean).pow(2).mean(1, keepdim=True)
    return w * ((x - mean) / torch.sqrt(spread + 1e-6)) + b


def by_variance(x, w, b):
    mean, spread = x.mean(1, keepdim=True), x.var(1, keepdim=True, unbiased=False)
    return (x - mean) * torch.rsqrt(spread + 1e-5) * w + b


def by_deviation(x, w, b):
    return (x - x.mean(1, keepdim=True)) / (x.std(1, keepdim=True) + 1e-3) * w + b


def root_mean_square(x, w, b):
    return x * torch.rsqrt(x.pow(2).mean(1, keepdim=True) + 1e-6) * w + b


def response(x, w, b):
    """Global response normalisation (ConvNeXt V2)."""
    size = x.norm(p=2, dim=(2, 3), keepdim=True)
    return w * (x * (size / (size.mean(1, keepdim=True) + 1e-6))) + b + x


def unit_length(x, w, b):
    return functional.normalize(x, dim=1) * w + b


def shares(x, w, b):
    return x / (x.sum(1, keepdim=True) + 1.0) * w + b


NORMS = (
    layer_norm, by_variance, by_deviation, root_mean_square, response, unit_length,
    shares,
)  # fmt: skip


def _subject(part):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return subject(randomise(Between(part)).double().eval(), X)


@pytest.mark.parametrize("norm", NORMS)
def test_a_norm_by_hand_is_one_over_what_is_left(norm):
    it = _subject(Part(norm))
    assert it.reach > 0.7  # two channels stay where a spread is taken
    for sparsity in (0.3, 0.7):
        check(it, it.plan("l2", sparsity))


def test_torch_s_root_mean_square_follows_its_channels():
    class Rms(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.RMSNorm(12)

        def forward(self, x):
            return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    it = _subject(Rms())
    assert it.reach > 0.8
    pruned = check(it, it.plan("l2", 0.5))
    assert pruned.part.norm.normalized_shape == (pruned.stem.out_channels,)


def attended(x, w, b):
    return x * torch.sigmoid(x.mean(1, keepdim=True)) * w + b


def scaled_by_itself(x, w, b):
    return x * x.mean(1, keepdim=True) * w + b


def joined(x, w, b):
    mean = x.mean(1, keepdim=True)
    return torch.cat([x[:, :11] * w[:11] + b[:11], mean], 1)


def of_others(x, w, b):
    return (x * w + b) - (x * b).cumsum(1).mean(1, keepdim=True)


@pytest.mark.parametrize("use", [attended, scaled_by_itself, joined, of_others])
def test_a_mean_that_is_no_norm_protects_its_channels(use):
    it = _subject(Part(use))
    assert "stem" in it.graph.reasons
    assert it.reach < 0.3


def test_a_mean_that_is_an_output_protects_its_channels():
    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.head = conv(3, 12), conv(12, 2)

        def forward(self, x):
            y = self.stem(x)
            mean = y.mean(1, keepdim=True)
            return self.head((y - mean).relu()), mean

    it = subject(Mean().double().eval(), X)
    assert it.graph.reasons["stem"] == "mixed by mean over channels"


class Written(nn.Module):
    """A map that another one is written into."""

    def __init__(self, write):
        super().__init__()
        self.other, self.write = conv(12, 12), write

    def forward(self, x: Tensor) -> Tensor:
        y = x.clone()
        self.write(y, self.other(x))
        return y


def corner(y, z):
    y[:, :, :4, :4] = z[:, :, :4, :4]


def half(y, z):
    y[:, : y.shape[1] // 2] = z[:, : z.shape[1] // 2]


def clipped(y, z):
    y[y < 0.5] = 0.0
    y += z


def number(y, z):
    y[..., 0] = 1.0
    y += z


@pytest.mark.parametrize("write", [corner, half, clipped, number])
def test_values_written_into_a_part_go_with_what_they_meet(write):
    it = _subject(Written(write))
    assert it.reach > 0.8
    for sparsity in (0.3, 0.7):
        check(it, it.plan("l2", sparsity))


def first_ones(y, z):
    y[:, :3] = z[:, :3]


def picked(y, z):
    y[torch.tensor([0])] = z[:1]


@pytest.mark.parametrize("write", [first_ones, picked])
def test_values_written_at_places_of_the_code_protect_them(write):
    it = _subject(Written(write))
    assert {"stem", "part.other"} <= set(it.graph.reasons)
