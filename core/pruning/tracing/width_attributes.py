"""Widths that layers hold as attributes: code may read them while a model runs.

Pruning brings them up to date, so a model that computes with ``conv.out_channels``
would compute something else. While tracing they are `SymbolicSize`, which notices.
"""

import contextlib
from collections.abc import Iterator
from fractions import Fraction

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from core.pruning.tracing.own_widths import own_widths
from core.pruning.tracing.recording import Recorder
from core.pruning.tracing.symbolic_sizes import SymbolicSize

_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm)  # noqa: SLF001 - base of norms


@contextlib.contextmanager
def watching_widths(recorder: Recorder, module: nn.Module) -> Iterator[None]:
    """Replace the widths of known layers by ones that know what they count.

    Parameters
    ----------
    recorder
        Of the trace that is about to start.
    module
        Its attributes are put back afterwards.
    """
    plain: list[tuple[nn.Module, str, int]] = []
    try:
        found = [*_watched(recorder, module), *own_widths(recorder, module)]
        for child, attribute, value, watched in found:
            plain.append((child, attribute, value))
            vars(child)[attribute] = watched
        yield
    finally:
        for child, attribute, value in plain:
            vars(child)[attribute] = value


def _watched(
    recorder: Recorder, module: nn.Module
) -> Iterator[tuple[nn.Module, str, int, int]]:
    for child in module.modules():
        weight = child._parameters.get("weight")  # noqa: SLF001 - computed ones are not
        if weight is None or is_lazy(weight):
            continue
        for attribute, dim in _widths(child):
            value = vars(child).get(attribute)
            if type(value) is int:
                yield child, attribute, value, _size(recorder, weight, dim, value)


def _widths(child: nn.Module) -> tuple[tuple[str, int], ...]:
    """Return attributes of a layer and the dimension of its weight they count."""
    if isinstance(child, nn.modules.conv._ConvTransposeNd):  # noqa: SLF001 - base class
        return (("in_channels", 0), ("out_channels", 1))
    if isinstance(child, nn.modules.conv._ConvNd):  # noqa: SLF001 - base class
        return (("out_channels", 0), ("in_channels", 1))
    if isinstance(child, nn.Linear):
        return (("out_features", 0), ("in_features", 1))
    if isinstance(child, _NORMS):
        return (("num_features", 0), ("num_channels", 0))
    return (("num_parameters", 0),) if isinstance(child, nn.PReLU) else ()


def _size(recorder: Recorder, weight: Tensor, dim: int, value: int) -> int:
    """Return a width as a share of one dimension of the weight."""
    labels = recorder.labels(weight)
    # A depthwise weight has one index there: its channels run along the other.
    entry = labels[dim] if labels[dim] is not None else labels[0]
    if entry is None:
        return value
    return SymbolicSize(entry, Fraction(value, len(entry)), recorder.fix_outside_torch)
