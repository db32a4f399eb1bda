"""Closed-form repair of the weights that remain.

For a layer that reads channels x, of which S stay and R go, the best linear
prediction of x_R from x_S (and a constant) on calibration tiles is folded into
the weights: W'[:, S] = W[:, S] + W[:, R] P (Hassibi & Stork 1993 for columns).
Only what goes or what stays is ever inverted, whichever is smaller: with J the
inverse of the ridged second moments, P = M_RS inv(M_SS) = -inv(J_RR) J_RS.

Two forms. Where C times the kernel size is small, whole patches are regressed,
which minimises the error of the layer's output exactly. Elsewhere the moments of
single positions are used, and every kernel position shares one prediction. That
is exact for 1x1 kernels; for larger ones the errors of neighbouring positions
add up, so the change is scaled to the length that helps most on kept patches,
and by nothing when it would not help.

What it assumes: that what comes in stays near what came in before pruning. It
does not help where channels are independent of each other, and it cannot repair
layers without channel mixing (depthwise convolutions, normalisation): their
readers are repaired instead.

To read this file, start from `refit`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.pruning.graph import ChannelGraph, Layer
from core.pruning.plan import Kept, PruningPlan
from core.pruning.statistics import Statistics

_SKETCH = 8
"""Random combinations of outputs on which the length of a step is measured."""


def refit(
    state: Mapping[str, Tensor], plan: PruningPlan, statistics: Statistics
) -> dict[str, Tensor]:
    """Return repaired tensors for the weights that lose inputs.

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
        Replacements by name, already cut. Their constants are added to biases
        or taken from batch-norm means, which are in the result too, cut.
    """
    changed: dict[str, Tensor] = {}
    for weight, layer in statistics.readers.items():
        kept = plan.kept.get(weight)
        if kept is None or layer.depthwise or kept[read_dim(layer)] is None:
            continue
        repair = _Repair(weight, layer, kept, statistics)
        changed.update(repair.run(state, plan))
    return changed


def read_dim(layer: Layer) -> int:
    """Return the dimension of a layer's weight that its inputs run along."""
    return 0 if layer.kind == "transposed" else 1


@dataclass(frozen=True, slots=True)
class _Repair:
    """The repair of one weight."""

    name: str
    layer: Layer
    kept: Kept
    statistics: Statistics

    def run(self, state: Mapping[str, Tensor], plan: PruningPlan) -> dict[str, Tensor]:
        """Return the weight and what takes the constant, both cut."""
        weight = state[self.name]
        rows = as_groups(self._cut_outputs(weight), self.layer)
        stay, gone = self._indices(rows.shape[3])
        home = home_of_constant(self.layer, self.name, self.statistics.graph)
        left, lost = rows[..., stay], rows[..., gone]
        if self.statistics.moments[self.name].patch is not None:
            change, shift = self._by_patch(lost, stay, gone, home is not None)
        else:
            change, shift = self._by_position(lost, stay, gone, home is not None)
        result = {self.name: from_groups(left + change, weight, self.layer)}
        if home is not None:
            values = _cut_vector(state[home], plan.kept.get(home, (None,))[0])
            # A bias takes the constant; the mean of a batch norm is subtracted.
            sign = 1.0 if home == self.layer.bias else -1.0
            result[home] = values + sign * shift / _taps_shared(self.layer)
        return result

    def _cut_outputs(self, weight: Tensor) -> Tensor:
        dim = 1 - read_dim(self.layer)
        entry = self.kept[dim]
        if entry is None:
            return weight
        return weight.index_select(dim, torch.from_numpy(entry).to(weight.device))

    def _indices(self, width: int) -> tuple[Tensor, Tensor]:
        entry = self.kept[read_dim(self.layer)]
        assert entry is not None
        entry = entry[entry < width]  # within one group
        lost = np.ones(width, np.bool_)
        lost[entry] = False
        return torch.from_numpy(entry), torch.from_numpy(np.flatnonzero(lost))

    def _by_position(
        self, lost: Tensor, stay: Tensor, gone: Tensor, constant: bool
    ) -> tuple[Tensor, Tensor]:
        mixing = prediction(self.statistics, self.name, stay, gone, constant=constant)
        if constant and self.layer.kind == "transposed" and lost.shape[2] > 1:
            mixing = self._without_constant_if_better(mixing, lost, (stay, gone))
        mixing = mixing.to(lost)
        groups, outputs, taps, _ = lost.shape
        moved = (lost.reshape(groups, -1, gone.numel()) @ mixing).reshape(
            groups, outputs, taps, -1
        )
        change, shift = moved[..., :-1], moved[..., -1].sum(-1).reshape(-1)
        patches = self.statistics.moments[self.name].patches
        if patches is None:
            return change, shift
        length = _step_length(patches.to(lost), lost, moved, (stay, gone))
        return change * length, shift * length

    def _without_constant_if_better(
        self, mixing: Tensor, lost: Tensor, indices: tuple[Tensor, Tensor]
    ) -> Tensor:
        """Choose between two predictions of a transposed layer.

        Each kernel position makes outputs of its own and would need a constant of
        its own; the one bias there is takes their mean, which can do more harm
        than a prediction that does without.
        """
        other = prediction(self.statistics, self.name, *indices, constant=False)
        shifts = lost.double() @ mixing[:, None, :, -1:]
        uneven = (shifts - shifts.mean(2, keepdim=True)).square().sum()
        errors = []
        for found in (mixing, other):
            basis = torch.cat([indices[0], torch.tensor([-1])])
            moments = self.statistics.ridged(self.name)
            rest = moments[:, indices[1][:, None], indices[1]]
            rest = rest - found @ moments[:, basis[:, None], indices[1]]
            flat = lost.double().flatten(1, 2)
            errors.append(float(((flat @ rest) * flat).sum()))
        return mixing if errors[0] + float(uneven) <= errors[1] else other

    def _by_patch(
        self, lost: Tensor, stay: Tensor, gone: Tensor, constant: bool
    ) -> tuple[Tensor, Tensor]:
        _, outputs, taps, _ = lost.shape
        width = stay.numel() + gone.numel()
        start = torch.arange(taps)[:, None] * width
        mixing = prediction(
            self.statistics,
            self.name,
            (start + stay).reshape(-1),
            (start + gone).reshape(-1),
            constant=constant,
            patch=True,
        )
        moved = lost.reshape(1, outputs, -1) @ mixing.to(lost)
        change = moved[..., :-1].reshape(1, outputs, taps, -1)
        return change, moved[0, :, -1]


