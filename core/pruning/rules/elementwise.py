"""Functions that work value by value, and those that keep channels apart."""

from typing import Any

from torch import Tensor

from core.pruning.recording import DimLabels, Recorder, tensors_in
from core.pruning.rules.protocol import Call, Rule, UnhandledError, axis, keep, source


def _same(recorder: Recorder, call: Call) -> None:
    """One operand, same shape out: labels pass."""
    tensor = source(call)
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
    for entry in labels[2:]:
        if entry is not None:
            recorder.book.fix(entry, "pooled or resampled over")
    outs = list(tensors_in(call.out))
    if tensor.dim() < 3 or not outs:
        raise UnhandledError
    for out in outs:
        rest: DimLabels = [None] * (out.dim() - 2)
        recorder.set(out, [*labels[:2], *rest])


def _reduce(recorder: Recorder, call: Call) -> None:
    """Mean, sum, maximum over some dimensions; those are mixed, others stay."""
    tensor = source(call)
    dims = call.get(1, "dim")
    keepdim = bool(call.get(2, "keepdim", False))
    if dims is None:
        dims = tuple(range(tensor.dim()))
    if not isinstance(dims, int | tuple | list):
        raise UnhandledError
    gone = {axis(tensor, d) for d in ([dims] if isinstance(dims, int) else dims)}
    labels: DimLabels = []
    for dim, entry in enumerate(recorder.labels(tensor)):
        if dim in gone:
            if entry is not None:
                recorder.book.fix(entry, f"mixed by {call.name} over channels")
            if keepdim:
                labels.append(None)
        else:
            labels.append(entry)
    for out in tensors_in(call.out):
        recorder.set(out, list(labels))


def _along(recorder: Recorder, call: Call) -> None:
    """Softmax, cumulative sums, normalisation along one dimension, which is mixed."""
    tensor = source(call)
    dim = call.get(2 if call.name == "normalize" else 1, "dim", None)
    if dim is None:
        raise UnhandledError
    labels = list(recorder.labels(tensor))
    entry = labels[axis(tensor, dim)]
    if entry is not None:
        recorder.book.fix(entry, f"mixed by {call.name} over channels")
        labels[axis(tensor, dim)] = None
    keep(recorder, call, labels)


def _pad(recorder: Recorder, call: Call) -> None:
    """Padding: only dimensions without channels may grow."""
    tensor = source(call)
    amounts: Any = call.get(1, "pad")
    labels = list(recorder.labels(tensor))
    for pair in range(len(amounts) // 2):
        dim = tensor.dim() - 1 - pair
        entry = labels[dim]
        if entry is not None and any(amounts[2 * pair : 2 * pair + 2]):
            recorder.book.fix(entry, "padded along channels")
            labels[dim] = None
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
        cpu cuda requires_grad nan_to_num type_as alias positive sgn isnan""",
        _same,
    ),
    **_names(
        """add sub mul div true_divide rsub maximum minimum where pow addcmul
        addcdiv lerp eq ne lt le gt ge logical_and logical_or truediv radd rmul
        iadd imul isub itruediv rtruediv floor_divide atan2 masked_fill prelu_plain
        multiply subtract divide""",
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
    **_names("softmax log_softmax softmin cumsum normalize argmax argmin", _along),
    **_names("pad", _pad),
}
# ``argmax`` drops the dimension; treat it as a reduction.
RULES["argmax"] = RULES["argmin"] = _reduce
