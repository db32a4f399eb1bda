"""U-Net of pre-activated residual blocks.

Zhang, Liu & Wang 2018, "Road extraction by deep residual U-Net", IEEE GRSL 15,
figure 2 and table 1: strided convolutions instead of pooling, a shortcut around
every block, concatenated skips.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.heads import apply_heads, check_sizes, initialise, nuclei_heads


class ResidualBlock(nn.Module):
    """Twice batch norm, ReLU and 3x3 convolution, and a 1x1 shortcut.

    Parameters
    ----------
    inputs, outputs
        Channels.
    stride
        Of the first convolution and of the shortcut.
    """

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        y = self.conv1(functional.relu(self.norm1(x)))
        y = self.conv2(functional.relu(self.norm2(y)))
        out: Tensor = y + self.shortcut(x)
        return out


class Stem(nn.Module):
    """The first block: the image itself is not normalised.

    Parameters
    ----------
    outputs
        Channels.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, outputs, 3, 1, 1)
        self.norm = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1)
        self.shortcut = nn.Conv2d(3, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to (N, outputs, H, W)."""
        y = self.conv2(functional.relu(self.norm(self.conv1(x))))
        out: Tensor = y + self.shortcut(x)
        return out


class ResidualUNet(nn.Module):
    """Residual encoder and decoder with concatenated skips.

    Parameters
    ----------
    base
        Channels of the first level; each deeper level doubles them.
    depth
        Levels; height and width of an input are multiples of 2 ** (depth - 1).
    types
        Nucleus types without background; 0 leaves the type head out.

    Raises
    ------
    ValueError
        When one of them is too small.
    """

    def __init__(self, base: int = 32, depth: int = 4, types: int = 0) -> None:
        super().__init__()
        least = {"base": 1, "depth": 2, "types": 0}
        check_sizes({"base": base, "depth": depth, "types": types}, least)
        widths = [base * 2**level for level in range(depth)]
        self.stem = Stem(base)
        self.encoder = nn.ModuleList(
            ResidualBlock(i, o, stride=2) for i, o in pairwise(widths)
        )
        self.grow = nn.Upsample(scale_factor=2.0, mode="nearest")
        self.decoder = nn.ModuleList(
            ResidualBlock(deep + shallow, shallow)
            for shallow, deep in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.heads = nuclei_heads(base, types)
        initialise(self)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Read an image.

        Parameters
        ----------
        x
            Float (N, 3, H, W); H and W multiples of 2 ** (depth - 1).

        Returns
        -------
        dict
            ``"np"`` nucleus logit (N, 1, H, W), ``"dist"`` distance (N, 1, H, W)
            and, with types, ``"tp"`` logits (N, types + 1, H, W).
        """
        skips = [self.stem(x)]
        for block in self.encoder:
            skips.append(block(skips[-1]))
        x = skips.pop()
        for block in self.decoder:
            x = block(torch.cat([self.grow(x), skips.pop()], dim=1))
        return apply_heads(self.heads, x)
