"""The same pruning with zeros instead of smaller tensors: the oracle.

Slower, never smaller, and independent of how `apply_plan` cuts: shapes stay
dense, removed slices are zero, and normalisation across channels leaves removed
channels out of its statistics, as it does when they are really gone.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_unflatten

from core.pruning.planning.plan import PruningPlan
from core.pruning.tracing.copies import copied
from core.pruning.tracing.graph import Alive, ChannelGraph
from core.pruning.tracing.labels import FIXED
from core.pruning.tracing.rules import SUMMING

_Living = tuple[int, int, Alive, bool]
"""Operand of a sum, its dimension, which of its channels are there, and whether the
others are left out (else they are zero)."""


def mask_plan(module: nn.Module, graph: ChannelGraph, plan: PruningPlan) -> nn.Module:
    """Return a dense-shaped model that computes what the pruned one computes.

    Parameters
    ----------
    module, graph
        The dense model, not changed, and its trace.
    plan
        What is kept.
    """
    alive = living_atoms(graph, plan)
    masked = copied(module)
    with torch.no_grad():
        for name, parameter in masked.named_parameters(remove_duplicate=False):
            for dim, entry in enumerate(graph.dims.get(name, ())):
                if entry is not None:
                    gone = torch.from_numpy(np.flatnonzero(~alive[entry]))
                    parameter.index_fill_(dim, gone.to(parameter.device), 0.0)
    read = {
        layer.weight: alive[layer.inputs]
        for layer in graph.producing_layers
        if layer.weight is not None and not alive[layer.inputs].all()
    }
    sums = tuple(
        tuple((s.operand, s.dim, alive[s.labels], s.left_out) for s in one)
        for one in graph.sums
    )
    return Masked(masked, tuple(alive[a] for a in graph.mixed), read, sums)


def living_atoms(graph: ChannelGraph, plan: PruningPlan) -> Alive:
    """Return which atoms a plan keeps, bool (atoms,)."""
    alive = np.ones(graph.atoms, dtype=bool)
    for name, entries in graph.dims.items():
        for entry, kept in zip(entries, plan.kept.get(name, ()), strict=False):
            if entry is not None and kept is not None:
                gone = np.ones(entry.size, dtype=bool)
                gone[kept] = False
                alive[entry[gone]] = False
    alive[FIXED] = True
    return alive


class Masked(nn.Module):
    """A model whose norms and layers skip removed channels."""

    def __init__(
        self,
        inner: nn.Module,
        alive: tuple[Alive, ...],
        read: Mapping[str, Alive],
        sums: tuple[tuple[_Living, ...], ...],
    ) -> None:
        super().__init__()
        self.inner = inner
        self._sums = sums
        self._alive = alive
        self._read = read
        self.train(inner.training)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Run the inner model."""
        named_weights = dict(self.inner.named_parameters(remove_duplicate=False))
        read = {id(named_weights[n]): a for n, a in self._read.items()}
        with _MaskedCalls(self._alive, read, self._sums):
            return self.inner(*inputs, **named)


class _MaskedCalls(TorchFunctionMode):
    """Replaces the k-th group or layer norm by one over living channels.

    Layers get zeros for removed channels: their weights there are zero, but what a
    removed channel holds may be infinite (its logarithm) or no number (0 / 0).
    """

    def __init__(
        self,
        alive: tuple[Alive, ...],
        read: Mapping[int, Alive],
        sums: tuple[tuple[_Living, ...], ...],
    ) -> None:
        super().__init__()
        self._alive, self._sums = iter(alive), iter(sums)
        self._read = read

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", "")
        if len(args) > 1 and name.startswith(("conv", "linear")):
            alive_inputs = self._read.get(id(args[1]))
            if alive_inputs is not None:
                args = (_without(args[0], args[1], alive_inputs, name), *args[1:])
        if name.strip("_") in SUMMING:
            args, kwargs = _unsummed(args, kwargs, next(self._sums, ()))
        if name not in ("group_norm", "layer_norm", "rms_norm"):
            return func(*args, **kwargs)
        alive = torch.from_numpy(next(self._alive))
        if alive.all():
            return func(*args, **kwargs)
        x = args[0]
        if name == "rms_norm":
            return _rms_norm(func, alive, args, kwargs)
        weight = kwargs.get("weight", args[2] if len(args) > 2 else None)
        bias = kwargs.get("bias", args[3] if len(args) > 3 else None)
        eps = kwargs.get("eps", args[4] if len(args) > 4 else 1e-5)
        if name == "group_norm":
            return _group_norm(x, alive, (weight, bias), args[1], eps)
        normal = _normalise(x, alive.expand(x.shape), (-1,), eps)
        return _affine(normal, weight, bias, (-1,))


