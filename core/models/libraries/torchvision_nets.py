"""Encoders of torchvision that segmentation-models-pytorch derives its own from.

Written for the stand-in (`core.models.libraries.standin`) from the papers, with the
names that torchvision gives to weights. Classifiers at their ends are left to those
who derive: they delete them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from core.models.resnet import BasicBlock, Bottleneck, ResNetStages

if TYPE_CHECKING:
    from collections.abc import Sequence


class ResNet(ResNetStages):
    """He et al. 2016 and, with groups, Xie et al. 2017."""

    def __init__(
        self,
        block: type[nn.Module],
        layers: Sequence[int],
        num_classes: int = 1000,
        groups: int = 1,
        width_per_group: int = 64,
    ) -> None:
        if block not in (BasicBlock, Bottleneck):
            raise ValueError("a block of another library")
        super().__init__(
            64,
            layers,
            bottleneck=block is Bottleneck,
            groups=(groups, width_per_group),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(self.features, num_classes)

    def forward(self, x: Tensor) -> Any:
        """Map RGB to logits of classes."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def make_layers(widths: Sequence[int | str], batch_norm: bool = False) -> nn.Sequential:
    """Return the convolutions of VGG; ``"M"`` stands for a pooling."""
    layers: list[nn.Module] = []
    inputs = 3
    for width in widths:
        if not isinstance(width, int):
            layers.append(nn.MaxPool2d(2, 2))
            continue
        layers.append(nn.Conv2d(inputs, width, 3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(width))
        layers.append(nn.ReLU(inplace=True))
        inputs = width
    return nn.Sequential(*layers)


class VGG(nn.Module):
    """Simonyan and Zisserman 2015."""

    def __init__(self, features: nn.Module, num_classes: int = 1000) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Linear(512 * 49, num_classes)  # deleted by encoders

    def forward(self, x: Tensor) -> Any:
        """Map RGB to logits of classes."""
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class _DenseLayer(nn.Module):
    def __init__(self, inputs: int, growth: int, bottleneck: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(inputs, bottleneck * growth, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(bottleneck * growth)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bottleneck * growth, growth, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Any:
        """Return the new channels."""
        x = self.conv1(self.relu1(self.norm1(x)))
        return self.conv2(self.relu2(self.norm2(x)))


class _DenseBlock(nn.ModuleDict):
    def __init__(self, count: int, inputs: int, growth: int, bottleneck: int) -> None:
        super().__init__(
            {
                f"denselayer{i + 1}": _DenseLayer(
                    inputs + i * growth, growth, bottleneck
                )
                for i in range(count)
            }
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return all channels so far and the new ones of each layer."""
        for layer in self.values():
            x = torch.cat([x, layer(x)], 1)
        return x


class DenseNet(nn.Module):
    """Huang et al. 2017."""

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: Sequence[int] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        width = num_init_features
        self.features = nn.Sequential()
        self.features.conv0 = nn.Conv2d(3, width, 7, 2, 3, bias=False)
        self.features.norm0 = nn.BatchNorm2d(width)
        self.features.relu0 = nn.ReLU(inplace=True)
        self.features.pool0 = nn.MaxPool2d(3, 2, 1)
        for place, count in enumerate(block_config, start=1):
            block = _DenseBlock(count, width, growth_rate, bn_size)
            self.features.add_module(f"denseblock{place}", block)
            width += count * growth_rate
            if place < len(block_config):
                narrow = _transition(width)
                self.features.add_module(f"transition{place}", narrow)
                width //= 2
        self.features.norm5 = nn.BatchNorm2d(width)
        self.classifier = nn.Linear(width, num_classes)

    def forward(self, x: Tensor) -> Any:
        """Map RGB to logits of classes."""
        x = torch.relu(self.features(x)).mean((2, 3))
        return self.classifier(x)


def _transition(width: int) -> nn.Sequential:
    found = nn.Sequential()
    found.norm = nn.BatchNorm2d(width)
    found.relu = nn.ReLU(inplace=True)
    found.conv = nn.Conv2d(width, width // 2, 1, bias=False)
    found.pool = nn.AvgPool2d(2, 2)
    return found


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(
            inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False
        ),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )


class _InvertedResidual(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int, wider: int) -> None:
        super().__init__()
        middle = inputs * wider
        rows: list[nn.Module] = []
        if wider != 1:
            rows.append(_convolution(inputs, middle, 1))
        rows += [
            _convolution(middle, middle, 3, stride, groups=middle),
            nn.Conv2d(middle, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        self.conv = nn.Sequential(*rows)
        self.joined = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Any:
        """Map through the narrow, wide, narrow block."""
        return x + self.conv(x) if self.joined else self.conv(x)


# width of a stage over input, output, blocks, first stride
_MOBILENET = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class MobileNetV2(nn.Module):
    """Sandler et al. 2018."""

    def __init__(self, num_classes: int = 1000) -> None:
        super().__init__()
        rows: list[nn.Module] = [_convolution(3, 32, 3, 2)]
        inputs = 32
        for wider, outputs, count, first in _MOBILENET:
            for place in range(count):
                stride = first if place == 0 else 1
                rows.append(_InvertedResidual(inputs, outputs, stride, wider))
                inputs = outputs
        rows.append(_convolution(inputs, 1280, 1))
        self.features = nn.Sequential(*rows)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, num_classes))

    def forward(self, x: Tensor) -> Any:
        """Map RGB to logits of classes."""
        return self.classifier(self.features(x).mean((2, 3)))
