"""Two decoders on one encoder, without batch norm.

Mahbod et al. 2022, "A dual decoder U-Net-based model for nuclei instance
segmentation in hematoxylin and eosin-stained histological images", Frontiers in
Medicine 9: one branch segments, the other regresses distance maps. Mahbod et al.
2022 (arXiv 2206.07422) prune a model of two such branches.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.heads import check_sizes, initialise

Branch = Literal["np", "dist"]


class DoubleConv(nn.Module):
    """Two 3x3 convolutions with ReLU and dropout between them.

    Parameters
    ----------
    inputs, outputs
        Channels.
    dropout
        Share of values that training sets to zero.
    """

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.drop = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H, W)."""
        x = self.drop(functional.relu(self.conv1(x)))
        return functional.relu(self.conv2(x))


class Decoder(nn.Module):
    """2x2 transposed convolutions, concatenated skips, and a head.

    Parameters
    ----------
    widths
        Channels of the encoder's levels, shallow to deep.
    dropouts
        Of the same levels.
    """

    def __init__(self, widths: list[int], dropouts: list[float]) -> None:
        super().__init__()
        levels = range(len(widths) - 2, -1, -1)
        self.grow = nn.ModuleList(
            nn.ConvTranspose2d(widths[i + 1], widths[i], 2, stride=2) for i in levels
        )
        self.blocks = nn.ModuleList(
            DoubleConv(2 * widths[i], widths[i], dropouts[i]) for i in levels
        )
        self.head = nn.Conv2d(widths[0], 1, 1)

    def forward(self, skips: list[Tensor]) -> Tensor:
        """Map the encoder's levels, shallow to deep, to (N, 1, H, W)."""
        x, rest = skips[-1], skips[:-1]
        for grow, block in zip(self.grow, self.blocks, strict=True):
            x = block(torch.cat([grow(x), rest.pop()], dim=1))
        out: Tensor = self.head(x)
        return out


class DualDecoder(nn.Module):
    """Shared encoder, a segmentation decoder and a distance decoder.

    Parameters
    ----------
    base
        Channels of the first level; each deeper level doubles them. 16 is the
        published network.
    depth
        Levels; height and width of an input are multiples of 2 ** (depth - 1).
        5 ends at 256 channels, 6 at 512.
    dropout
        Whether training drops 10 % (two shallow levels) and 20 % (the others).

    Raises
    ------
    ValueError
        When `base` or `depth` is too small.
    """

    def __init__(self, base: int = 16, depth: int = 5, dropout: bool = True) -> None:
        super().__init__()
        check_sizes({"base": base, "depth": depth}, {"base": 1, "depth": 2})
        widths = [base * 2**level for level in range(depth)]
        shares = [(0.1 if i < 2 else 0.2) * dropout for i in range(depth)]
        self.encoder = nn.ModuleList(
            DoubleConv(i, o, share)
            for i, o, share in zip([3, *widths[:-1]], widths, shares, strict=True)
        )
        branches: tuple[Branch, ...] = ("np", "dist")
        self.decoder = nn.ModuleDict({b: Decoder(widths, shares) for b in branches})
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
            ``"np"`` nucleus logit and ``"dist"`` distance, each (N, 1, H, W).
        """
        skips: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            x = block(functional.max_pool2d(x, 2) if level else x)
            skips.append(x)
        return {name: decoder(skips) for name, decoder in self.decoder.items()}
