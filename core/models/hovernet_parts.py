"""Building blocks of HoVer-Net.

Graham et al. 2019, "HoVer-Net: simultaneous segmentation and classification of
nuclei in multi-tissue histology images", Medical Image Analysis 58, section 3.1.
Names of layers are those of the published PyTorch checkpoints, odd as some are.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional


def narrow(channels: int, width: float) -> int:
    """Scale a number of channels, to at least 4 and a multiple of 4.

    The grouped convolutions of the dense units have four groups.
    """
    return max(4, round(channels * width / 4) * 4)


def crop(x: Tensor, border: int) -> Tensor:
    """Cut `border` pixels in all off the height and off the width, half per side."""
    start = border // 2
    end = border - start
    return x[:, :, start:-end, start:-end]


def _norm_relu(channels: int) -> list[tuple[str, nn.Module]]:
    return [("bn", nn.BatchNorm2d(channels)), ("relu", nn.ReLU(inplace=True))]


def norm_relu(channels: int) -> nn.Sequential:
    """Batch norm and ReLU, named as in the checkpoints."""
    return nn.Sequential(OrderedDict(_norm_relu(channels)))


def same_pad(kernel: int, stride: int, *, early: bool = False) -> nn.ZeroPad2d:
    """Padding that keeps H / stride, as TensorFlow's "same" on even sizes.

    With stride 2 the odd pixel goes to the right and to the bottom, or, when `early`,
    MONAI's two pixels to the left and to the top.
    """
    total = kernel - stride
    start = total // 2
    if early and stride > 1:
        return nn.ZeroPad2d((kernel - 1, 0, kernel - 1, 0))
    return nn.ZeroPad2d((start, total - start, start, total - start))


class ResidualUnit(nn.Sequential):
    """Bottleneck of 1x1, 3x3 and 1x1 convolutions, pre-activated.

    Parameters
    ----------
    inputs, inner, outputs
        Channels.
    stride
        Of the 3x3 convolution.
    preact
        Whether a batch norm and ReLU come first; not in a block's first unit,
        whose input ends in them already.
    early
        See `same_pad`.
    """

    def __init__(
        self,
        inputs: int,
        inner: int,
        outputs: int,
        *,
        stride: int,
        preact: bool,
        early: bool = False,
    ) -> None:
        first = [(f"preact/{k}", m) for k, m in _norm_relu(inputs)] if preact else []
        super().__init__(
            OrderedDict(
                [
                    *first,
                    ("conv1", nn.Conv2d(inputs, inner, 1, bias=False)),
                    *((f"conv1/{k}", m) for k, m in _norm_relu(inner)),
                    ("conv2/pad", same_pad(3, stride, early=early)),
                    ("conv2", nn.Conv2d(inner, inner, 3, stride, bias=False)),
                    *((f"conv2/{k}", m) for k, m in _norm_relu(inner)),
                    ("conv3", nn.Conv2d(inner, outputs, 1, bias=False)),
                ]
            )
        )


class ResidualStage(nn.Module):
    """One encoder stage: residual units on one running sum.

    Parameters
    ----------
    inputs, inner, outputs
        Channels of the stage's input, inside its units, and of its output.
    units
        How many.
    stride
        Of the first unit.
    early
        Whether halving reads pixels one further left and up, as MONAI's does.
    """

    def __init__(
        self,
        inputs: int,
        inner: int,
        outputs: int,
        units: int,
        stride: int,
        *,
        early: bool = False,
    ) -> None:
        super().__init__()
        self._early = early and stride > 1
        self.units = nn.ModuleList(
            ResidualUnit(
                outputs if i else inputs,
                inner,
                outputs,
                stride=1 if i else stride,
                preact=i > 0,
                early=early,
            )
            for i in range(units)
        )
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        self.blk_bna = norm_relu(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, outputs, H / stride, W / stride)."""
        start = functional.pad(x, (1, 0, 1, 0)) if self._early else x
        total = self.shortcut(start)
        if self._early:
            total = total[:, :, :-1, :-1]
        for i, unit in enumerate(self.units):
            total = unit(total if i else x) + total
        out: Tensor = self.blk_bna(total)
        return out


class DenseUnit(nn.Sequential):
    """1x1 convolution, then a grouped and unpadded k x k one.

    Parameters
    ----------
    inputs, inner, outputs
        Channels.
    kernel
        Side of the grouped convolution; `kernel - 1` pixels are lost.
    groups
        Of the second convolution.
    """

    def __init__(
        self, inputs: int, inner: int, outputs: int, kernel: int, groups: int
    ) -> None:
        grouped = nn.Conv2d(inner, outputs, kernel, groups=groups, bias=False)
        super().__init__(
            OrderedDict(
                [
                    *((f"preact_bna/{k}", m) for k, m in _norm_relu(inputs)),
                    ("conv1", nn.Conv2d(inputs, inner, 1, bias=False)),
                    *((f"conv1/{k}", m) for k, m in _norm_relu(inner)),
                    ("conv2", grouped),
                ]
            )
        )


class DenseBlock(nn.Module):
    """Units whose outputs are concatenated to everything before them.

    Parameters
    ----------
    inputs
        Channels.
    inner, grown
        Channels inside a unit, and added by each.
    units
        How many.
    kernel
        Of the units' second convolution.
    """

    def __init__(
        self, inputs: int, inner: int, grown: int, units: int, kernel: int
    ) -> None:
        super().__init__()
        self.units = nn.ModuleList(
            DenseUnit(inputs + i * grown, inner, grown, kernel, groups=4)
            for i in range(units)
        )
        self.blk_bna = norm_relu(inputs + units * grown)
        self._border = kernel - 1

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, H, W) to (N, inputs + units x grown, H - b, W - b).

        b is units x (kernel - 1).
        """
        for unit in self.units:
            x = torch.cat([crop(x, self._border), unit(x)], dim=1)
        out: Tensor = self.blk_bna(x)
        return out


class Upsample2x(nn.Module):
    """Repeat each pixel twice along both sides.

    The buffer is in every published checkpoint: unpooling with a matrix of ones,
    which is what nearest-neighbour interpolation does. MONAI interpolates instead.

    Parameters
    ----------
    smooth
        Whether pixels are interpolated, corners kept.
    """

    unpool_mat: Tensor

    def __init__(self, *, smooth: bool = False) -> None:
        super().__init__()
        self._smooth = smooth
        self.register_buffer("unpool_mat", torch.ones(2, 2))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, C, 2H, 2W)."""
        if self._smooth:
            return functional.interpolate(
                x, scale_factor=2.0, mode="bilinear", align_corners=True
            )
        return functional.interpolate(x, scale_factor=2.0, mode="nearest")
