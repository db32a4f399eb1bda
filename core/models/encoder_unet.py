"""U-Net on a ResNet encoder, as segmentation-models-pytorch names its layers.

``smp.Unet`` with the encoders resnet18, resnet34 and resnet50 and batch
normalisation in the decoder; weights saved there load as they are.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.resnet import ResNetStages


class DecoderBlock(nn.Module):
    """Upsample, join the skip, two convolutions.

    Parameters
    ----------
    inputs, outputs
        Channels; those of the skip are part of `inputs`.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = _convolution(inputs, outputs)
        self.conv2 = _convolution(outputs, outputs)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """Map (N, C, H, W) to (N, outputs, 2 H, 2 W)."""
        x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        if skip is not None:
            x = torch.cat([x, skip], dim=1)
        out: Tensor = self.conv2(self.conv1(x))
        return out


def _convolution(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class _Encoder(ResNetStages):
    """The stages of a ResNet, all of them handed out."""

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of the size."""
        found = [self.relu(self.bn1(self.conv1(x)))]
        x = self.maxpool(found[0])
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            found.append(x)
        return found


class _Decoder(nn.Module):
    """The blocks from the deepest map up."""

    def __init__(self, blocks: list[nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Return the map at full size."""
        x, *skips = reversed(maps)
        for place, block in enumerate(self.blocks):
            x = block(x, skips[place] if place < len(skips) else None)
        return x


class EncoderUNet(nn.Module):
    """U-Net with a ResNet as its encoder; returns the logits of its mask.

    Parameters
    ----------
    classes
        Channels of the mask.
    base
        Channels of the encoder's first stage; 64 in the published ones.
    blocks
        Residual blocks of the four stages.
    bottleneck
        Whether they are bottlenecks of three convolutions (ResNet-50).
    decoder
        Channels of the five decoder blocks.
    kernel
        Of the last convolution.
    """

    def __init__(
        self,
        classes: int = 1,
        base: int = 64,
        blocks: Sequence[int] = (3, 4, 6, 3),
        *,
        bottleneck: bool = False,
        decoder: Sequence[int] = (256, 128, 64, 32, 16),
        kernel: int = 3,
    ) -> None:
        super().__init__()
        if classes < 1 or base < 1 or len(decoder) != 5 or min(decoder) < 1:
            raise ValueError("classes, base and five decoder widths must be at least 1")
        self.encoder = _Encoder(base, blocks, bottleneck=bottleneck)
        widest = 4 if bottleneck else 1
        skips = [base * widest * f for f in (4, 2, 1)] + [base, 0]
        inputs = base * widest * 8
        rows: list[nn.Module] = []
        for skip, outputs in zip(skips, decoder, strict=True):
            rows.append(DecoderBlock(inputs + skip, outputs))
            inputs = outputs
        self.decoder = _Decoder(rows)
        self.segmentation_head = nn.Sequential(
            nn.Conv2d(inputs, classes, kernel, padding=kernel // 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised RGB (N, 3, H, W) to logits (N, classes, H, W)."""
        logits: Tensor = self.segmentation_head(self.decoder(self.encoder(x)))
        return logits
