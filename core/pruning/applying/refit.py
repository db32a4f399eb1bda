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

from core.pruning.planning.plan import Kept, PruningPlan
from core.pruning.scoring.statistics import Statistics
from core.pruning.tracing.graph import ChannelGraph, GraphLayer

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


def read_dim(layer: GraphLayer) -> int:
    """Return the dimension of a layer's weight that its inputs run along."""
    return 0 if layer.kind == "transposed" else 1


@dataclass(frozen=True, slots=True)
class _Repair:
    """The repair of one weight."""

    name: str
    layer: GraphLayer
    kept: Kept
    statistics: Statistics

    def run(self, state: Mapping[str, Tensor], plan: PruningPlan) -> dict[str, Tensor]:
        """Return the weight and what takes the constant, both cut."""
        weight = select(state[self.name], self._outputs_only())
        stay, gone = self._indices(weight.shape[read_dim(self.layer)])
        home = home_of_constant(self.layer, self.name, self.statistics.graph)
        # Groups lose the same channels: the indices of one group are enough.
        width = self.statistics.moments[self.name].second.shape[-1] - 1
        within = stay[stay < width], gone[gone < width]
        # What stays, then what goes: the weight is read once.
        both = in_groups(weight, self.layer).contiguous()
        both = both.index_select(3, torch.cat(within))
        if self.statistics.moments[self.name].patch is not None:
            left, shift = self._by_patch(both, *within, home is not None)
        else:
            left, shift = self._by_position(both, *within, home is not None)
        result = {self.name: _from_groups(left, self.layer, weight)}
        if home is not None:
            values = _cut_vector(state[home], plan.kept.get(home, (None,))[0])
            # A bias takes the constant; the mean of a batch norm is subtracted.
            sign = 1.0 if home == self.layer.bias else -1.0
            result[home] = values + sign * shift / _taps_shared(self.layer)
        return result

    def _outputs_only(self) -> Kept:
        read = read_dim(self.layer)
        return tuple(None if dim == read else e for dim, e in enumerate(self.kept))

    def _indices(self, width: int) -> tuple[Tensor, Tensor]:
        entry = self.kept[read_dim(self.layer)]
        assert entry is not None
        lost = np.ones(width, np.bool_)
        lost[entry] = False
        return torch.from_numpy(entry), torch.from_numpy(np.flatnonzero(lost))

    def _by_position(
        self, both: Tensor, stay: Tensor, gone: Tensor, constant: bool
    ) -> tuple[Tensor, Tensor]:
        groups, outputs, taps, _ = both.shape
        mixing = prediction(self.statistics, self.name, stay, gone, constant=constant)
        if constant and self.layer.kind == "transposed" and taps > 1:
            lost = both[..., stay.numel() :]
            mixing = self._without_constant_if_better(mixing, lost, (stay, gone))
        mixing = mixing.to(both)
        patches = self.statistics.moments[self.name].patches
        if patches is not None:
            mixing = mixing * _step_length(patches.to(both), both, mixing, (stay, gone))
        kept, lost = both.flatten(1, 2).tensor_split([stay.numel()], 2)
        left = torch.baddbmm(kept, lost, mixing[..., :-1])
        shift = (lost @ mixing[..., -1:]).reshape(groups * outputs, taps).sum(1)
        return left.reshape(groups, outputs, taps, -1), shift

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
        self, both: Tensor, stay: Tensor, gone: Tensor, constant: bool
    ) -> tuple[Tensor, Tensor]:
        _, outputs, taps, width = both.shape
        start = torch.arange(taps)[:, None] * width
        mixing = prediction(
            self.statistics,
            self.name,
            (start + stay).reshape(-1),
            (start + gone).reshape(-1),
            constant=constant,
            patch=True,
        )
        kept, lost = both.tensor_split([stay.numel()], 3)
        moved = lost.reshape(1, outputs, -1) @ mixing.to(both)
        return kept + moved[..., :-1].reshape(kept.shape), moved[0, :, -1]


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
    patches: Tensor, both: Tensor, mixing: Tensor, indices: tuple[Tensor, Tensor]
) -> float:
    """Return the share of a change, 0 to 1, that repairs most on kept patches.

    The error of the layer's output is quadratic in the share; it is measured on
    random combinations of outputs (Johnson & Lindenstrauss 1984), which keeps
    the check a small part of the repair.
    """
    stay, gone = indices
    generator = torch.Generator().manual_seed(0)
    outputs, taps = both.shape[1:3]
    signs = torch.randint(0, 2, (_SKETCH, outputs), generator=generator).to(both)
    signs = signs * 2 - 1
    mixed = (signs @ both[0].flatten(1)).reshape(_SKETCH, taps, -1)
    mixed = mixed[..., stay.numel() :]
    moved = mixed @ mixing[0]
    # Weights at their places in whole patches, which then need not be taken apart.
    spread = patches.new_zeros(2, _SKETCH, *patches.shape[1:])
    spread[0][..., gone], spread[1][..., stay] = mixed, moved[..., :-1]
    made = patches.flatten(1) @ spread.flatten(0, 1).flatten(1).T
    target, repair = made[:, :_SKETCH], made[:, _SKETCH:] + moved[..., -1].sum(1)
    power = float(repair.square().sum())
    if power <= 0:
        return 1.0
    return min(max(float((target * repair).sum()) / power, 0.0), 1.0)


