"""How much the outputs of a model move when the output of a layer does.

For a layer with output y, F = E[sum over positions of g g'] where g is the gradient,
by y, of a random +-1 combination of all outputs of the model. Each output tensor f
counts by its own spread: the combination is sum_p +-f_p / sqrt(N var f). For a small
change d of y that is the same everywhere, d'F d is then, in expectation over the
signs, the change of the outputs in units of their variance: sum over output tensors
of mean((df)^2) / var f. F is the output side of a Kronecker-factored Gauss-Newton
matrix (Martens & Grosse 2015, arXiv 1503.05671, section 3; the random signs are
Hutchinson's). No labels are looked at: it says how far the outputs move, not whether
they were right.

To read this file, start from `measure_curvature`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from core.errors import PruningError
from core.job import Job
from core.pruning.tracing.graph import GraphLayer
from core.pruning.tracing.modes import LayerCalls, evaluating
from core.strided import subsampled_pointwise

_TILES = 8
"""Backward passes; one random combination each."""

_SHRINKAGE = 0.1
"""Share of the mean of the diagonal that replaces F: eight tiles sample it."""


@dataclass(frozen=True, slots=True)
class Curvature:
    """F of every layer, or why there is none.

    Parameters
    ----------
    factors
        Weight name to float64 (groups, O, O): O output channels a group, summed over
        positions.
    reason
        Why the model cannot be differentiated; empty when it can.
    """

    factors: Mapping[str, NDArray[np.float64]]
    reason: str = ""


def measure_curvature(
    module: nn.Module,
    layers: Mapping[str, GraphLayer],
    inputs: tuple[tuple[Tensor, ...], ...],
    job: Job | None = None,
) -> Curvature:
    """Differentiate random combinations of the outputs by what the layers give.

    Parameters
    ----------
    module
        In any mode; it is run in evaluation mode and not changed.
    layers
        Weight name to the layer whose output is meant.
    inputs
        Unlabelled batches; the first eight are used.
    job
        Progress and cancel, one step a batch.

    Returns
    -------
    Curvature
        The same for the same inputs: the signs have a fixed seed. Where the model
        cannot be differentiated, no factors and the reason.

    Raises
    ------
    PruningError
        When gradients are not finite numbers.
    """
    job = job or Job()
    generator = torch.Generator().manual_seed(0)
    sums: dict[str, NDArray[np.float64]] = {}
    used = inputs[:_TILES]
    named = dict(module.named_parameters())
    weights = {id(named[name]): name for name in layers if name in named}
    for index, batch in enumerate(used):
        job.step(index, len(used), "reading gradients")
        try:
            found = _gradients(module, batch, weights, generator)
        except (RuntimeError, TypeError) as error:
            return Curvature({}, _first_sentence(error))
        if found is None:
            return Curvature({}, "its outputs do not depend on its layers smoothly")
        for name, gradient in found:
            gram = _gram(gradient, layers[name])
            sums[name] = sums[name] + gram if name in sums else gram
    for name, total in sums.items():
        if not np.isfinite(total).all():
            raise PruningError(
                f"Gradients at {name} are not finite numbers on the calibration tiles: "
                "check the weights, or choose a heuristic without gradients such as "
                "reconstruction."
            )
    return Curvature({n: _shrunk(f / len(used)) for n, f in sums.items()})


def _gradients(
    module: nn.Module,
    batch: tuple[Tensor, ...],
    weights: Mapping[int, str],
    generator: torch.Generator,
) -> list[tuple[str, Tensor]] | None:
    """Return weight names and gradients by what their layers gave, a call each."""
    probes: list[tuple[str, Tensor]] = []

    def listen(
        name: str, func: Callable[..., Any], args: tuple[Any, ...], more: dict[str, Any]
    ) -> Any:
        made = func(*args, **more)
        # A zero that is added can be differentiated by even where all is frozen.
        probe = torch.zeros_like(made, requires_grad=True)
        probes.append((name, probe))
        return made + probe

    with torch.enable_grad(), evaluating(module):
        # Tensors made under inference mode cannot be differentiated through.
        plain = tuple(tensor.clone() for tensor in batch)
        with subsampled_pointwise(module), LayerCalls(weights, listen):
            outputs = module(*plain)
        total = _combine(outputs, generator)
        if total is None:
            return None
        # Zeros where the outputs do not depend on a layer.
        made = torch.autograd.grad(
            total, [probe for _, probe in probes], materialize_grads=True
        )
    names = [name for name, _ in probes]
    return list(zip(names, made, strict=True))


def _combine(outputs: Any, generator: torch.Generator) -> Tensor | None:
    """Return sum of +-f / sqrt(N var f) over outputs that can be differentiated."""
    parts = []
    for leaf in tree_leaves(outputs):
        if not isinstance(leaf, Tensor) or not leaf.requires_grad:
            continue
        spread = float(leaf.detach().double().var(correction=0))
        if spread <= 0 or not leaf.numel():  # constant: nothing there can be lost
            continue
        signs = torch.randint(0, 2, leaf.shape, generator=generator) * 2 - 1
        parts.append((leaf * signs.to(leaf)).sum() / (leaf.numel() * spread) ** 0.5)
    return torch.stack(parts).sum() if parts else None


def _gram(gradient: Tensor, layer: GraphLayer) -> NDArray[np.float64]:
    """Return the sum of g g' over positions, float64 (groups, O, O)."""
    width = layer.outputs.size
    if layer.kind == "linear":
        rows = gradient.reshape(-1, width).T
    else:
        batched = gradient.shape[1] == width and gradient.dim() > 1
        rows = (gradient if batched else gradient[None]).transpose(0, 1)
    grouped = rows.reshape(layer.groups, width // layer.groups, -1).double()
    found = grouped @ grouped.transpose(1, 2)
    if layer.kind == "transposed":
        # Each position is made by one in so many of the kernel's weights only.
        found = found / _taps_apart(layer)
    return np.asarray(found.detach().cpu().numpy())


def _taps_apart(layer: GraphLayer) -> float:
    stride = layer.settings.get("stride", 1)
    sides = layer.settings.get("sides", 1)
    return float(np.prod(stride if isinstance(stride, tuple) else (stride,) * sides))


def _shrunk(factor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return F moved towards the mean of its diagonal (Ledoit & Wolf 2004)."""
    size = factor.shape[-1]
    mean = np.trace(factor, axis1=1, axis2=2)[:, None, None] / size
    return np.asarray((1 - _SHRINKAGE) * factor + _SHRINKAGE * mean * np.eye(size))


def _first_sentence(error: Exception) -> str:
    return str(error).partition(".")[0].splitlines()[0] if str(error) else "no reason"
