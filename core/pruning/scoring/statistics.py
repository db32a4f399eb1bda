"""What a few unlabelled tiles say about the activations of a model.

`calibrate` runs the model over them once and keeps, for every layer that reads
channels, the second moments of its input. All that is data-driven afterwards
(heuristics, refit) is arithmetic on these moments.

To read this file, start from `calibrate`.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.cache import digest
from core.errors import PruningError
from core.job import Job
from core.pruning.scoring.curvature import Curvature, measure_curvature
from core.pruning.scoring.gradients import Gradients, measure_gradients
from core.pruning.scoring.moments import Moments, MomentSums
from core.pruning.tracing.graph import ChannelGraph, GraphLayer
from core.pruning.tracing.modes import LayerCalls, evaluating
from core.stopping import stoppable

__all__ = ["Moments", "Statistics", "calibrate"]

_SAMPLES = 16_384
"""Positions per layer; a regression on C channels needs some tens of C."""

_WIDEST = 4096
"""Inputs wider than this (a linear layer after flatten) keep no second moments."""

_RIDGE = 1e-4
"""Share of the mean variance added to the diagonal."""

_SCARCE = 0.1
"""What is added where samples are scarce, times (inputs / samples) squared: deep
layers of small tiles have fewer positions than channels, and would be fitted to
chance. A well-sampled layer does not notice."""


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
        self._ridged: dict[str, Tensor] = {}
        self._inverse: dict[str, Tensor] = {}
        self._gradients: Gradients | None = None
        self._curvature: Curvature | None = None
        self.cache: dict[str, Any] = {}
        """Results that depend on these statistics alone, e.g. an elimination order."""

    def ridged(self, weight: str, *, patch: bool = False) -> Tensor:
        """Return second moments with a ridge on all but the constant, once computed.

        Returns
        -------
        Tensor
            float64 (groups, C + 1, C + 1), or (1, k C + 1, k C + 1) of patches.
        """
        key = f"{weight}/patch" if patch else weight
        if key not in self._ridged:
            moments = self.moments[weight]
            second = moments.second if moments.patch is None or not patch else None
            found = second.copy() if second is not None else _as_one(moments.patch)
            width = found.shape[-1] - 1
            spread = np.trace(found[:, :width, :width], axis1=1, axis2=2) / width
            samples = moments.patch_samples if second is None else moments.samples
            ridge = max(_RIDGE, _SCARCE * (width / max(samples, 1)) ** 2)
            index = np.arange(width)
            found[:, index, index] += (ridge * spread + 1e-12)[:, None]
            self._ridged[key] = torch.from_numpy(found)
        return self._ridged[key]

    def inverse(self, weight: str, *, patch: bool = False) -> Tensor:
        """Return the inverse of `ridged`, computed once."""
        key = f"{weight}/patch" if patch else weight
        if key not in self._inverse:
            factor = torch.linalg.cholesky(self.ridged(weight, patch=patch))
            self._inverse[key] = torch.cholesky_inverse(factor)
        return self._inverse[key]

    def gradients(self, module: nn.Module) -> Gradients:
        """Return gradient statistics, measured at the first call."""
        if self._gradients is None:
            self._gradients = measure_gradients(module, self.inputs)
        return self._gradients

    def curvature(self, module: nn.Module, job: Job | None = None) -> Curvature:
        """Return how far the outputs move with each layer's, once measured."""
        if self._curvature is None:
            found = measure_curvature(module, self.readers, self.inputs, job)
            self._curvature = found
        return self._curvature

    @cached_property
    def inputs_digest(self) -> tuple[str, ...]:
        """Names the calibration inputs by their values."""
        return tuple(
            digest(tuple(x.shape), x.detach().cpu().float().numpy().tobytes())
            for batch in self.inputs
            for x in batch
        )

    @cached_property
    def readers(self) -> dict[str, GraphLayer]:
        """Weight name to the (last) layer call that uses it."""
        return {
            layer.weight: layer
            for layer in self.graph.producing_layers
            if layer.weight is not None and layer.weight in self.moments
        }


def _as_one(patch: NDArray[np.float64] | None) -> NDArray[np.float64]:
    assert patch is not None
    return patch[None].copy()


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
    named = dict(module.named_parameters())
    sums: dict[str, MomentSums] = {}
    for layer in graph.producing_layers:
        name = layer.weight
        if name in graph.reused:  # its readers differ, and so do their inputs
            continue
        if name in named and layer.inputs.size <= _WIDEST and name not in sums:
            kernel = tuple(named[name].shape[2:])
            sums[name] = MomentSums(layer, kernel, -(-_SAMPLES // len(inputs)))

    def listen(
        name: str, func: Callable[..., Any], args: tuple[Any, ...], more: dict[str, Any]
    ) -> Any:
        sums[name].add(args[0] if args else more["input"])
        return func(*args, **more)

    weights = {id(named[name]): name for name in sums}
    with torch.inference_mode(), evaluating(module):
        for index, batch in enumerate(inputs):
            job.step(index, len(inputs), "reading activations")
            with stoppable(module, job, divide=False), LayerCalls(weights, listen):
                module(*batch)
    moments = {weight: entry.mean() for weight, entry in sums.items()}
    for weight, entry in moments.items():
        if not np.isfinite(entry.second).all():
            raise PruningError(
                f"Activations before {weight} are not finite numbers on the "
                "calibration tiles: check the weights and the input range."
            )
    return Statistics(graph, moments, inputs)