def in_groups(weight: Tensor, layer: GraphLayer) -> Tensor:
    """Return a view of a weight: (groups, outputs, positions, inputs).

    Of a convolution whose weight is laid out channels last, it is contiguous.
    """
    flat = weight.flatten(2) if weight.dim() > 2 else weight[:, :, None]
    split = flat.reshape(layer.groups, -1, flat.shape[1], flat.shape[2])
    return split.permute((0, 2, 3, 1) if layer.kind == "transposed" else (0, 1, 3, 2))


def _from_groups(values: Tensor, layer: GraphLayer, dense: Tensor) -> Tensor:
    """Return a weight from what `in_groups` made of it, laid out as the dense one."""
    kernel = dense.shape[2:]
    if layer.kind == "transposed":
        weight = values.permute(0, 3, 1, 2).reshape(-1, values.shape[1], *kernel)
    else:
        weight = values.reshape(-1, *kernel, values.shape[3]).movedim(-1, 1)
    if channels_last(dense):
        return weight.contiguous(memory_format=_LAST[dense.dim()])
    return weight.contiguous()


def select(tensor: Tensor, entries: Kept) -> Tensor:
    """Return what is kept of a tensor; one that is channels last stays so.

    Parameters
    ----------
    tensor
        Any.
    entries
        For each dimension the indices that stay, or None for all. The tensor itself
        is returned when nothing is cut.
    """
    turned = channels_last(tensor)
    order = [0, -1, *range(1, tensor.dim() - 1)] if turned else range(tensor.dim())
    view = tensor.movedim(1, -1) if turned else tensor
    for dim, entry in zip(order, entries, strict=False):
        if entry is not None:
            index = torch.from_numpy(entry).to(tensor.device)
            view = view.index_select(dim, index)
    return view.movedim(-1, 1) if turned else view


def channels_last(tensor: Tensor) -> bool:
    """Tell whether a kernel is laid out channels last, and not contiguous too."""
    if tensor.dim() not in _LAST or tensor.is_contiguous():
        return False
    return tensor.is_contiguous(memory_format=_LAST[tensor.dim()])


_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def _cut_vector(values: Tensor, entry: NDArray[np.int64] | None) -> Tensor:
    return values if entry is None else values[torch.from_numpy(entry)]


def home_of_constant(layer: GraphLayer, name: str, graph: ChannelGraph) -> str | None:
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
    calls = sum(other.weight == name for other in graph.producing_layers)
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


def _taps_shared(layer: GraphLayer) -> float:
    """Return over how many outputs the kernel of a transposed layer is spread."""
    if layer.kind != "transposed":
        return 1.0
    stride = layer.settings.get("stride", 1)
    sides = layer.settings.get("sides", 1)
    return float(np.prod(stride if isinstance(stride, tuple) else (stride,) * sides))
