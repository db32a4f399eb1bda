"""U-Net whose skips pass through attention gates.

Oktay et al. 2018, "Attention U-Net: learning where to look for the pancreas",
arXiv 1804.03999, section 2.2 (additive gates, equations 1 and 2).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.models.heads import apply_heads, check_sizes, initialise, nuclei_heads
from core.models.unet import ConvBlock


class AttentionGate(nn.Module):
    """Weigh every pixel of a skip by what the level below thinks of it.

    alpha = sigmoid(psi(relu(W_x x + W_g g + b_g)) + b_psi), out = alpha x
    (equations 1 and 2), computed at the resolution of g and interpolated.

    Parameters
    ----------
    skip, gate
        Channels of the skip x and of the gating signal g.
    inner
        Channels in which both are compared.
    """

    def __init__(self, skip: int, gate: int, inner: int) -> None:
        super().__init__()
        self.of_skip = nn.Conv2d(skip, inner, 2, stride=2, bias=False)
        self.of_gate = nn.Conv2d(gate, inner, 1)
        self.psi = nn.Conv2d(inner, 1, 1)
        self.grow = nn.Upsample(scale_factor=2.0, mode="bilinear", align_corners=False)

    def forward(self, skip: Tensor, gate: Tensor) -> Tensor:
        """Weigh (N, skip, 2H, 2W) by a gate of (N, gate, H, W)."""
        both = functional.relu(self.of_skip(skip) + self.of_gate(gate))
        alpha: Tensor = self.grow(torch.sigmoid(self.psi(both)))
        return skip * alpha


class AttentionUNet(nn.Module):
    """U-Net with batch norm, transposed convolutions and gated skips.

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

    def __init__(self, base: int = 32, depth: int = 5, types: int = 0) -> None:
        super().__init__()
        least = {"base": 1, "depth": 2, "types": 0}
        check_sizes({"base": base, "depth": depth, "types": types}, least)
        widths = [base * 2**level for level in range(depth)]
        pairs = list(zip(widths[-2::-1], widths[:0:-1], strict=True))
        self.encoder = nn.ModuleList(
            ConvBlock(i, o) for i, o in zip([3, *widths[:-1]], widths, strict=True)
        )
        self.gates = nn.ModuleList(
            AttentionGate(shallow, deep, max(1, shallow // 2))
            for shallow, deep in pairs
        )
        self.grow = nn.ModuleList(
            nn.ConvTranspose2d(deep, shallow, 2, stride=2) for shallow, deep in pairs
        )
        self.decoder = nn.ModuleList(ConvBlock(2 * s, s) for s, _ in pairs)
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
        skips: list[Tensor] = []
        for level, block in enumerate(self.encoder):
            x = block(functional.max_pool2d(x, 2) if level else x)
            skips.append(x)
        skips.pop()
        for gate, grow, block in zip(self.gates, self.grow, self.decoder, strict=True):
            x = block(torch.cat([gate(skips.pop(), x), grow(x)], dim=1))
        return apply_heads(self.heads, x)
