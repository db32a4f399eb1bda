"""Single layers with a habit of their own: norms, activations, gates, attention."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from tests.core.pruning.architectures.recipe import Entry, block, conv, entry

IMAGE = (2, 3, 12, 12)


class GroupNormed(nn.Module):
    """Statistics over groups of channels."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 8), nn.GroupNorm(4, 8), nn.ReLU(), conv(8, 6), nn.GroupNorm(1, 6)
        )
        self.head = conv(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(functional.gelu(self.body(x)))


class InstanceNormed(nn.Module):
    """Statistics per channel and image, with and without affine terms."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            conv(3, 6),
            nn.InstanceNorm2d(6, affine=True, track_running_stats=True),
            nn.LeakyReLU(0.1),
            conv(6, 5),
            nn.InstanceNorm2d(5),
        )
        self.head = conv(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class PlainBatchNorm(nn.Module):
    """Batch norm without affine terms, and one without running statistics."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = conv(3, 5), conv(5, 6), conv(6, 2)
        self.norm1 = nn.BatchNorm2d(5, affine=False)
        self.norm2 = nn.BatchNorm2d(6, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.norm1(self.a(x)))
        return self.head(torch.relu(self.norm2(self.b(x))))


class FunctionalNorm(nn.Module):
    """Batch norm whose tensors belong to the module itself."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = conv(3, 6), conv(6, 2)
        self.scale, self.shift = (
            nn.Parameter(torch.ones(6)),
            nn.Parameter(torch.zeros(6)),
        )
        self.register_buffer("mean", torch.zeros(6))
        self.register_buffer("running_var", torch.ones(6))

    def forward(self, x: Tensor) -> Tensor:
        x = functional.batch_norm(
            self.stem(x), self.mean, self.running_var, self.scale, self.shift
        )
        return self.head(torch.relu(x))


class ConvNext(nn.Module):
    """Depthwise convolution, layer norm and linear layers with channels last."""

    def __init__(self):
        super().__init__()
        self.stem = conv(3, 6)
        self.depth = conv(6, 6, groups=6)
        self.norm = nn.LayerNorm(6)
        self.wide, self.slim = nn.Linear(6, 12), nn.Linear(12, 6)
        self.scale = nn.Parameter(0.1 * torch.ones(6))
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.norm(self.depth(x).permute(0, 2, 3, 1))
        y = self.scale * self.slim(functional.gelu(self.wide(y)))
        return self.head((x + y.permute(0, 3, 1, 2)).mean((-2, -1)))


class MapLayerNorm(nn.Module):
    """Layer norm over channels and both sides of the map."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = conv(3, 4), nn.LayerNorm((4, 12, 12))
        self.head = conv(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.norm(self.stem(x))))