def _unsummed(
    args: tuple[Any, ...], kwargs: dict[str, Any], sums: tuple[_Living, ...]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what a call was given, without what it must not sum over."""
    leaves, structure = tree_flatten((args, kwargs))
    tensors = [place for place, leaf in enumerate(leaves) if isinstance(leaf, Tensor)]
    for operand, dim, alive, left_out in sums:
        place = tensors[operand]
        if not alive.all():
            shrink = _picked if left_out else _zeroed
            leaves[place] = shrink(leaves[place], dim, alive)
    found: tuple[tuple[Any, ...], dict[str, Any]] = tree_unflatten(leaves, structure)
    return found


def _picked(x: Tensor, dim: int, alive: Alive) -> Tensor:
    return x.index_select(dim, torch.from_numpy(np.flatnonzero(alive)).to(x.device))


def _zeroed(x: Tensor, dim: int, alive: Alive) -> Tensor:
    shape = [1] * x.dim()
    shape[dim] = -1
    keep = torch.from_numpy(alive).to(x.device).reshape(shape)
    return torch.where(keep, x, torch.zeros_like(x))


def _without(x: Tensor, weight: Tensor, alive: Alive, name: str) -> Tensor:
    """Return a layer's input with zeros in removed channels."""
    dim = x.dim() - 1 if name == "linear" else x.dim() - weight.dim() + 1
    if x.shape[dim] != alive.size:
        return x
    return _zeroed(x, dim, alive)


def _rms_norm(
    func: Any, alive: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Tensor:
    """Let torch normalise what is left, and put it where it was."""
    x, kept = args[0], torch.from_numpy(np.flatnonzero(alive))
    weight = kwargs.get("weight", args[2] if len(args) > 2 else None)
    eps = kwargs.get("eps", args[3] if len(args) > 3 else None)
    found: Tensor = func(
        x[..., kept], (len(kept),), None if weight is None else weight[kept], eps
    )
    return torch.zeros_like(x).index_copy_(-1, kept, found)


def _group_norm(
    x: Tensor,
    alive: Tensor,
    affine: tuple[Tensor | None, Tensor | None],
    groups: int,
    eps: float,
) -> Tensor:
    shape = (1, -1, *[1] * (x.dim() - 2))
    keep = alive.reshape(shape).expand(x.shape)
    split = x.reshape(x.shape[0], groups, -1)
    keep = keep.reshape(x.shape[0], groups, -1)
    normal = _normalise(split, keep, (2,), eps).reshape(x.shape)
    return _affine(normal, affine[0], affine[1], shape)


def _normalise(x: Tensor, keep: Tensor, dims: tuple[int, ...], eps: float) -> Tensor:
    keep = keep.to(x.dtype)
    count = keep.sum(dims, keepdim=True).clamp_min(1)
    mean = (x * keep).sum(dims, keepdim=True) / count
    centred = (x - mean) * keep
    variance = centred.square().sum(dims, keepdim=True) / count
    return centred / (variance + eps).sqrt()


def _affine(
    x: Tensor, weight: Tensor | None, bias: Tensor | None, shape: tuple[int, ...]
) -> Tensor:
    if weight is not None:
        x = x * weight.reshape(shape)
    return x if bias is None else x + bias.reshape(shape)
