"""Modules that try to mislead the trace by what they do with values and sizes."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.core.pruning.architectures.recipe import Entry, conv, entry


class ViewWrite(nn.Module):
    """Values written through a view."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.b = conv(3, 3)
        self.h = conv(6, 2)

    def forward(self, x: Tensor):
        y = self.a(x)
        v = y[:, :3]
        v.add_(self.b(x))
        return self.h(torch.relu(y))


class CopyInto(nn.Module):
    """A tensor made like one and filled from another."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.b = conv(3, 6)
        self.h = conv(6, 2)

    def forward(self, x: Tensor):
        y = torch.empty_like(self.a(x))
        y.copy_(self.b(x))
        return self.h(torch.relu(y))


class OnesLike(nn.Module):
    """Constants as wide as another tensor."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.b = conv(6, 6)
        self.h = conv(6, 2)

    def forward(self, x: Tensor):
        r = self.a(x)
        one = torch.ones_like(r)
        q = self.b(one)
        return self.h(torch.relu(r * q))


class NewZerosShape(nn.Module):
    """Zeros of a width that follows."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.h = conv(12, 2)

    def forward(self, x: Tensor):
        r = self.a(x)
        b, c, h, w = r.shape
        z = r.new_zeros(b, c, h, w)
        return self.h(torch.cat([r, z], 1))


class GramMatrix(nn.Module):
    """Products of all channels with all others."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.b = conv(6, 4)
        self.h = nn.Linear(4, 2)

    def forward(self, x: Tensor):
        y = torch.relu(self.b(torch.relu(self.a(x)))).flatten(2)
        return self.h(torch.bmm(y, y.transpose(1, 2)))


class DynamicShape(nn.Module):
    """Sizes worked out while running."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.b = conv(8, 8)
        self.h = conv(8, 2)

    def forward(self, x: Tensor):
        y = self.a(x)
        b, c, h, w = y.size()
        y = y.view(b * c, 1, h, w)
        y = functional.avg_pool2d(y, 2)
        y = y.view(b, c, h // 2, w // 2)
        y = functional.interpolate(self.b(y), size=x.shape[-2:])
        return self.h(y)


class BatchChannelFold(nn.Module):
    """Channels folded into the batch."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.d = nn.Conv2d(1, 1, 3, padding=1)
        self.h = conv(8, 2)

    def forward(self, x: Tensor):
        y = self.a(x)
        b, c, h, w = y.shape
        return self.h(torch.relu(self.d(y.reshape(b * c, 1, h, w)).reshape(b, c, h, w)))


class BufferSliced(nn.Module):
    """A table of positions cut to the width of the map."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.h = conv(8, 2)
        self.register_buffer("t", torch.randn(16, 12, 20))

    def forward(self, x: Tensor):
        y = self.a(x)
        return self.h(torch.relu(y + self.t[: y.shape[1], :, : y.shape[3]]))


class SpatialBoolIndex(nn.Module):
    """Positions picked by a mask of values."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.h = nn.Linear(8, 2)

    def forward(self, x: Tensor):
        y = torch.relu(self.a(x)).permute(0, 2, 3, 1)
        m = x[:, 0] > 0
        return self.h(y[m])


class DictOut(nn.Module):
    """Outputs in dictionaries, with numbers and None; a layer never used."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.b = conv(8, 6)
        self.h = conv(6, 2)
        self.k = conv(6, 1)
        self.unused = conv(4, 4)

    def forward(self, x: Tensor):
        y = torch.relu(self.a(x))
        z = torch.relu(self.b(y))
        return {"m": (self.h(z), {"k": [self.k(z)]}), "n": 3, "o": None}


class NestedDictIn(nn.Module):
    """Values passed on in dictionaries."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.b = conv(8, 6)
        self.h = conv(6, 2)

    def sub(self, d, *, k):
        return {"v": (d["u"][0] * 2, k)}

    def forward(self, x: Tensor):
        y = self.sub({"u": [torch.relu(self.a(x))]}, k=1)["v"][0]
        return self.h(functional.relu(self.b(y)))


class BroadcastCoincidence(nn.Module):
    """Batch, channels and sides of one size."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 12)
        self.p = nn.Parameter(torch.randn(12))
        self.q = nn.Parameter(torch.randn(12, 1, 1))
        self.h = conv(12, 2)

    def forward(self, x: Tensor):
        y = self.a(x)
        return self.h(functional.relu(y * self.q) * self.p + self.q)


class TransposeChannels(nn.Module):
    """Channels added to rows."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 12)
        self.h = conv(12, 2)

    def forward(self, x: Tensor):
        y = self.a(x)
        return self.h(functional.relu(y.transpose(1, 2) + y))


class GridSample(nn.Module):
    """Sampling at places that the network computes."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.o = conv(6, 2)
        self.b = conv(6, 5)
        self.h = conv(5, 2)

    def forward(self, x: Tensor):
        y = functional.relu(self.a(x))
        g = torch.tanh(self.o(y)).permute(0, 2, 3, 1)
        return self.h(
            functional.relu(self.b(functional.grid_sample(y, g, align_corners=False)))
        )


class HyperScale(nn.Module):
    """Values divided by a width."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.b = conv(6, 6)
        self.h = conv(6, 2)

    def forward(self, x: Tensor):
        y = functional.relu(self.a(x))
        y = y / math.sqrt(y.shape[1])
        z = self.b(y)
        return self.h(z * z.size(1) ** (-0.5))


