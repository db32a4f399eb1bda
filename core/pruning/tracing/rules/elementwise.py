"""Functions that work value by value, and those that keep channels apart."""

import re
from typing import Any

import numpy as np
from torch import Tensor

from core.pruning.tracing.recording import DimLabels, Recorder, tensors_in
from core.pruning.tracing.rules.channel_norms import REDUCTIONS, begin
from core.pruning.tracing.rules.protocol import (
    Call,
    Rule,
    UnhandledError,
    axis,
    keep,
    source,
)
from core.pruning.tracing.rules.reshaping import misuse
from core.pruning.tracing.symbolic_sizes import SymbolicSize


def _same(recorder: Recorder, call: Call) -> None:
    """One operand, same shape out: labels pass."""
    tensor = source(call)
    if call.name not in ("to", "type_as"):
        others = [t for t in tensors_in((call.args[1:], call.kwargs)) if t.dim()]
        if any(other is not tensor for other in others):
            _broadcast(recorder, call)  # ``x.clamp(min=y)``
            return
    if isinstance(call.out, Tensor) and call.out.shape == tensor.shape:
        keep(recorder, call, recorder.labels(tensor))
        return
    raise UnhandledError


def _broadcast(recorder: Recorder, call: Call) -> None:
    """Several operands: what meets at one place lives or dies together."""
    operands = [t for t in tensors_in((call.args, call.kwargs)) if t.dim()]
    if not isinstance(call.out, Tensor):
        raise UnhandledError
    labels: DimLabels = [None] * call.out.dim()
    for dim in range(call.out.dim()):
        width = call.out.shape[dim]
        entries = []
        for operand in operands:
            own = operand.dim() - call.out.dim() + dim
            if own >= 0 and operand.shape[own] == width and width > 1:
                entries.append(recorder.labels(operand)[own])
        for entry in entries[1:]:
            recorder.bind(entries[0], entry)
        if entries and all(entry is not None for entry in entries):
            labels[dim] = entries[0]
    keep(recorder, call, labels)


def _spatial(recorder: Recorder, call: Call) -> None:
    """Pooling and resampling: batch and channels stay, the rest is mixed."""
    tensor = source(call)
    labels = recorder.labels(tensor)
    # ``max_pool3d`` of four dimensions has no batch: the first one is channels.
    sides = int(digits[0]) if (digits := re.findall(r"(\d)d", call.name)) else None
    first = 2 if sides is None else tensor.dim() - sides
    for entry in labels[first:]:
        if entry is not None:
            recorder.book.fix(entry, "pooled or resampled over")
    outs = list(tensors_in(call.out))
    if first not in (1, 2) or tensor.dim() < 3 or not outs:
        raise UnhandledError
    for out in outs:
        rest: DimLabels = [None] * (out.dim() - first)
        recorder.set(out, [*labels[:first], *rest])


def _reduce(recorder: Recorder, call: Call) -> None:
    """Mean, sum, maximum over some dimensions; those are mixed, others stay."""
    tensor, outs = source(call), list(tensors_in(call.out))
    dims = call.get(2 if call.name == "norm" else 1, "dim", call.kwargs.get("axis"))
    if isinstance(dims, Tensor) and call.name in ("max", "min"):
        _broadcast(recorder, call)
        return
    if dims is None or isinstance(dims, bool):  # ``x.std(False)``: not a dimension
        dims = ()
    if not isinstance(dims, int | tuple | list) or not outs:
        raise UnhandledError
    dims = [dims] if isinstance(dims, int) else dims
    gone = {axis(tensor, d) for d in dims or range(tensor.dim())}
    # Where ``keepdim`` stands among the arguments differs; its effect does not.
    keepdim = outs[0].dim() == tensor.dim()
    labels: DimLabels = []
    mixed = [d for d in gone if recorder.labels(tensor)[d] is not None]
    norm = call.name in REDUCTIONS and keepdim and len(mixed) == len(outs) == 1
    norm = norm and not recorder.strict
    for dim, entry in enumerate(recorder.labels(tensor)):
        if dim in gone:
            if entry is not None and norm:
                begin(recorder, call, tensor, dim, entry)
            elif entry is not None:
                recorder.book.fix(entry, f"mixed by {call.name} over channels")
            if keepdim:
                labels.append(None)
        else:
            labels.append(entry)
    for out in outs:
        recorder.set(out, list(labels))