def prediction(
    statistics: Statistics,
    weight: str,
    stay: Tensor,
    gone: Tensor,
    *,
    constant: bool,
    patch: bool = False,
) -> Tensor:
    """Return how gone inputs follow from those that stay.

    Parameters
    ----------
    statistics, weight
        Whose inputs.
    stay, gone
        int64 indices within a group (or within a patch).
    constant
        Whether the constant may be used too.
    patch
        Whether indices run over patches.

    Returns
    -------
    Tensor
        float64 (groups, gone, stay + 1); the last column is the constant, zero
        when it may not be used.
    """
    moments = statistics.ridged(weight, patch=patch)
    last = torch.tensor([moments.shape[-1] - 1])
    basis = torch.cat([stay, last]) if constant else stay
    if constant and gone.numel() < basis.numel():
        inverse = statistics.inverse(weight, patch=patch)
        factor = torch.linalg.cholesky(inverse[:, gone[:, None], gone])
        found = -torch.cholesky_solve(inverse[:, gone[:, None], basis], factor)
    else:
        factor = torch.linalg.cholesky(moments[:, basis[:, None], basis])
        cross = moments[:, basis[:, None], gone]
        found = torch.cholesky_solve(cross, factor).transpose(1, 2)
    if constant:
        return found
    return torch.cat([found, found.new_zeros(*found.shape[:2], 1)], 2)


def _step_length(
    patches: Tensor, lost: Tensor, moved: Tensor, indices: tuple[Tensor, Tensor]
) -> float:
    """Return the share of a change, 0 to 1, that repairs most on kept patches.

    The error of the layer's output is quadratic in the share; it is measured on
    random combinations of outputs (Johnson & Lindenstrauss 1984), which keeps
    the check a small part of the repair.
    """
    stay, gone = indices
    generator = torch.Generator().manual_seed(0)
    outputs = lost.shape[1]
    signs = torch.randint(0, 2, (_SKETCH, outputs), generator=generator).to(lost)
    signs = signs * 2 - 1
    mixed_lost = (signs @ lost[0].flatten(1)).reshape(_SKETCH, -1)
    mixed_moved = (signs @ moved[0].flatten(1)).reshape(_SKETCH, lost.shape[2], -1)
    target = patches[..., gone].flatten(1) @ mixed_lost.T
    constant = mixed_moved[..., -1].sum(1)
    repair = patches[..., stay].flatten(1) @ mixed_moved[..., :-1].flatten(1).T
    repair = repair + constant
    power = float(repair.square().sum())
    if power <= 0:
        return 1.0
    return min(max(float((target * repair).sum()) / power, 0.0), 1.0)


def as_groups(weight: Tensor, layer: Layer) -> Tensor:
    """Return a weight as (groups, outputs, kernel positions, inputs), contiguous."""
    flat = weight.flatten(2) if weight.dim() > 2 else weight[:, :, None]
    split = flat.reshape(layer.groups, -1, flat.shape[1], flat.shape[2])
    order = (0, 2, 3, 1) if layer.kind == "transposed" else (0, 1, 3, 2)
    return split.permute(order).contiguous()


def from_groups(rows: Tensor, like: Tensor, layer: Layer) -> Tensor:
    """Undo `as_groups`; the numbers of inputs and outputs may have changed."""
    if layer.kind == "transposed":
        flat = rows.permute(0, 3, 1, 2).reshape(-1, rows.shape[1], rows.shape[2])
    else:
        flat = rows.permute(0, 1, 3, 2).reshape(-1, rows.shape[3], rows.shape[2])
    return flat.reshape(*flat.shape[:2], *like.shape[2:])


def _cut_vector(values: Tensor, entry: NDArray[np.int64] | None) -> Tensor:
    return values if entry is None else values[torch.from_numpy(entry)]


def home_of_constant(layer: Layer, name: str, graph: ChannelGraph) -> str | None:
    """Return what can take a constant: the bias, the batch norm's mean, or None.

    Parameters
    ----------
    layer, name
        A layer and its weight.
    graph
        Of the model. The mean of a batch norm serves when it alone reads the layer.
    """
    if layer.bias is not None:
        return None if layer.bias in graph.reused else layer.bias
    calls = sum(other.weight == name for other in graph.makers)
    if layer.norm is None or calls > 1:
        return None
    norm = graph.layers[layer.norm]
    mean: str | None = norm.settings.get("mean")
    uses = sum(
        other.settings.get("mean") == mean
        for other in graph.layers
        if other.kind == "norm"
    )
    return mean if uses == 1 else None


def _taps_shared(layer: Layer) -> float:
    """Return over how many outputs the kernel of a transposed layer is spread."""
    if layer.kind != "transposed":
        return 1.0
    stride = layer.settings.get("stride", 1)
    sides = layer.settings.get("sides", 1)
    return float(np.prod(stride if isinstance(stride, tuple) else (stride,) * sides))
