"""ResNet-18, 34 and 50, here classifiers of tissue patches.

He et al. 2016, "Deep residual learning for image recognition", table 1, with the
stride in the 3x3 convolution as in torchvision and timm. State-dict names are those
of both, so their weights and the many checkpoints derived from them load as they are.
"""

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn


def _projection(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """Return what makes a shortcut fit, if anything must; torchvision's names."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
    )


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut (He et al. 2016, figure 2).

    Parameters
    ----------
    inputs, outputs
        Channels.
    stride
        Of the first convolution and of the shortcut.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = _projection(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        out: Tensor = self.relu(x + shortcut)
        return out


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions and a shortcut (He et al. 2016, figure 5).

    Parameters
    ----------
    inputs, width
        Channels of the input and of the middle; four times `width` go out.
    stride
        Of the 3x3 convolution and of the shortcut.
    groups, group_width
        Of ResNeXt (Xie et al. 2017): groups of the 3x3 convolution, and channels of
        one of them where `width` is 64.
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        stride: int = 1,
        groups: int = 1,
        group_width: int = 64,
    ) -> None:
        super().__init__()
        outputs = 4 * width
        width = width * group_width // 64 * groups
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _projection(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, 4 width, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        out: Tensor = self.relu(self.bn3(self.conv3(x)) + shortcut)
        return out


class ResNetStages(nn.Module):
    """Stem and four stages, without a classifier.

    Parameters
    ----------
    base
        Channels of the first stage; 64 is the published network.
    blocks
        Residual blocks of each stage.
    bottleneck
        Whether they are `Bottleneck` instead of `BasicBlock`.
    groups
        Groups of bottlenecks and their width, see `Bottleneck`.
    """

    def __init__(
        self,
        base: int,
        blocks: Sequence[int],
        *,
        bottleneck: bool = False,
        groups: tuple[int, int] = (1, 64),
    ) -> None:
        super().__init__()
        if base < 1 or len(blocks) != 4 or not all(1 <= n <= 64 for n in blocks):
            raise ValueError("base and the blocks of four stages must be at least 1")
        kind: Callable[..., nn.Module] = BasicBlock
        if bottleneck:
            kind = partial(Bottleneck, groups=groups[0], group_width=groups[1])
        wider = 4 if bottleneck else 1
        self.conv1 = nn.Conv2d(3, base, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(base)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        ends = [wider * base * factor for factor in (1, 2, 4, 8)]

        def stage(place: int, inputs: int) -> nn.Sequential:
            width = base << place
            first = kind(inputs, width, 1 if place == 0 else 2)
            rest = [kind(ends[place], width) for _ in range(blocks[place] - 1)]
            return nn.Sequential(first, *rest)

        self.layer1 = stage(0, base)
        self.layer2 = stage(1, ends[0])
        self.layer3 = stage(2, ends[1])
        self.layer4 = stage(3, ends[2])
        self.features = ends[3]


class ResNet18(ResNetStages):
    """Classifier of whole patches.

    Parameters
    ----------
    classes
        Number of tissue classes.
    base
        Channels of the first stage; 64 is the published network.
    head
        Linear layers of the classifier, where it is a sequence: place in it, inputs
        and outputs of each. Between two of them there is a ReLU; other places
        (dropout) do nothing in evaluation. Empty for a single linear layer.
    blocks, bottleneck
        See `ResNetStages`; by default those of ResNet-18.
    """

    def __init__(
        self,
        classes: int = 9,
        base: int = 64,
        head: Sequence[Sequence[int]] = (),
        blocks: Sequence[int] = (2, 2, 2, 2),
        *,
        bottleneck: bool = False,
    ) -> None:
        if classes < 1 or base < 1:
            raise ValueError("classes and base must be at least 1")
        super().__init__(base, blocks, bottleneck=bottleneck)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = _head(head) if head else nn.Linear(self.features, classes)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised RGB (N, 3, H, W) to class logits (N, classes)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        logits: Tensor = self.fc(torch.flatten(self.avgpool(x), 1))
        return logits


def _head(rows: Sequence[Sequence[int]]) -> nn.Sequential:
    """Return a classifier of several layers, as a checkpoint numbers them."""
    linear = {place: (inputs, outputs) for place, inputs, outputs in rows}
    layers: list[nn.Module] = []
    for place in range(max(linear) + 1):
        if place in linear:
            layers.append(nn.Linear(*linear[place]))
        else:
            after = place - 1 in linear
            layers.append(nn.ReLU(inplace=True) if after else nn.Identity())
    return nn.Sequential(*layers)
