"""Repair one layer after the other, each on what the repaired ones before it give.

`refit` folds every lost input into the weights at once, as if each layer still
read what the dense model gave it. Where much is removed that is no longer so:
errors of early layers arrive at late ones. Here the dense model's output of each
layer is the target, and the *pruned* model's own input is what it is predicted
from (the asymmetric reconstruction of He, Zhang & Sun 2017, arXiv 1707.06168,
section 3.2): least squares on sampled positions, held near the weights there are.
No gradient and no labels, but a few dozen partial forward passes: seconds, where
`refit` takes milliseconds. It starts from what `refit` left.

Layers that it leaves as they are: grouped and transposed ones, weights that are
used more than once, and convolutions over more or fewer than two dimensions.

To read this file, start from `refit_in_sequence`.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils._pytree import tree_leaves

from core.job import Job
from core.pruning.applying.apply import flush_subnormal
from core.pruning.applying.refit import home_of_constant
from core.pruning.planning.plan import PruningPlan
from core.pruning.tracing.graph import ChannelGraph, GraphLayer
from core.pruning.tracing.modes import LayerCalls, evaluating

_POSITIONS = 2048
"""Positions of each layer's output that count, in each batch."""

_WIDEST = 4096
"""Weights a output beyond this are left alone: the normal equations grow too large."""

_RIDGE = 1e-4
_SCARCE = 0.1
"""As in `core.pruning.scoring.statistics`; the ridge holds to the weights there are."""

Batch = tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of a convolution or a linear layer."""

    inputs: Tensor
    weight: Tensor
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]


class _Reached(Exception):  # noqa: N818 - not an error: nothing after it is needed
    """The layer that was waited for has been called."""


def _tap(
    wanted: dict[int, str], seen: Callable[[str, _Call, Tensor], None]
) -> LayerCalls:
    """Hand the calls of chosen weights, and what they return, to a function."""

    def handle(
        name: str, func: Callable[..., Any], args: tuple[Any, ...], more: dict[str, Any]
    ) -> Any:
        call, result = _read(func, args, more), func(*args, **more)
        if call is not None:
            seen(name, call, result)
        return result

    return LayerCalls(wanted, handle)


def _read(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Call | None:
    """Return what a call does, or None when it is of another kind."""
    kind = getattr(func, "__name__", "")
    names = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    inputs, weight = given["input"], given["weight"]
    if kind == "linear":
        return _Call(inputs, weight, (1, 1), (0, 0), (1, 1))
    whole = given.get("groups", 1) == 1 and not isinstance(given.get("padding"), str)
    if kind != "conv2d" or not whole or inputs.dim() != 4:
        return None
    stride, padding = _pair(given.get("stride", 1)), _pair(given.get("padding", 0))
    return _Call(inputs, weight, stride, padding, _pair(given.get("dilation", 1)))


def _pair(value: Any) -> tuple[int, int]:
    both = tuple(value) if isinstance(value, Sequence) else (value, value)
    return (int(both[0]), int(both[-1]))


def refit_in_sequence(
    module: nn.Module,
    pruned: nn.Module,
    plan: PruningPlan,
    graph: ChannelGraph,
    batches: Sequence[Batch],
    job: Job | None = None,
) -> nn.Module:
    """Repair a pruned module layer by layer against the dense one.

    Parameters
    ----------
    module
        The dense model; not changed.
    pruned
        From `apply_plan`, best with statistics; not changed.
    plan
        By which it was pruned.
    graph
        Trace of `module`.
    batches
        Unlabelled inputs, each a tuple of tensors.
    job
        Progress and cancel, one step a layer.

    Returns
    -------
    nn.Module
        A new module. On the sampled positions, the squared error of no layer's
        output is larger than before its turn; and the outputs of the whole are
        nearer to the dense model's than `pruned` gives them on `batches`, or else
        it is a copy of `pruned` (layers weigh errors of those before unevenly, so
        the one does not follow from the other).
    """
    job = job or Job()
    result = copy.deepcopy(pruned)
    layers = _order(graph, plan)
    with torch.inference_mode(), evaluating(module), evaluating(result):
        targets, outputs = _targets(module, layers, plan, batches)
        before = _distance(result, batches, outputs)
        for index, (name, layer) in enumerate(layers.items()):
            job.step(index, len(layers), "repairing layers in sequence")
            if targets[name]:
                _repair(result, name, layer, targets[name], batches, graph)
        better = _distance(result, batches, outputs) < before
    return result if better else copy.deepcopy(pruned)


def _leaves(outputs: Any) -> list[Tensor]:
    """Return the floating-point tensors of a nest of outputs, in order."""
    found = [leaf for leaf in tree_leaves(outputs) if isinstance(leaf, Tensor)]
    return [leaf for leaf in found if leaf.is_floating_point()]


def _distance(
    module: nn.Module, batches: Sequence[Batch], outputs: Sequence[list[Tensor]]
) -> float:
    """Return how far a module's outputs are: the sum of relative squared errors."""
    total = 0.0
    for batch, wanted in zip(batches, outputs, strict=True):
        for found, target in zip(_leaves(module(*batch)), wanted, strict=True):
            spread = float(target.var(correction=0)) + 1e-12
            total += float((found - target).square().mean()) / spread
    return total


