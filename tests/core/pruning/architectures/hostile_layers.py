"""Modules that try to mislead the trace by how they hold and use weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize, spectral_norm
from torch.utils.checkpoint import checkpoint

from tests.core.pruning.architectures.recipe import Entry, conv, entry


class WeightShareTransposed(nn.Module):
    """One weight read by a convolution and by a transposed one."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.w = nn.Parameter(torch.randn(5, 6, 3, 3))
        self.h = conv(6, 2)

    def forward(self, x: Tensor):
        y = torch.relu(self.a(x))
        z = torch.relu(functional.conv2d(y, self.w, padding=1))
        return self.h(functional.conv_transpose2d(z, self.w, padding=1))


class WeightSliced(nn.Module):
    """A layer that uses part of another's weight."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.b = conv(8, 6)
        self.h = conv(3, 2)

    def forward(self, x: Tensor):
        y = torch.relu(self.a(x))
        z = functional.conv2d(
            y[:, :4], self.b.weight[:3, :4], self.b.bias[:3], padding=1
        )
        return self.h(z)


class Einsum1(nn.Module):
    """A weight used by einsum."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.w = nn.Parameter(torch.randn(5, 6))
        self.h = conv(5, 2)

    def forward(self, x: Tensor):
        return self.h(torch.einsum("bchw,oc->bohw", torch.relu(self.a(x)), self.w))


class Circular(nn.Module):
    """Every mode of padding, plain, grouped and depthwise."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6, padding_mode="circular")
        self.b = conv(6, 8, padding_mode="reflect", groups=2)
        self.c = conv(8, 8, padding_mode="replicate", groups=8, bias=False)
        self.h = conv(8, 2)

    def forward(self, x: Tensor):
        return self.h(
            functional.elu(self.c(functional.selu(self.b(functional.gelu(self.a(x))))))
        )


class DilatedGrouped(nn.Module):
    """Dilated and grouped, then transposed, grouped and dilated."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 12)
        self.b = nn.Conv2d(12, 18, 3, padding=2, dilation=2, groups=3)
        self.c = nn.Conv2d(18, 12, 3, padding=4, dilation=4, groups=6)
        self.d = nn.ConvTranspose2d(12, 8, 3, groups=4, dilation=2, bias=False)
        self.n = nn.BatchNorm2d(8)
        self.h = conv(8, 2)

    def forward(self, x: Tensor):
        return self.h(
            self.n(
                self.d(
                    functional.relu(
                        self.c(functional.relu(self.b(functional.relu(self.a(x)))))
                    )
                )
            )
        )


class C1(nn.Module):
    """One dimension, grouped, padded to the same."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv1d(4, 8, 3, padding=1)
        self.n = nn.BatchNorm1d(8)
        self.g = nn.Conv1d(8, 8, 3, groups=4, padding="same")
        self.t = nn.ConvTranspose1d(8, 6, 2, 2)
        self.h = nn.Conv1d(6, 2, 1)

    def forward(self, x: Tensor):
        return self.h(
            functional.relu(
                self.t(functional.relu(self.g(functional.relu(self.n(self.a(x))))))
            )
        )


class C3(nn.Module):
    """Three dimensions, depthwise, group norm."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv3d(2, 6, 3, padding=1)
        self.n = nn.GroupNorm(2, 6)
        self.g = nn.Conv3d(6, 6, 3, groups=6, padding=1)
        self.t = nn.ConvTranspose3d(6, 4, 2, 2)
        self.h = nn.Conv3d(4, 2, 1)

    def forward(self, x: Tensor):
        return self.h(
            functional.relu(
                self.t(functional.relu(self.g(functional.relu(self.n(self.a(x))))))
            )
        )


class Spectral(nn.Module):
    """Spectral and weight norm as parametrisations."""

    def __init__(self):
        super().__init__()
        self.a = parametrizations.spectral_norm(conv(3, 8))
        self.b = parametrizations.weight_norm(conv(8, 6))
        self.c = conv(6, 5)
        self.d = conv(5, 6)
        self.h = conv(6, 2)

    def forward(self, x: Tensor):
        return self.h(
            functional.relu(
                self.d(
                    functional.relu(
                        self.c(functional.relu(self.b(functional.relu(self.a(x)))))
                    )
                )
            )
        )


class OldSpectral(nn.Module):
    """The older spectral norm, which leaves a computed weight behind."""

    def __init__(self):
        super().__init__()
        self.a = spectral_norm(conv(3, 8))
        self.c = conv(8, 5)
        self.d = conv(5, 6)
        self.h = conv(6, 2)

    def forward(self, x: Tensor):
        return self.h(
            functional.relu(self.d(functional.relu(self.c(functional.relu(self.a(x))))))
        )