class SubPixelByHand(nn.Module):
    """Pixel shuffle written out."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.h = conv(2, 2)

    def forward(self, x: Tensor):
        y = self.a(x)
        b, c, h, w = y.shape
        y = (
            y.view(b, c // 4, 2, 2, h, w)
            .permute(0, 1, 4, 2, 5, 3)
            .reshape(b, c // 4, h * 2, w * 2)
        )
        return self.h(functional.relu(y))


class Windows(nn.Module):
    """Windowed attention written out."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.qkv = nn.Linear(8, 24)
        self.p = nn.Linear(8, 8)
        self.h = conv(8, 2)

    def forward(self, x: Tensor):
        y = self.a(x).permute(0, 2, 3, 1)
        b, h, w, c = y.shape
        y = (
            y.view(b, h // 4, 4, w // 4, 4, c)
            .permute(0, 1, 3, 2, 4, 5)
            .reshape(-1, 16, c)
        )
        q, k, v = self.qkv(y).reshape(-1, 16, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
        a = (q @ k.transpose(-2, -1)).softmax(-1)
        y = self.p((a @ v).transpose(1, 2).reshape(-1, 16, c))
        y = (
            y.view(b, h // 4, w // 4, 4, 4, c)
            .permute(0, 1, 3, 2, 4, 5)
            .reshape(b, h, w, c)
        )
        return self.h(y.permute(0, 3, 1, 2))


class ECA(nn.Module):
    """A convolution along the channels."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.c = nn.Conv1d(1, 1, 3, padding=1, bias=False)
        self.h = conv(8, 2)

    def forward(self, x: Tensor):
        y = self.a(x)
        g = functional.adaptive_avg_pool2d(y, 1)
        g = self.c(g.squeeze(-1).transpose(-1, -2)).transpose(-1, -2).unsqueeze(-1)
        return self.h(y * torch.sigmoid(g).expand_as(y))


class CoordAtt(nn.Module):
    """Pools along rows and columns, joined and split again."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 6)
        self.c = conv(6, 4, 1)
        self.n = nn.BatchNorm2d(4)
        self.u = conv(4, 6, 1)
        self.v = conv(4, 6, 1)
        self.h = conv(6, 2)

    def forward(self, x: Tensor):
        y = self.a(x)
        _, _, h, w = y.size()
        ph = functional.adaptive_avg_pool2d(y, (None, 1))
        pw = functional.adaptive_avg_pool2d(y, (1, None)).permute(0, 1, 3, 2)
        z = functional.hardswish(self.n(self.c(torch.cat([ph, pw], 2))))
        a, b = torch.split(z, [h, w], dim=2)
        return self.h(y * self.u(a).sigmoid() * self.v(b.permute(0, 1, 3, 2)).sigmoid())


class Squeeze1(nn.Module):
    """Squeeze without a dimension."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 4)
        self.b = conv(4, 5)
        self.k = nn.Linear(5, 3)

    def forward(self, x: Tensor):
        y = functional.relu(self.b(functional.relu(self.a(x))))
        return self.k(functional.adaptive_avg_pool2d(y, 1).squeeze())


class Pool3dOverChannels(nn.Module):
    """Channels where pooling has its depth."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.h = conv(8, 2)

    def forward(self, x: Tensor):
        return self.h(functional.max_pool3d(self.a(x), (3, 1, 1), 1, (1, 0, 0)))


class Conv3dOverChannels(nn.Module):
    """Channels where a convolution has its depth."""

    def __init__(self):
        super().__init__()
        self.a = conv(3, 8)
        self.c = nn.Conv3d(1, 2, 3, padding=1)
        self.h = conv(16, 2)

    def forward(self, x: Tensor):
        return self.h(self.c(self.a(x).unsqueeze(1)).flatten(1, 2))


IMAGE = (2, 3, 12, 12)

ENTRIES: dict[str, Entry] = {
    "BatchChannelFold": entry(BatchChannelFold, IMAGE),
    "BroadcastCoincidence": entry(BroadcastCoincidence, (12, 3, 12, 12)),
    "BufferSliced": entry(BufferSliced, IMAGE),
    "Conv3dOverChannels": entry(Conv3dOverChannels, IMAGE),
    "CoordAtt": entry(CoordAtt, IMAGE),
    "CopyInto": entry(CopyInto, IMAGE),
    "DictOut": entry(DictOut, IMAGE),
    "DynamicShape": entry(DynamicShape, IMAGE),
    "ECA": entry(ECA, IMAGE),
    "GramMatrix": entry(GramMatrix, IMAGE),
    "GridSample": entry(GridSample, IMAGE),
    "HyperScale": entry(HyperScale, IMAGE),
    "NestedDictIn": entry(NestedDictIn, IMAGE),
    "NewZerosShape": entry(NewZerosShape, IMAGE),
    "OnesLike": entry(OnesLike, IMAGE),
    "Pool3dOverChannels": entry(Pool3dOverChannels, IMAGE),
    "SpatialBoolIndex": entry(SpatialBoolIndex, IMAGE),
    "Squeeze1": entry(Squeeze1, IMAGE),
    "SubPixelByHand": entry(SubPixelByHand, IMAGE),
    "TransposeChannels": entry(TransposeChannels, IMAGE),
    "ViewWrite": entry(ViewWrite, IMAGE),
    "Windows": entry(Windows, IMAGE),
}