def _order(graph: ChannelGraph, plan: PruningPlan) -> dict[str, GraphLayer]:
    """Return the layers to repair, in the order they run."""
    used: dict[str, list[GraphLayer]] = {}
    for layer in graph.producing_layers:
        if layer.weight is not None:
            used.setdefault(layer.weight, []).append(layer)
    return {
        name: calls[0]
        for name, calls in used.items()
        if len(calls) == 1
        and calls[0].kind in {"conv", "linear"}
        and calls[0].groups == 1
        and name not in graph.reused
        and name in plan.kept
    }


def _sampled(name: str, batch: int, total: int) -> Tensor:
    """Return which positions of an output count; the same for both models."""
    if total <= _POSITIONS:
        return torch.arange(total)
    generator = torch.Generator().manual_seed(batch)
    return torch.randint(total, (_POSITIONS,), generator=generator)


def _targets(
    module: nn.Module,
    layers: dict[str, GraphLayer],
    plan: PruningPlan,
    batches: Sequence[Batch],
) -> tuple[dict[str, list[Tensor]], list[list[Tensor]]]:
    """Return what the dense model gives.

    First by layer, (positions, kept outputs) a batch; then the model's outputs.
    """
    outputs: list[list[Tensor]] = []
    found: dict[str, list[Tensor]] = {name: [] for name in layers}
    named = dict(module.named_parameters())
    wanted = {id(named[name]): name for name in layers if name in named}

    def keep(name: str, call: _Call, result: Tensor) -> None:
        flat = _positions(result, call)
        rows = flat[_sampled(name, len(found[name]), flat.shape[0])]
        kept = plan.kept[name][0]
        rows = rows if kept is None else rows[:, torch.from_numpy(kept)]
        found[name].append(rows.clone())

    for batch in batches:
        with _tap(wanted, keep):
            outputs.append(_leaves(module(*batch)))
    return found, outputs


def _positions(result: Tensor, call: _Call) -> Tensor:
    """Return an output as (positions, channels)."""
    if call.weight.dim() == 2:
        return result.reshape(-1, result.shape[-1])
    return result.permute(0, 2, 3, 1).reshape(-1, result.shape[1])


def _patches(call: _Call, result: Tensor, index: Tensor) -> Tensor:
    """Return what sampled outputs were computed from, (positions, inputs)."""
    if call.weight.dim() == 2:
        return call.inputs.reshape(-1, call.inputs.shape[-1])[index]
    height, width = result.shape[2:]
    image, place = index // (height * width), index % (height * width)
    top = (place // width) * call.stride[0]
    left = (place % width) * call.stride[1]
    down, across = call.padding
    padded = functional.pad(call.inputs, (across, across, down, down))
    padded = padded.permute(0, 2, 3, 1)
    taps = [
        padded[image, top + i * call.dilation[0], left + j * call.dilation[1]]
        for i in range(call.weight.shape[2])
        for j in range(call.weight.shape[3])
    ]
    return torch.stack(taps, 2).flatten(1)  # inputs first, as weights are


def _repair(
    module: nn.Module,
    name: str,
    layer: GraphLayer,
    targets: Sequence[Tensor],
    batches: Sequence[Batch],
    graph: ChannelGraph,
) -> None:
    """Fit one weight of the pruned module, in place."""
    named = dict(module.named_parameters()) | dict(module.named_buffers())
    weight = named[name]
    inputs = weight[0].numel()
    if inputs > _WIDEST:
        return
    home = home_of_constant(layer, name, graph)
    square = torch.zeros(inputs + 1, inputs + 1, dtype=torch.float64)
    cross = torch.zeros(inputs + 1, weight.shape[0], dtype=torch.float64)
    samples = 0
    for number, (batch, target) in enumerate(zip(batches, targets, strict=True)):
        found = _reach(module, weight, name, number, batch)
        if found is None:
            return
        rows, given = found
        rows = torch.cat([rows, rows.new_ones(len(rows), 1)], 1)
        square += (rows.T @ rows).double()
        cross += (rows.T @ (target - given)).double()
        samples += len(rows)
    size = inputs + (home is not None)
    change = _solve(square[:size, :size], cross[:size], inputs, samples)
    weight.add_(change[:inputs].T.reshape(weight.shape).to(weight))
    if home is not None:
        sign = 1.0 if home == layer.bias else -1.0
        named[home].add_(sign * change[-1].to(named[home]))
    for changed in {name, *([home] if home else [])}:
        named[changed].copy_(flush_subnormal(named[changed]))


def _reach(
    module: nn.Module, weight: Tensor, name: str, number: int, batch: Batch
) -> tuple[Tensor, Tensor] | None:
    """Run a module up to one layer; return sampled patches and outputs."""
    found: list[tuple[Tensor, Tensor]] = []

    def seen(_: str, call: _Call, result: Tensor) -> None:
        flat = _positions(result, call)
        index = _sampled(name, number, flat.shape[0])
        found.append((_patches(call, result, index), flat[index]))
        raise _Reached

    try:
        with _tap({id(weight): name}, seen):
            module(*batch)
    except _Reached:
        pass
    return found[0] if found else None


def _solve(square: Tensor, cross: Tensor, inputs: int, samples: int) -> Tensor:
    """Return the change of the weights, (inputs or inputs + 1, outputs)."""
    ridge = max(_RIDGE, _SCARCE * (inputs / max(samples, 1)) ** 2)
    spread = float(square.diagonal()[:inputs].mean())
    index = torch.arange(inputs)
    square = square.clone()
    square[index, index] += ridge * spread + 1e-12 * max(samples, 1)
    factor = torch.linalg.cholesky(square)
    return torch.cholesky_solve(cross, factor)