def _along(recorder: Recorder, call: Call) -> None:
    """Softmax and cumulative sums along one dimension, which is mixed."""
    tensor = source(call)
    dim = call.get(1, "dim", None)
    if dim is None:
        raise UnhandledError
    labels = list(recorder.labels(tensor))
    entry = labels[axis(tensor, dim)]
    if entry is not None:
        recorder.book.fix(entry, f"mixed by {call.name} over channels")
        labels[axis(tensor, dim)] = None
    keep(recorder, call, labels)


def _pad(recorder: Recorder, call: Call) -> None:
    """Padding: constant channels that are added to others always stay."""
    tensor = source(call)
    amounts: Any = call.get(1, "pad")
    labels = list(recorder.labels(tensor))
    for pair in range(len(amounts) // 2):
        dim = tensor.dim() - 1 - pair
        entry, (low, high) = labels[dim], amounts[2 * pair : 2 * pair + 2]
        if entry is None or not (low or high):
            continue
        if min(low, high) < 0 or call.get(2, "mode", "constant") != "constant":
            recorder.book.fix(entry, "cut or mirrored along channels")
            labels[dim] = None
            continue
        borders = recorder.book.fresh(low), recorder.book.fresh(high)
        for border in borders:
            recorder.book.fix(border, "padded along channels")
        labels[dim] = np.concatenate([borders[0], entry, borders[1]])
    keep(recorder, call, labels)


def _sized(recorder: Recorder, call: Call) -> None:
    """Constants of a given size: a width that counts channels stands for them."""
    place = 1 if call.name.startswith("new_") else 0
    wanted = call.sizes(place, "size")
    if call.name in ("full", "new_full"):
        wanted = list(call.get(place, "size"))
        misuse(recorder, call.get(place + 1, "fill_value"))
    labels: DimLabels = []
    for size in wanted:
        whole = isinstance(size, SymbolicSize) and size.share == 1
        labels.append(size.labels if isinstance(size, SymbolicSize) and whole else None)
        if not whole:
            misuse(recorder, size)
    keep(recorder, call, labels)


def _names(text: str, rule: Rule) -> dict[str, Rule]:
    return dict.fromkeys(text.split(), rule)


RULES: dict[str, Rule] = {
    **_names(
        """relu relu6 leaky_relu elu selu celu gelu silu mish hardswish hardsigmoid
        hardtanh sigmoid logsigmoid tanh softplus softsign softshrink hardshrink
        tanhshrink threshold exp log log1p expm1 sqrt rsqrt abs neg square sin cos
        erf reciprocal clamp clamp_min clamp_max clip round floor ceil sign
        dropout dropout1d dropout2d dropout3d alpha_dropout feature_dropout
        feature_alpha_dropout contiguous clone detach to float double half bfloat16
        cpu cuda requires_grad nan_to_num type_as alias positive sgn isnan isfinite
        long int bool type zeros_like ones_like empty_like full_like rand_like
        randn_like fill zero""",
        _same,
    ),
    **_names(
        """zeros ones empty rand randn full new_zeros new_ones new_empty new_full""",
        _sized,
    ),
    **_names(
        """add sub mul div true_divide rsub maximum minimum where pow addcmul
        addcdiv lerp eq ne lt le gt ge logical_and logical_or truediv radd rmul
        iadd imul isub itruediv rtruediv floor_divide atan2 masked_fill prelu_plain
        multiply subtract divide copy rpow remainder bitwise_and bitwise_or
        logical_xor and or""",
        _broadcast,
    ),
    **_names(
        """max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d
        adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
        adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d lp_pool2d
        interpolate upsample upsample_nearest upsample_bilinear
        max_pool2d_with_indices""",
        _spatial,
    ),
    **_names("mean sum amax amin prod std var norm logsumexp max min all any", _reduce),
    **_names("softmax log_softmax softmin cumsum argmax argmin", _along),
    **_names("pad", _pad),
}
# ``argmax`` drops the dimension; treat it as a reduction.
RULES["argmax"] = RULES["argmin"] = _reduce
