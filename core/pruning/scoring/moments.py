"""Second moments of what a layer reads, summed over sampled positions.

To read this file, start from `Moments`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.pruning.tracing.graph import GraphLayer

WIDEST_PATCH = 450
"""Largest C * kernel size for which moments of whole patches are kept."""

_NARROW = 100
"""Halves of a product that are not worth an operation of their own."""

KEPT_PATCHES = 128
"""Patches kept of wider layers, to measure a repair on."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments of one layer's input x over calibration positions.

    Parameters
    ----------
    second
        float64 (groups, C + 1, C + 1): mean of [x; 1][x; 1]' for each group of a
        grouped convolution (one group otherwise), C channels a group.
    magnitude
        float64 (channels,): mean of abs(x).
    zeros
        float64 (channels,): share of positions with x <= 0.
    samples
        Number of positions.
    patch
        float64 (k * C + 1, k * C + 1): the same for whole patches of k kernel
        positions, position by position, where k * C is small; else None.
    patches
        float32 (n, k, C): some patches, where the kernel has more than one
        position and `patch` is None; else None.
    patch_samples
        Number of patches that `patch` is a mean over.
    """

    second: NDArray[np.float64]
    magnitude: NDArray[np.float64]
    zeros: NDArray[np.float64]
    samples: int
    patch: NDArray[np.float64] | None = None
    patches: Tensor | None = None
    patch_samples: int = 0

    @property
    def power(self) -> NDArray[np.float64]:
        """float64 (channels,): mean of x squared."""
        diagonal = np.diagonal(self.second, axis1=1, axis2=2)
        return np.asarray(diagonal[:, :-1].reshape(-1))


class MomentSums:
    """Running sums for one weight.

    Parameters
    ----------
    layer
        Whose input is summed.
    kernel
        Kernel sizes, empty for a linear layer.
    share
        Positions to sample from one input.
    """

    def __init__(self, layer: GraphLayer, kernel: tuple[int, ...], share: int) -> None:
        self._layer = layer
        self._groups = 1 if layer.depthwise else layer.groups
        self._kernel = kernel
        self._share = share
        width = layer.inputs.size // self._groups
        self._second = np.zeros((self._groups, width + 1, width + 1))
        self._magnitude = np.zeros(layer.inputs.size)
        self._zeros = np.zeros(layer.inputs.size)
        self._samples = 0
        taps = int(np.prod(kernel)) if layer.kind == "conv" else 1
        self._has_patches = taps > 1 and layer.groups == 1
        self._size = taps * width
        self._patch: NDArray[np.float64] | None = None
        self._patch_samples = 0
        self._patches: list[Tensor] = []

    def add(self, x: Tensor) -> None:
        """Add one input of the layer."""
        layer = self._layer
        rows = sample_positions(x, layer, self._share)
        self._add_positions(rows)
        if not self._has_patches:
            return
        if self._size <= WIDEST_PATCH:
            self._add_patches(sample_patches(x, layer, self._kernel, self._share))
        elif len(self._patches) < KEPT_PATCHES:
            few = sample_patches(x, layer, self._kernel, KEPT_PATCHES // 4)
            self._patches.append(few[: KEPT_PATCHES // 4].float().cpu())

    def mean(self) -> Moments:
        """Return the means over all positions so far."""
        n = max(self._samples, 1)
        patch = self._patch
        return Moments(
            self._second / n,
            self._magnitude / n,
            self._zeros / n,
            self._samples,
            None if patch is None else patch / max(self._patch_samples, 1),
            torch.cat(self._patches) if self._patches else None,
            self._patch_samples,
        )

    def _add_positions(self, rows: Tensor) -> None:
        channels, count = rows.shape
        if not channels or not count:
            return
        grouped = rows.reshape(self._groups, -1, count)
        second = self._second
        for index, group in enumerate(grouped):
            second[index, :-1, :-1] += _array(gram(group))
        sums = _array(grouped.sum(2))
        second[:, -1, :-1] += sums
        second[:, :-1, -1] += sums
        second[:, -1, -1] += count
        self._magnitude += _array(torch.linalg.vector_norm(rows, 1, dim=1))
        self._zeros += count - _array(torch.count_nonzero(rows > 0, dim=1))
        self._samples += count

    def _add_patches(self, patches: Tensor) -> None:
        flat = patches.flatten(1)
        if self._patch is None:
            self._patch = np.zeros((flat.shape[1] + 1, flat.shape[1] + 1))
        sums = _array(flat.sum(0))
        self._patch[:-1, :-1] += _array(gram(flat.T))
        self._patch[-1, :-1] += sums
        self._patch[:-1, -1] += sums
        self._patch[-1, -1] += flat.shape[0]
        self._patch_samples += flat.shape[0]


def _array(tensor: Tensor) -> NDArray[np.floating[Any]]:
    # numpy knows no bfloat16; the sums that this is added to are float64.
    wide = tensor if tensor.dtype is torch.float32 else tensor.double()
    return np.asarray(wide.cpu().numpy())


def gram(rows: Tensor) -> Tensor:
    """Return ``rows @ rows.T``; of a wide one, one half is computed and mirrored.

    Parameters
    ----------
    rows
        (channels, samples).
    """
    half = rows.shape[0] // 2
    if half < _NARROW:
        return rows @ rows.T
    found = rows.new_empty(rows.shape[0], rows.shape[0])
    upper, lower = rows[:half], rows[half:]
    found[:half, :half], found[half:, half:] = gram(upper), gram(lower)
    cross = upper @ lower.T
    found[:half, half:], found[half:, :half] = cross, cross.T
    return found


def _batched(x: Tensor, width: int) -> Tensor:
    return x if x.dim() > 1 and x.shape[1] == width else x.unsqueeze(0)


def sample_positions(x: Tensor, layer: GraphLayer, share: int) -> Tensor:
    """Return up to about ``share`` positions of an input, (channels, samples).

    Parameters
    ----------
    x
        (N, C, ...) or (C, ...); (..., C) for a linear layer.
    layer
        The layer that reads it.
    share
        Positions wanted.
    """
    width = layer.inputs.size
    if layer.kind == "linear":
        rows = x.reshape(-1, width)
        return rows[:: max(rows.shape[0] // share, 1)].T.contiguous()
    x = _batched(x, width)
    flat = x.flatten(2) if x.dim() > 2 else x.unsqueeze(2)
    step = max(flat.shape[0] * flat.shape[2] // share, 1)
    if step > 1:
        # An odd stride does not fall into step with the rows of the image.
        flat = flat[:, :, :: step | 1]
    # Read from the map once; all that follows is then read from the cache.
    return flat.transpose(0, 1).reshape(width, -1).contiguous()


def sample_patches(
    x: Tensor, layer: GraphLayer, kernel: tuple[int, ...], share: int
) -> Tensor:
    """Return about ``share`` patches as a convolution sees them.

    Those that reach over the edge are among them, with their padding: on the small
    maps of deep layers they are most of all.

    Returns
    -------
    Tensor
        (samples, kernel positions, C).
    """
    x = _batched(x, layer.inputs.size)
    sides = len(kernel)
    stride = _each(layer.settings.get("stride", 1), sides)
    dilation = _each(layer.settings.get("dilation", 1), sides)
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    before, after = _padding(layer.settings.get("padding", 0), kernel, dilation)
    ends = zip(x.shape[2:], before, after, reach, stride, strict=True)
    made = [(n + b + a - r - 1) // s + 1 for n, b, a, r, s in ends]
    thin = max(x.shape[0] * int(np.prod(made)) / max(share, 1), 1.0) ** (1 / sides)
    step = max(int(thin), 1)
    step = step if step == 1 else step | 1
    # Only what is sampled is ever copied: rows first, then what is left of them.
    taken = x
    for side in range(sides):
        place = torch.arange(0, made[side], step) * stride[side] - before[side]
        taps = torch.arange(kernel[side]) * dilation[side]
        taken = _take(taken, 2 + side, (place[:, None] + taps).reshape(-1))
    shape = [
        s for n, k in zip(taken.shape[2:], kernel, strict=True) for s in (n // k, k)
    ]
    places, inner = range(2, 2 + 2 * sides, 2), range(3, 3 + 2 * sides, 2)
    # Samples last: neighbours in the map are neighbours in what is written.
    apart = taken.reshape(*taken.shape[:2], *shape).permute(*inner, 1, 0, *places)
    flat = apart.reshape(int(np.prod(kernel)), x.shape[1], -1)
    return flat.permute(2, 0, 1)


def _take(x: Tensor, dim: int, index: Tensor) -> Tensor:
    """Select along a dimension; what lies outside is zero."""
    size = x.shape[dim]
    inside = (index >= 0) & (index < size)
    taken = x.index_select(dim, index.clamp(0, size - 1).to(x.device))
    if not inside.all():
        outside = (~inside).nonzero()[:, 0].to(x.device)
        taken.index_fill_(dim, outside, 0.0)
    return taken


def _each(value: Any, sides: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple | list) else (int(value),) * sides


def _padding(
    value: Any, kernel: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return zeros before and after each side."""
    if value == "valid":
        value = 0
    if value == "same":
        totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return tuple(t // 2 for t in totals), tuple(t - t // 2 for t in totals)
    both = _each(value, len(kernel))
    both = both if len(both) == len(kernel) else both * len(kernel)
    return both, both
