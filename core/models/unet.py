"""The network this project trains: a U-Net with batch norm and three heads.

Ronneberger, Fischer & Brox 2015 (arXiv 1505.04597) for the shape; Naylor et al.
2019 (doi 10.1109/TMI.2018.2865709) for regressing a distance map beside it.
Operations are plain and without data-dependent control flow, so that
``torch.fx`` can follow every channel.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Up = Literal["bilinear", "transposed"]


class ConvBlock(nn.Module):
    """Two 3x3 convolutions, each with batch norm and ReLU.

    Parameters
    ----------
    inputs, outputs
        Channels before and after.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h, w)."""
        x = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(x)))


class UpBlock(nn.Module):
    """Double the resolution, concatenate the skip, convolve.

    Parameters
    ----------
    inputs
        Channels of the deeper map.
    outputs
        Channels of the skip and of the result.
    up
        ``"bilinear"`` interpolation (keeps the channels) or a ``"transposed"``
        2x2 convolution to `outputs` channels.
    """

    def __init__(self, inputs: int, outputs: int, up: Up) -> None:
        super().__init__()
        self.grow: nn.Module
        if up == "transposed":
            self.grow = nn.ConvTranspose2d(inputs, outputs, 2, stride=2)
            joined = 2 * outputs
        else:
            self.grow = nn.Upsample(
                scale_factor=2.0, mode="bilinear", align_corners=False
            )
            joined = inputs + outputs
        self.block = ConvBlock(joined, outputs)

    def forward(self, deep: Tensor, skip: Tensor) -> Tensor:
        """Join (n, inputs, h, w) and (n, outputs, 2h, 2w) to the latter's shape."""
        out: Tensor = self.block(torch.cat([self.grow(deep), skip], dim=1))
        return out


class UNet(nn.Module):
    """Nucleus, distance and type maps from an RGB image.

    Parameters
    ----------
    base
        Channels of the first level; each deeper level doubles them.
    depth
        Levels; height and width of the input must be multiples of
        ``2 ** (depth - 1)``.
    types
        Nucleus types; 0 leaves the type head out.
    up
        How the decoder doubles the resolution.

    Raises
    ------
    ValueError
        When `base`, `depth` or `types` is out of range or `up` is unknown.
    """

    def __init__(
        self, base: int = 24, depth: int = 5, types: int = 4, up: Up = "bilinear"
    ) -> None:
        super().__init__()
        if base < 1 or depth < 2 or types < 0:
            raise ValueError(f"base={base}, depth={depth}, types={types}: too small")
        if up not in ("bilinear", "transposed"):
            raise ValueError(f"up={up!r} is neither 'bilinear' nor 'transposed'")
        widths = [base * 2**level for level in range(depth)]
        self.encoder = nn.ModuleList(
            ConvBlock(i, o) for i, o in zip([3, *widths[:-1]], widths, strict=True)
        )
        self.decoder = nn.ModuleList(
            UpBlock(widths[level + 1], widths[level], up)
            for level in reversed(range(depth - 1))
        )
        heads = {"np": 1, "dist": 1} | ({"tp": types + 1} if types else {})
        self.heads = nn.ModuleDict(
            {name: nn.Conv2d(base, width, 1) for name, width in heads.items()}
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is None:
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Read an image.

        Parameters
        ----------
        x
            (n, 3, h, w); h and w multiples of ``2 ** (depth - 1)``.

        Returns
        -------
        dict
            ``np`` (n, 1, h, w) nucleus logit; ``dist`` (n, 1, h, w) distance to
            the background, 1 at the middle of every nucleus, 0 outside; ``tp``
            (n, 1 + types, h, w) type logits, index 0 for background.
        """
        skips: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            x = block(functional.max_pool2d(x, 2) if level else x)
            skips.append(x)
        skips.pop()
        for block in self.decoder:
            x = block(x, skips.pop())
        return {name: head(x) for name, head in self.heads.items()}
