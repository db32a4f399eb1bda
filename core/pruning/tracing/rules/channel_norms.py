"""Norms over channels written by hand: a mean that comes back to its channels.

``(x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)`` computes what a layer norm
does: its statistics are over what is left, in the pruned model and in the masked one.
A mean over channels that goes anywhere else (into an attention map, into an output)
protects the channels it was taken of.

To read this file, start from `begin`, which a reduction calls, and `follow`, which
every call passes.
"""

import numpy as np
from torch import Tensor

from core.pruning.tracing.labels import LabelArray
from core.pruning.tracing.recording import (
    ChannelStatistic,
    Recorder,
    Summed,
    tensors_in,
)
from core.pruning.tracing.rules.protocol import Call

REDUCTIONS = frozenset(["mean", "sum", "var", "std", "norm"])
"""Names of calls that may begin a norm; each has its entry in `Recorder.sums`."""

_SPREADS = ("var", "std")
# Of a statistic alone, or of one and numbers: it stays one.
_ARITHMETIC = """add radd iadd sub rsub mul rmul imul div truediv true_divide rtruediv
    rdiv idiv itruediv multiply divide subtract sqrt rsqrt reciprocal pow square clamp
    clamp_min maximum float double half bfloat16 to type_as type contiguous clone"""
_SCALES = frozenset(_ARITHMETIC.split())
# Make a divisor of it, which then multiplies the channels.
_INVERT = frozenset(["rsqrt", "reciprocal", "pow", "rtruediv", "rdiv"])
_SHIFTS = frozenset(["sub", "isub", "subtract"])
_DIVIDES = frozenset(["div", "truediv", "true_divide", "itruediv", "idiv", "divide"])
_MULTIPLIES = frozenset(["mul", "rmul", "imul", "multiply"])


def begin(
    recorder: Recorder, call: Call, tensor: Tensor, dim: int, labels: LabelArray
) -> None:
    """Note a statistic over channels; whether it is a norm, its uses will say.

    Parameters
    ----------
    recorder
        Where it is noted.
    call
        A reduction that keeps the dimension with size one.
    tensor, dim, labels
        Over which channels of what.
    """
    if call.name in _SPREADS:
        recorder.book.fix(labels[:2], "two stay: one channel has no spread")
    given = list(tensors_in((call.args, call.kwargs)))
    operand = next(place for place, one in enumerate(given) if one is tensor)
    recorder.sums.append((Summed(operand, dim, labels, left_out=True),))
    recorder.statistics[id(call.out)] = ChannelStatistic(
        labels, dim - tensor.dim(), f"mixed by {call.name} over channels"
    )


def follow(recorder: Recorder, call: Call) -> None:
    """Protect channels whose statistic is used for anything but a norm of them."""
    if not recorder.statistics:
        return
    operands = [t for t in tensors_in((call.args, call.kwargs)) if t.dim()]
    found = [s for t in operands if (s := recorder.statistics.get(id(t))) is not None]
    if not found or _is_norm(recorder, call, operands, found):
        return
    for each in found:
        recorder.book.fix(each.labels, each.reason)


def _is_norm(
    recorder: Recorder,
    call: Call,
    operands: list[Tensor],
    found: list[ChannelStatistic],
) -> bool:
    one, place = found[0], found[0].place
    rest = [t for t in operands if id(t) not in recorder.statistics]
    if call.name not in _SCALES or not isinstance(call.out, Tensor):
        return False
    if any(s.place != place or not _same(s.labels, one.labels) for s in found[1:]):
        return False
    if not rest:
        inverse = call.name in _INVERT or any(each.inverse for each in found)
        recorder.statistics[id(call.out)] = ChannelStatistic(
            one.labels, place, one.reason, inverse
        )
        return True
    meets = all(
        t.dim() >= -place and _same(recorder.labels(t)[place], one.labels) for t in rest
    )
    first = recorder.statistics.get(id(operands[0])) is None
    return meets and (
        (call.name in _SHIFTS | _DIVIDES and first)
        or (call.name in _MULTIPLIES and all(each.inverse for each in found))
    )


def _same(one: LabelArray | None, other: LabelArray | None) -> bool:
    return one is not None and other is not None and np.array_equal(one, other)