class LocalResponse(nn.Module):
    """Channels divided by the energy of their neighbours (AlexNet)."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = block(3, 6), nn.LocalResponseNorm(3)
        self.mid, self.head = block(6, 5), conv(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.mid(self.norm(self.stem(x))))


class AcrossChannels(nn.Module):
    """Softmax, unit length and statistics over the channels."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = block(3, 5), conv(5, 6), conv(6, 5)
        self.head = conv(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.normalize(self.a(x), dim=1)
        x = torch.softmax(self.b(x), dim=1)
        x = self.c(x)
        return self.head(x - x.mean(1, keepdim=True)) + x.std(dim=1, keepdim=True)


class Prelu(nn.Module):
    """A slope per channel, and one for all."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(conv(3, 6), nn.PReLU(6), conv(6, 5), nn.PReLU())
        self.head = conv(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


class NotZeroAtZero(nn.Module):
    """Activations that make something of nothing."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c, self.d = conv(3, 5), conv(5, 6), conv(6, 5), conv(5, 4)
        self.head = conv(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.sigmoid(self.a(x))
        x = functional.softplus(self.b(x))
        x = 1.0 - torch.exp(-self.c(x).clamp(-1.0, 1.0))
        return self.head(torch.cos(self.d(x)) + 0.5)


class SpatialGate(nn.Module):
    """One map that multiplies all channels."""

    def __init__(self):
        super().__init__()
        self.stem, self.gate, self.head = block(3, 6), conv(6, 1), conv(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.head(x * torch.sigmoid(self.gate(x)))


class Cbam(nn.Module):
    """Channel and spatial attention (Woo et al. 2018): pools over channels."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = block(3, 6), conv(6, 2)
        self.shared = nn.Sequential(conv(6, 2, 1), nn.ReLU(), conv(2, 6, 1))
        self.where = conv(2, 1, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        mean = self.shared(functional.adaptive_avg_pool2d(x, 1))
        peak = self.shared(functional.adaptive_max_pool2d(x, 1))
        x = x * torch.sigmoid(mean + peak)
        pooled = [x.mean(1, keepdim=True), x.amax(1, keepdim=True)]
        return self.head(x * torch.sigmoid(self.where(torch.cat(pooled, 1))))


class LearnedScale(nn.Module):
    """Parameters that multiply and shift channels directly."""

    def __init__(self):
        super().__init__()
        self.stem, self.head = conv(3, 6), conv(6, 2)
        self.gamma = nn.Parameter(torch.ones(1, 6, 1, 1))
        self.beta = nn.Parameter(torch.zeros(6, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.gamma * self.stem(x) + self.beta))


class OneChannel(nn.Module):
    """Convolutions that only look depthwise: one channel in, or groups of one."""

    def __init__(self):
        super().__init__()
        self.stem, self.one, self.many = block(3, 5), conv(5, 1), conv(1, 6, groups=1)
        self.depth, self.head = conv(1, 1, groups=1), conv(6, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.depth(torch.relu(self.one(self.stem(x))))
        return self.head(torch.relu(self.many(x)))


class Transposed(nn.Module):
    """Transposed convolutions: plain, grouped, depthwise, with output padding."""

    def __init__(self):
        super().__init__()
        self.stem = conv(3, 6)
        self.plain = nn.ConvTranspose2d(6, 8, 3, stride=2, padding=1, output_padding=1)
        self.grouped = nn.ConvTranspose2d(8, 6, 2, groups=2, bias=False)
        self.depth = nn.ConvTranspose2d(6, 6, 2, groups=6)
        self.norm, self.head = nn.BatchNorm2d(6), conv(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.plain(torch.relu(self.stem(x))))
        return self.head(self.norm(self.depth(torch.relu(self.grouped(x)))))


class Padded(nn.Module):
    """Convolutions that pad by themselves in other ways."""

    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 5, 3, padding=1, padding_mode="reflect")
        self.b = nn.Conv2d(5, 6, 3, padding=1, padding_mode="circular")
        self.c = nn.Conv2d(6, 5, (3, 5), padding="same", dilation=2)
        self.head = conv(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.c(torch.relu(self.b(torch.relu(self.a(x)))))))


class Pooled(nn.Module):
    """Every kind of pooling, dropout and upsampling."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = block(3, 5), block(5, 6), block(6, 5)
        self.pool = nn.AvgPool2d(3, 2, 1, count_include_pad=False)
        self.other = nn.AvgPool2d(3, 2, 1, divisor_override=7)
        self.drop = nn.Dropout2d(0.3)
        self.up = nn.Upsample(scale_factor=2, mode="bicubic")
        self.head = conv(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.drop(self.pool(self.a(x)))
        x = self.b(functional.lp_pool2d(x, 2.0, 2) + functional.max_pool2d(x, 2))
        return self.head(
            self.up(self.c(self.up(x))) + self.other(self.c(self.up(x)))[..., :1, :1]
        )


class Signal(nn.Module):
    """One-dimensional convolutions and norms."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(2, 6, 5, padding=2),
            nn.BatchNorm1d(6),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(6, 6, 3, padding=1, groups=2),
            nn.ReLU(),
            nn.ConvTranspose1d(6, 5, 2, stride=2),
        )
        self.head = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).mean(-1))


class Volume(nn.Module):
    """Three-dimensional convolutions and norms."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(
            nn.Conv3d(1, 4, 3, padding=1), nn.BatchNorm3d(4), nn.ReLU(), nn.MaxPool3d(2)
        )
        self.up = nn.ConvTranspose3d(4, 3, 2, stride=2)
        self.head = nn.Conv3d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        up = torch.relu(self.up(self.down(x)))
        return self.head(torch.cat([x, up], 1))


class WeightNormed(nn.Module):
    """Weights that are themselves computed."""

    def __init__(self):
        super().__init__()
        self.stem, self.mid = block(3, 5), weight_norm(conv(5, 6))
        self.last, self.head = block(6, 5), conv(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.last(torch.relu(self.mid(self.stem(x)))))


class TiedWeights(nn.Module):
    """Two layers that hold one parameter: an autoencoder's halves."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(7, 6)
        self.down, self.up = nn.Linear(6, 4), nn.Linear(6, 4, bias=False)
        self.up.weight = self.down.weight
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        return self.head(torch.cat([torch.relu(self.down(x)), self.up(x)], -1))


class DynamicWeights(nn.Module):
    """Convolution weights computed from an input, and a standardised weight."""

    def __init__(self):
        super().__init__()
        self.stem, self.mid = block(3, 5), conv(5, 6)
        self.last, self.head = block(6, 4), conv(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.mid.weight
        weight = weight - weight.mean((1, 2, 3), keepdim=True)
        x = functional.conv2d(self.stem(x), weight, self.mid.bias, padding=1)
        return self.head(self.last(torch.relu(x)))


ENTRIES: dict[str, Entry] = {
    "across-channels": entry(AcrossChannels, IMAGE),
    "cbam": entry(Cbam, IMAGE),
    "conv1d": entry(Signal, (2, 2, 16)),
    "conv3d": entry(Volume, (2, 1, 6, 6, 6)),
    "convnext": entry(ConvNext, IMAGE),
    "dynamic-weights": entry(DynamicWeights, IMAGE),
    "functional-norm": entry(FunctionalNorm, IMAGE),
    "group-norm": entry(GroupNormed, IMAGE),
    "instance-norm": entry(InstanceNormed, IMAGE),
    "learned-scale": entry(LearnedScale, IMAGE),
    "local-response": entry(LocalResponse, IMAGE),
    "map-layer-norm": entry(MapLayerNorm, IMAGE),
    "not-zero-at-zero": entry(NotZeroAtZero, IMAGE),
    "one-channel": entry(OneChannel, IMAGE),
    "padding-modes": entry(Padded, IMAGE),
    "plain-batch-norm": entry(PlainBatchNorm, IMAGE),
    "pooled": entry(Pooled, (2, 3, 16, 16)),
    "prelu": entry(Prelu, IMAGE),
    "spatial-gate": entry(SpatialGate, IMAGE),
    "tied-weights": entry(TiedWeights, (5, 7)),
    "transposed": entry(Transposed, IMAGE),
    "weight-norm": entry(WeightNormed, IMAGE),
}
