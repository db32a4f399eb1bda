"""Closed-form repair of the weights that remain.

For a layer that reads channels x, of which S stay and R go, the best linear
prediction of x_R from x_S (and a constant) on calibration tiles is folded into
the weights: W'[:, S] = W[:, S] + W[:, R] P. With J the inverse of the ridged
second moments of [x; 1], P' = -inv(J_RR) J_RS, so only a matrix of the size of
what goes is inverted (block inverse; Hassibi & Stork 1993).

What it assumes: that neighbouring positions share the prediction (the moments
are those of single positions, applied to every kernel position), and that what
comes in stays near what came in before pruning. It does not help where channels
are independent of each other, and cannot repair layers without channel mixing
(depthwise convolutions, normalisation): their readers are repaired instead.

To read this file, start from `refit`.
"""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.pruning.graph import Layer
from core.pruning.plan import PruningPlan
from core.pruning.statistics import Statistics

Matrix = NDArray[np.float64]


def refit(
    state: Mapping[str, Tensor], plan: PruningPlan, statistics: Statistics
) -> dict[str, Tensor]:
    """Return repaired dense-shaped tensors for the weights that lose inputs.

    Parameters
    ----------
    state
        Dense parameters and buffers by name; not changed.
    plan
        What is kept.
    statistics
        From `calibrate`, on the same dense model.

    Returns
    -------
    dict
        Replacements by name. Weights keep dense shapes along outputs and are
        already cut along inputs; ``kept`` of that dimension no longer applies.
        Biases and batch-norm means are dense.
    """
    changed: dict[str, Tensor] = {}
    for weight, layer in statistics.readers.items():
        kept = plan.kept.get(weight)
        if kept is None or layer.depthwise:
            continue
        entry = kept[read_dim(layer)]
        if entry is not None:
            changed.update(_repair(layer, weight, entry, state, statistics))
    return changed


def read_dim(layer: Layer) -> int:
    """Return the dimension of a layer's weight that its inputs run along."""
    return 0 if layer.kind == "transposed" else 1


def _repair(
    layer: Layer,
    name: str,
    kept: NDArray[np.int64],
    state: Mapping[str, Tensor],
    statistics: Statistics,
) -> dict[str, Tensor]:
    weight = state[name]
    groups = layer.groups
    inverse = statistics.inverse(name)
    home = _home_of_constant(layer, name, statistics)
    local = _local(kept, layer, groups)
    mixing = prediction(inverse, local, with_constant=home is not None)
    rows = as_groups(weight, layer)  # (groups, outputs, inputs, kernel)
    gone = np.setdiff1d(np.arange(rows.shape[2]), local)
    change = torch.from_numpy(mixing).to(weight)  # (groups, gone, kept + 1)
    lost = rows[:, :, torch.from_numpy(gone)]
    moved = torch.einsum("gork,grs->gosk", lost, change)
    repaired = rows[:, :, torch.from_numpy(local)] + moved[:, :, :-1]
    result = {name: from_groups(repaired, weight, layer)}
    if home is not None:
        shift = moved[:, :, -1].sum(-1).reshape(-1) / _taps_shared(layer)
        # A bias takes the constant; the mean of a batch norm is subtracted.
        result[home] = state[home] + (shift if home == layer.bias else -shift)
    return result


def _home_of_constant(layer: Layer, name: str, statistics: Statistics) -> str | None:
    """Return the bias, or the mean of the one batch norm behind, or None."""
    if layer.bias is not None:
        return layer.bias
    calls = sum(other.weight == name for other in statistics.graph.makers)
    if layer.norm is None or calls > 1:
        return None
    norm = statistics.graph.layers[layer.norm]
    mean: str | None = norm.settings.get("mean")
    uses = sum(
        other.settings.get("mean") == mean
        for other in statistics.graph.layers
        if other.kind == "norm"
    )
    return mean if uses == 1 else None


def _taps_shared(layer: Layer) -> float:
    """Return over how many outputs the kernel of a transposed layer is spread."""
    if layer.kind != "transposed":
        return 1.0
    return float(np.prod(layer.settings.get("stride", 1)))


def _local(kept: NDArray[np.int64], layer: Layer, groups: int) -> NDArray[np.int64]:
    """Return kept positions within one group."""
    if layer.kind == "transposed" and groups > 1:
        return kept[kept < layer.inputs.size // groups]
    return kept


def prediction(
    inverse: Matrix, kept: NDArray[np.int64], *, with_constant: bool
) -> Matrix:
    """Return how gone channels follow from kept ones.

    Parameters
    ----------
    inverse
        float64 (groups, C + 1, C + 1), of the ridged second moments.
    kept
        int64 (kept,), within a group.
    with_constant
        Whether the constant may be used too.

    Returns
    -------
    float64 (groups, gone, kept + 1); the last column is the constant.
    """
    width = inverse.shape[-1] - 1
    gone = np.setdiff1d(np.arange(width), kept)
    if not with_constant:
        # Marginalise the constant out: the inverse of the moments without it.
        last = inverse[:, :, -1:]
        inverse = inverse - last * last.transpose(0, 2, 1) / inverse[:, -1:, -1:]
    basis = np.append(kept, width)
    block = inverse[:, gone[:, None], gone[None, :]]
    cross = inverse[:, gone[:, None], basis[None, :]]
    return np.asarray(-np.linalg.solve(block, cross))


def as_groups(weight: Tensor, layer: Layer) -> Tensor:
    """Return a weight as (groups, outputs, inputs, kernel)."""
    flat = weight.flatten(2) if weight.dim() > 2 else weight[:, :, None]
    split = flat.reshape(layer.groups, -1, flat.shape[1], flat.shape[2])
    return split.transpose(1, 2) if layer.kind == "transposed" else split


def from_groups(rows: Tensor, like: Tensor, layer: Layer) -> Tensor:
    """Undo `as_groups`; the number of inputs may have changed."""
    if layer.kind == "transposed":
        rows = rows.transpose(1, 2)
    flat = rows.reshape(-1, *rows.shape[2:])
    return flat.reshape(*flat.shape[:2], *like.shape[2:])
