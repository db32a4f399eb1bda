"""U-Net of TIAToolbox (Pocock et al. 2022), under the names of its weights.

An encoder of plain blocks, or a ResNet-50; skips are added or concatenated. With a
ResNet the output is half as large as the picture, so its probabilities are doubled.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.hovernet_parts import Upsample2x
from core.models.resnet import ResNetStages


class _Plain(nn.Module):
    """Blocks of two convolutions, halved between them."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        rows = zip((3, *widths[:-1]), widths, strict=True)
        self.blocks = nn.ModuleList(
            nn.ModuleList([_two_convolutions(a, b), nn.AvgPool2d(2, 2)])
            for a, b in rows
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the map of each block, the finest first."""
        found = []
        for block in self.blocks:
            convolve, halve = block.children()
            found.append(convolve(x))
            x = halve(found[-1])
        return found


def _two_convolutions(inputs: int, outputs: int) -> nn.Sequential:
    rows: list[nn.Module] = []
    for width in (inputs, outputs):
        rows += [
            nn.Conv2d(width, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        ]
    return nn.Sequential(*rows)


class _ResNet50(ResNetStages):
    def __init__(self) -> None:
        super().__init__(64, (3, 4, 6, 3), bottleneck=True)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size."""
        found = [self.relu(self.bn1(self.conv1(x)))]
        x = self.maxpool(found[0])
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            found.append(x)
        return found


class TIAToolboxUNet(nn.Module):
    """``UNetModel`` of TIAToolbox; returns probabilities.

    Parameters
    ----------
    classes
        Channels of the output.
    encoder
        ``"resnet50"`` or ``"unet"``.
    widths
        Channels of the levels of encoder ``"unet"``.
    kernels
        Of the convolutions of a decoder block.
    skip
        ``"add"`` or ``"concat"``.

    Raises
    ------
    ValueError
        When one of them is impossible.
    """

    def __init__(
        self,
        classes: int = 2,
        encoder: str = "resnet50",
        widths: Sequence[int] = (64, 128, 256, 512, 1024),
        kernels: Sequence[int] = (3, 3),
        skip: str = "add",
    ) -> None:
        super().__init__()
        if encoder not in {"resnet50", "unet"} or skip not in {"add", "concat"}:
            raise ValueError(f"encoder {encoder!r} or skip {skip!r} is unknown")
        if not 2 <= len(widths) <= 8 or min(widths) < 1 or not 1 <= len(kernels) <= 8:
            raise ValueError("2 to 8 levels and 1 to 8 kernels are possible")
        residual = encoder == "resnet50"
        self.backbone: nn.Module = _ResNet50() if residual else _Plain(widths)
        downs = [64, 256, 512, 1024, 2048] if residual else list(widths)
        downs.reverse()
        self._joined = skip == "concat"
        self._halved = residual
        self.conv1x1 = nn.Conv2d(downs[0], downs[1], 1, bias=False)
        self.uplist = nn.ModuleList()
        ups = [*downs[2:], downs[-1]]
        for here, up in zip(downs[1:], ups, strict=True):
            inputs = 2 * here if self._joined else here
            self.uplist.append(_decoder(inputs, up, kernels, before=residual))
        self.clf = nn.Conv2d(ups[-1], classes, 1)
        self.upsample2x = Upsample2x()

    def forward(self, images: Tensor) -> Tensor:
        """Map RGB from 0 to 255 (N, 3, H, W) to probabilities (N, classes, H, W)."""
        *maps, x = self.backbone(images / 255.0)
        x = self.conv1x1(x)
        for block, skip in zip(self.uplist, reversed(maps), strict=True):
            x = self.upsample2x(x)
            x = block(torch.cat([x, skip], dim=1) if self._joined else x + skip)
        found: Tensor = self.clf(x).softmax(dim=1)
        if self._halved:
            found = functional.interpolate(found, scale_factor=2.0, mode="bilinear")
        return found


def _decoder(
    inputs: int, outputs: int, kernels: Sequence[int], *, before: bool
) -> nn.Sequential:
    """Convolutions with batch norm and ReLU, `before` or after them."""
    rows: list[nn.Module] = []
    for kernel in kernels:
        conv = nn.Conv2d(inputs, outputs, kernel, padding=(kernel - 1) // 2, bias=False)
        norm = nn.BatchNorm2d(inputs if before else outputs)
        rows += [norm, nn.ReLU(), conv] if before else [conv, norm, nn.ReLU()]
        inputs = outputs
    return nn.Sequential(*rows)