class _Half(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return 0.5 * weight.abs()


class Parametrized(nn.Module):
    """A weight and a bias that are functions of parameters."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        parametrize.register_parametrization(self.a, "weight", _Half())
        self.c = conv(8, 5)
        parametrize.register_parametrization(self.c, "bias", _Half())
        self.h = conv(5, 2)

    def forward(self, x: Tensor):
        return self.h(functional.relu(self.c(functional.relu(self.a(x)))))


class TiedEmbedding(nn.Module):
    """The transposed weight of the first layer is the last."""

    def __init__(self):
        super().__init__()
        self.e = nn.Linear(7, 8)
        self.m = nn.Linear(8, 10)
        self.n = nn.Linear(10, 8)

    def forward(self, x: Tensor):
        y = self.n(functional.relu(self.m(functional.relu(self.e(x)))))
        return functional.linear(y, self.e.weight.t())


class TiedEmbedding2(nn.Module):
    """An embedding that is the last layer's weight as well."""

    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(11, 8)
        self.m = nn.Linear(8, 10)
        self.n = nn.Linear(10, 8)
        self.out = nn.Linear(8, 11, bias=False)
        self.out.weight = self.emb.weight

    def forward(self, x: Tensor):
        i = (x.abs() * 3).long().clamp(0, 10)
        y = self.emb(i)
        return self.out(self.n(functional.relu(self.m(y))))


class ModuleAttrScale(nn.Module):
    """Values divided by a layer's own width."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.h = conv(8, 2)

    def forward(self, x: Tensor):
        y = self.a(x)
        return self.h(functional.relu(y / self.a.out_channels))


class Unbatched(nn.Module):
    """No batch dimension."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.b = conv(8, 8, groups=4)
        self.c = conv(8, 8, groups=8)
        self.h = conv(8, 2)

    def forward(self, x: Tensor):
        return self.h(
            functional.relu(self.c(functional.relu(self.b(functional.relu(self.a(x))))))
        )


class Recursion(nn.Module):
    """A block called three times on its own output."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.r = nn.Sequential(conv(6, 9), nn.ReLU(), conv(9, 6))
        self.h = conv(6, 2)

    def forward(self, x: Tensor):
        y = self.a(x)
        for _ in range(3):
            y = y + self.r(y)
        return self.h(y)


class SharedBias(nn.Module):
    """One bias in two layers, one norm after both."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.b = conv(6, 6)
        self.b.bias = self.a.bias
        self.n = nn.BatchNorm2d(6)
        self.h = conv(6, 2)

    def forward(self, x: Tensor):
        return self.h(self.n(self.b(functional.relu(self.n(self.a(x))))))


class CondConv(nn.Module):
    """A mixture of kernels."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.w = nn.Parameter(torch.randn(4, 5, 6, 3, 3))
        self.r = nn.Linear(6, 4)
        self.h = conv(5, 2)

    def forward(self, x: Tensor):
        y = functional.relu(self.a(x))
        r = self.r(y.mean((2, 3)))[0]
        w = (r[:, None, None, None, None] * self.w).sum(0)
        return self.h(functional.relu(functional.conv2d(y, w, padding=1)))


class Moe(nn.Module):
    """Experts mixed by a gate."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.e = nn.ModuleList([conv(6, 5) for _ in range(3)])
        self.r = nn.Linear(6, 3)
        self.h = conv(5, 2)

    def forward(self, x: Tensor):
        y = functional.relu(self.a(x))
        r = self.r(y.mean((2, 3))).softmax(-1)
        o = torch.stack([e(y) for e in self.e], 1)
        return self.h((r[:, :, None, None, None] * o).sum(1))


class SKNet(nn.Module):
    """Branches weighed by a softmax over branches."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.e = nn.ModuleList([conv(6, 5), conv(6, 5, 5)])
        self.f = nn.Linear(5, 4)
        self.g = nn.ModuleList([nn.Linear(4, 5) for _ in range(2)])
        self.h = conv(5, 2)

    def forward(self, x: Tensor):
        y = functional.relu(self.a(x))
        fs = torch.cat([e(y).unsqueeze(1) for e in self.e], 1)
        z = self.f(fs.sum(1).mean(-1).mean(-1))
        at = (
            torch.cat([g(z).unsqueeze(1) for g in self.g], 1)
            .softmax(1)
            .unsqueeze(-1)
            .unsqueeze(-1)
        )
        return self.h((fs * at).sum(1))


class Checkpointed(nn.Module):
    """A part computed again in the backward pass."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.b = conv(8, 6)
        self.h = conv(6, 2)

    def forward(self, x: Tensor):
        return self.h(
            functional.relu(
                checkpoint(self.b, functional.relu(self.a(x)), use_reentrant=False)
            )
        )


class Hooked(nn.Module):
    """Hooks that change inputs and outputs."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.b = conv(8, 6)
        self.h = conv(6, 2)
        self.b.register_forward_hook(lambda m, i, o: o * 0.5)
        self.b.register_forward_pre_hook(lambda m, i: (i[0] + 1,))

    def forward(self, x: Tensor):
        return self.h(functional.relu(self.b(functional.relu(self.a(x)))))


IMAGE = (2, 3, 12, 12)

ENTRIES: dict[str, Entry] = {
    "C1": entry(C1, (2, 4, 20)),
    "C3": entry(C3, (2, 2, 6, 6, 6)),
    "Checkpointed": entry(Checkpointed, IMAGE),
    "Circular": entry(Circular, IMAGE),
    "CondConv": entry(CondConv, IMAGE),
    "DilatedGrouped": entry(DilatedGrouped, IMAGE),
    "Einsum1": entry(Einsum1, IMAGE),
    "Hooked": entry(Hooked, IMAGE),
    "ModuleAttrScale": entry(ModuleAttrScale, IMAGE),
    "Moe": entry(Moe, IMAGE),
    "OldSpectral": entry(OldSpectral, IMAGE),
    "Parametrized": entry(Parametrized, IMAGE),
    "Recursion": entry(Recursion, IMAGE),
    "SKNet": entry(SKNet, IMAGE),
    "SharedBias": entry(SharedBias, IMAGE),
    "Spectral": entry(Spectral, IMAGE),
    "TiedEmbedding": entry(TiedEmbedding, (2, 7)),
    "TiedEmbedding2": entry(TiedEmbedding2, (2, 9)),
    "Unbatched": entry(Unbatched, (3, 12, 12)),
    "WeightShareTransposed": entry(WeightShareTransposed, IMAGE),
    "WeightSliced": entry(WeightSliced, IMAGE),
}
