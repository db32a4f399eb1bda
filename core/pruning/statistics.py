"""What a few unlabelled tiles say about the activations of a model.

`calibrate` runs the model over them once and keeps, for every layer that reads
channels, the second moments of its input. All that is data-driven afterwards
(heuristics, refit) is arithmetic on these moments.

To read this file, start from `calibrate`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from core.errors import PruningError
from core.job import Job
from core.pruning.gradients import Gradients, measure_gradients
from core.pruning.graph import ChannelGraph, Layer
from core.pruning.modes import evaluating

_SAMPLES = 16_384
"""Positions per layer; a regression on C channels needs some tens of C."""

_WIDEST = 4096
"""Inputs wider than this (a linear layer after flatten) keep no second moments."""

_RIDGE = 1e-4
"""Share of the mean variance added to the diagonal."""


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
    """

    second: NDArray[np.float64]
    magnitude: NDArray[np.float64]
    zeros: NDArray[np.float64]
    samples: int

    @property
    def power(self) -> NDArray[np.float64]:
        """float64 (channels,): mean of x squared."""
        diagonal = np.diagonal(self.second, axis1=1, axis2=2)
        return np.asarray(diagonal[:, :-1].reshape(-1))


class Statistics:
    """Moments of every layer that reads channels, and the inputs they came from.

    Parameters
    ----------
    graph
        Trace of the model that ran.
    moments
        Weight name to `Moments`.
    inputs
        The calibration batches, each a tuple of input tensors.
    """

    def __init__(
        self,
        graph: ChannelGraph,
        moments: dict[str, Moments],
        inputs: tuple[tuple[Tensor, ...], ...],
    ) -> None:
        self.graph = graph
        self.moments = moments
        self.inputs = inputs
        self._inverse: dict[str, NDArray[np.float64]] = {}
        self._gradients: Gradients | None = None
        self.cache: dict[str, Any] = {}
        """Results that depend on these statistics alone, e.g. an elimination order."""

    def inverse(self, weight: str) -> NDArray[np.float64]:
        """Return inv(M + ridge), float64 (groups, C + 1, C + 1), computed once."""
        if weight not in self._inverse:
            second = self.moments[weight].second.copy()
            width = second.shape[-1] - 1
            spread = np.trace(second[:, :width, :width], axis1=1, axis2=2) / width
            index = np.arange(width)
            second[:, index, index] += (_RIDGE * spread + 1e-12)[:, None]
            self._inverse[weight] = np.asarray(np.linalg.inv(second), np.float64)
        return self._inverse[weight]

    def gradients(self, module: nn.Module) -> Gradients:
        """Return gradient statistics, measured at the first call."""
        if self._gradients is None:
            self._gradients = measure_gradients(module, self.inputs)
        return self._gradients

    @cached_property
    def readers(self) -> dict[str, Layer]:
        """Weight name to the (last) layer call that uses it."""
        return {
            layer.weight: layer
            for layer in self.graph.makers
            if layer.weight is not None and layer.weight in self.moments
        }


class _Sums:
    """Running sums for one weight."""

    def __init__(self, groups: int, width: int) -> None:
        self.second = np.zeros((groups, width + 1, width + 1))
        self.magnitude = np.zeros(groups * width)
        self.zeros = np.zeros(groups * width)
        self.samples = 0

    def add(self, rows: Tensor, groups: int) -> None:
        """Add positions, (channels, samples)."""
        channels, count = rows.shape
        if channels == 0 or count == 0:
            return
        ones = rows.new_ones(groups, 1, count)
        stacked = torch.cat([rows.reshape(groups, -1, count), ones], 1)
        self.second += (
            torch.bmm(stacked, stacked.transpose(1, 2)).double().cpu().numpy()
        )
        self.magnitude += rows.abs().sum(1).double().cpu().numpy()
        self.zeros += (rows <= 0).sum(1).double().cpu().numpy()
        self.samples += count

    def mean(self) -> Moments:
        n = max(self.samples, 1)
        return Moments(
            self.second / n, self.magnitude / n, self.zeros / n, self.samples
        )


class _Listen(TorchFunctionMode):
    """Adds the input of every convolution and linear layer to its sums."""

    def __init__(
        self, layers: dict[int, Layer], share: int, sums: dict[str, _Sums]
    ) -> None:
        super().__init__()
        self._layers = layers
        self._share = share
        self._sums = sums

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        weight = args[1] if len(args) > 1 else kwargs.get("weight")
        layer = self._layers.get(id(weight))
        if layer is not None and getattr(func, "__name__", "").startswith(
            ("conv", "linear")
        ):
            self._add(layer, args[0] if args else kwargs["input"])
        return func(*args, **kwargs)

    def _add(self, layer: Layer, tensor: Tensor) -> None:
        assert layer.weight is not None
        width = layer.inputs.size
        groups = 1 if layer.depthwise else layer.groups
        rows = sample_positions(tensor, width, layer.kind == "linear", self._share)
        sums = self._sums.get(layer.weight)
        if sums is None:
            sums = self._sums[layer.weight] = _Sums(groups, width // groups)
        sums.add(rows, groups)


def sample_positions(x: Tensor, width: int, last: bool, share: int) -> Tensor:
    """Return up to about ``share`` positions of an input, (channels, samples).

    Parameters
    ----------
    x
        (N, C, ...), (C, ...) or, with ``last``, (..., C).
    width
        C.
    last
        Whether channels are the last dimension.
    share
        Positions wanted.
    """
    if last:
        rows = x.reshape(-1, width)
        return rows[:: max(rows.shape[0] // share, 1)].T
    if x.dim() < 2 or x.shape[1] != width:
        x = x.unsqueeze(0)
    flat = x.flatten(2) if x.dim() > 2 else x.unsqueeze(2)
    positions = flat.shape[2]
    step = max(flat.shape[0] * positions // share, 1)
    if step > 1:
        # An odd stride does not fall into step with the rows of the image.
        flat = flat[:, :, :: step | 1]
    return flat.transpose(0, 1).reshape(width, -1)


def calibrate(
    module: nn.Module,
    graph: ChannelGraph,
    batches: Iterable[Tensor | tuple[Tensor, ...]],
    job: Job | None = None,
) -> Statistics:
    """Run a model over a few unlabelled tiles and keep the moments of its layers.

    Parameters
    ----------
    module, graph
        A model and its trace; the module is not changed.
    batches
        Input tensors (or tuples of them), scaled as the module takes them.
    job
        Progress and cancel, one step a batch.

    Returns
    -------
    Statistics

    Raises
    ------
    PruningError
        No batches, or activations that are not finite.
    """
    inputs = tuple((b,) if isinstance(b, Tensor) else tuple(b) for b in batches)
    if not inputs:
        raise PruningError("Calibration needs at least one tile: give it a few.")
    job = job or Job()
    named = {**dict(module.named_parameters())}
    layers = {
        id(named[layer.weight]): layer
        for layer in graph.makers
        if layer.weight in named and layer.inputs.size <= _WIDEST
    }
    sums: dict[str, _Sums] = {}
    with torch.inference_mode(), evaluating(module):
        for index, batch in enumerate(inputs):
            job.step(index, len(inputs), "reading activations")
            with _Listen(layers, -(-_SAMPLES // len(inputs)), sums):
                module(*batch)
    moments = {weight: entry.mean() for weight, entry in sums.items()}
    for weight, entry in moments.items():
        if not np.isfinite(entry.second).all():
            raise PruningError(
                f"Activations before {weight} are not finite numbers on the "
                "calibration tiles: check the weights and the input range."
            )
    return Statistics(graph, moments, inputs)
