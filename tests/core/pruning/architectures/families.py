"""Small members of well-known families, from their public descriptions."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.core.pruning.architectures.recipe import Entry, block, conv, entry

IMAGE = (2, 3, 16, 16)


class Vgg(nn.Module):
    """Convolutions and pooling, then a linear head on the flattened map."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            block(3, 6), nn.MaxPool2d(2), block(6, 8), nn.MaxPool2d(2)
        )
        self.head = nn.Sequential(nn.Linear(8 * 16, 10), nn.ReLU(), nn.Linear(10, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x).flatten(1))


class Bottleneck(nn.Module):
    """ResNet bottlenecks with a projection and an identity shortcut."""

    def __init__(self):
        super().__init__()
        self.stem = block(3, 8)
        self.down = nn.Conv2d(8, 12, 1, stride=2, bias=False)
        self.first = self._unit(8, 4, 12, 2)
        self.second = self._unit(12, 4, 12, 1)
        self.head = nn.Linear(12, 3)

    @staticmethod
    def _unit(inputs, inner, outputs, stride):
        return nn.Sequential(
            nn.Conv2d(inputs, inner, 1, bias=False),
            nn.BatchNorm2d(inner),
            nn.ReLU(),
            nn.Conv2d(inner, inner, 3, stride, 1, bias=False),
            nn.BatchNorm2d(inner),
            nn.ReLU(),
            nn.Conv2d(inner, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = functional.relu(self.first(x) + self.down(x))
        x = functional.relu(self.second(x) + x)
        return self.head(x.mean((2, 3)))


class DenseNet(nn.Module):
    """Every layer reads all before it; a transition in between."""

    def __init__(self):
        super().__init__()
        self.stem = conv(3, 6)
        self.layers = nn.ModuleList(self._layer(6 + 4 * i) for i in range(3))
        self.transition = nn.Sequential(conv(18, 9, 1), nn.AvgPool2d(2))
        self.last = nn.ModuleList(self._layer(9 + 4 * i) for i in range(2))
        self.head = nn.Linear(17, 3)

    @staticmethod
    def _layer(inputs):
        return nn.Sequential(
            nn.BatchNorm2d(inputs), nn.ReLU(), conv(inputs, 4, bias=False)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for layer in self.layers:
            x = torch.cat([x, layer(x)], dim=1)
        x = self.transition(x)
        seen = [x]
        for layer in self.last:
            seen.append(layer(torch.cat(seen, 1)))
        return self.head(torch.cat(seen, 1).amax((2, 3)))


class InvertedResidual(nn.Module):
    """MobileNetV2: expand, depthwise, project, add."""

    def __init__(self):
        super().__init__()
        self.stem = block(3, 6)
        self.body = nn.Sequential(
            nn.Conv2d(6, 18, 1, bias=False),
            nn.BatchNorm2d(18),
            nn.ReLU6(),
            conv(18, 18, groups=18, bias=False),
            nn.BatchNorm2d(18),
            nn.ReLU6(),
            nn.Conv2d(18, 6, 1, bias=False),
            nn.BatchNorm2d(6),
        )
        self.head = nn.Conv2d(6, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.head(x + self.body(x))


class DepthMultiplier(nn.Module):
    """A depthwise convolution with two outputs per input."""

    def __init__(self):
        super().__init__()
        self.stem = block(3, 6)
        self.depth = conv(6, 12, groups=6)
        self.point = nn.Conv2d(12, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.point(functional.relu(self.depth(self.stem(x))))


class ResNext(nn.Module):
    """Grouped convolutions inside a residual block."""

    def __init__(self):
        super().__init__()
        self.stem = block(3, 8)
        self.body = nn.Sequential(
            conv(8, 12, 1), nn.ReLU(), block(12, 12, groups=3), conv(12, 8, 1)
        )
        self.head = nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.head(functional.relu(x + self.body(x)))


class ShuffleNet(nn.Module):
    """Grouped convolutions with a channel shuffle between them."""

    def __init__(self):
        super().__init__()
        self.stem = block(3, 8)
        self.first = block(8, 8, groups=2)
        self.second = block(8, 8, groups=2)
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(self.stem(x))
        n, c, h, w = x.shape
        x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.head(self.second(x))


class ShuffleModule(nn.Module):
    """The same with ``nn.ChannelShuffle``."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            block(3, 12), nn.ChannelShuffle(3), block(12, 9, groups=3), conv(9, 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class SqueezeExcite(nn.Module):
    """Channels weighed by a small network on their means (Hu et al. 2018)."""

    def __init__(self):
        super().__init__()
        self.stem = block(3, 8)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(8, 3, 1),
            nn.SiLU(),
            nn.Conv2d(3, 8, 1),
            nn.Sigmoid(),
        )
        self.head = conv(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return self.head(x * self.gate(x))


class SqueezeLinear(nn.Module):
    """Squeeze and excite through linear layers and a view."""

    def __init__(self):
        super().__init__()
        self.stem = block(3, 8)
        self.fc1, self.fc2 = nn.Linear(8, 4), nn.Linear(4, 8)
        self.head = conv(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        n, c = x.shape[:2]
        gate = functional.adaptive_avg_pool2d(x, 1).view(n, c)
        gate = torch.sigmoid(self.fc2(functional.relu(self.fc1(gate))))
        return self.head(x * gate.view(n, c, 1, 1).expand_as(x))


class Ghost(nn.Module):
    """Half of the channels are cheap copies (Han et al. 2020)."""

    def __init__(self):
        super().__init__()
        self.primary = block(3, 6)
        self.cheap = nn.Sequential(conv(6, 6, groups=6), nn.ReLU())
        self.head = conv(12, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.primary(x)
        return self.head(torch.cat([x, self.cheap(x)], 1))


class Inception(nn.Module):
    """Parallel branches of different kernels, concatenated."""

    def __init__(self):
        super().__init__()
        self.stem = block(3, 6)
        self.one, self.three = conv(6, 3, 1), nn.Sequential(conv(6, 4, 1), conv(4, 5))
        self.five = conv(6, 2, 5)
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(6, 3, 1))
        self.norm = nn.BatchNorm2d(13)
        self.head = conv(13, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1)
        return self.head(functional.relu(self.norm(x)))


class Aspp(nn.Module):
    """Dilated convolutions and a global branch (DeepLab)."""

    def __init__(self):
        super().__init__()
        self.stem = block(3, 6)
        self.rates = nn.ModuleList(
            nn.Conv2d(6, 4, 3, padding=r, dilation=r) for r in (1, 2, 4)
        )
        self.globe = conv(6, 4, 1)
        self.head = conv(16, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        size = x.shape[-2:]
        globe = self.globe(functional.adaptive_avg_pool2d(x, 1))
        globe = functional.interpolate(globe, size=size, mode="nearest")
        return self.head(torch.relu(torch.cat([*(r(x) for r in self.rates), globe], 1)))


class FeaturePyramid(nn.Module):
    """Lateral convolutions, additive top-down path, one head for all levels."""

    def __init__(self):
        super().__init__()
        self.levels = nn.ModuleList([block(3, 4), block(4, 6), block(6, 8)])
        self.lateral = nn.ModuleList(conv(c, 5, 1) for c in (4, 6, 8))
        self.head = conv(5, 2)

    def forward(self, x: Tensor) -> list[Tensor]:
        maps = []
        for level in self.levels:
            x = functional.max_pool2d(level(x), 2)
            maps.append(x)
        top = self.lateral[2](maps[2])
        outputs = [self.head(top)]
        for i in (1, 0):
            top = functional.interpolate(
                top, scale_factor=2.0, mode="bilinear", align_corners=False
            )
            top = top + self.lateral[i](maps[i])
            outputs.append(self.head(top))
        return outputs


class HighResolution(nn.Module):
    """Two resolutions that exchange by addition (HRNet)."""

    def __init__(self):
        super().__init__()
        self.fine, self.coarse = block(3, 4), block(3, 6)
        self.down = nn.Conv2d(4, 6, 3, 2, 1)
        self.up = nn.Conv2d(6, 4, 1)
        self.heads = nn.ModuleDict({"fine": conv(4, 2), "coarse": conv(6, 2)})

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        fine, coarse = self.fine(x), self.coarse(functional.avg_pool2d(x, 2))
        fine, coarse = (
            fine + functional.interpolate(self.up(coarse), scale_factor=2.0),
            coarse + self.down(fine),
        )
        fine, coarse = functional.relu(fine), functional.relu(coarse)
        return {
            "fine": self.heads["fine"](fine),
            "coarse": self.heads["coarse"](coarse),
        }


class Res2Net(nn.Module):
    """Slices of channels, each added to the convolution of the one before."""

    def __init__(self):
        super().__init__()
        self.stem = block(3, 12)
        self.steps = nn.ModuleList(conv(4, 4) for _ in range(2))
        self.head = conv(12, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = torch.split(self.stem(x), 4, dim=1)
        out = [parts[0]]
        for part, step in zip(parts[1:], self.steps, strict=True):
            out.append(torch.relu(step(part + out[-1])))
        return self.head(torch.cat(out, 1))


class SegNet(nn.Module):
    """Unpooling at the places that pooling took."""

    def __init__(self):
        super().__init__()
        self.down, self.up = block(3, 6), block(6, 5)
        self.head = conv(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        x, places = functional.max_pool2d(self.down(x), 2, return_indices=True)
        return self.head(self.up(functional.max_unpool2d(x, places, 2)))


ENTRIES: dict[str, Entry] = {
    "aspp": entry(Aspp, IMAGE),
    "bottleneck": entry(Bottleneck, IMAGE),
    "densenet": entry(DenseNet, IMAGE),
    "depth-multiplier": entry(DepthMultiplier, IMAGE),
    "feature-pyramid": entry(FeaturePyramid, IMAGE),
    "ghost": entry(Ghost, IMAGE),
    "high-resolution": entry(HighResolution, IMAGE),
    "inception": entry(Inception, IMAGE),
    "inverted-residual": entry(InvertedResidual, IMAGE),
    "res2net": entry(Res2Net, IMAGE),
    "resnext": entry(ResNext, IMAGE),
    "segnet": entry(SegNet, IMAGE),
    "shuffle-module": entry(ShuffleModule, IMAGE),
    "shufflenet": entry(ShuffleNet, IMAGE),
    "squeeze-excite": entry(SqueezeExcite, IMAGE),
    "squeeze-linear": entry(SqueezeLinear, IMAGE),
    "vgg": entry(Vgg, IMAGE),
}
