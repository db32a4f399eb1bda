"""Reshapes, permutations and the like: labels move with their values.

To read this file, start from `_view`; what a reshape does is in `reshaping`.
"""

from fractions import Fraction
from typing import Any, TypeGuard

import numpy as np
import torch

from core.pruning.tracing.labels import LabelArray
from core.pruning.tracing.recording import DimLabels, Recorder, plain, tie_chunks
from core.pruning.tracing.rules.protocol import (
    Call,
    Rule,
    UnhandledError,
    axis,
    keep,
    source,
)
from core.pruning.tracing.rules.reshaping import (
    FREE,
    fix_entry,
    follows,
    misuse,
    reshape,
)
from core.pruning.tracing.symbolic_sizes import SymbolicSize


def _view(recorder: Recorder, call: Call) -> None:
    tensor = source(call)
    key = "shape" if call.name == "reshape" else "size"
    wanted = call.sizes(1, key)
    if any(isinstance(size, torch.dtype) for size in wanted):
        raise UnhandledError
    labels, shape = recorder.labels(tensor), plain(tensor.shape)
    result = plain(call.out.shape)
    keep(recorder, call, reshape(recorder, labels, shape, wanted, result))


def _view_as(recorder: Recorder, call: Call) -> None:
    """The shape of another tensor, whose widths are followed."""
    tensor, other = source(call), call.get(1, "other")
    wanted = [
        int(size)
        if entry is None
        else SymbolicSize(entry, Fraction(1), recorder.book.fix)
        for entry, size in zip(recorder.labels(other), plain(other.shape), strict=True)
    ]
    labels, shape = recorder.labels(tensor), plain(tensor.shape)
    result = plain(call.out.shape)
    keep(recorder, call, reshape(recorder, labels, shape, wanted, result))


def _flatten(recorder: Recorder, call: Call) -> None:
    tensor = source(call)
    first = axis(tensor, call.get(1, "start_dim", 0))
    last = axis(tensor, call.get(2, "end_dim", -1))
    labels, shape = recorder.labels(tensor), plain(tensor.shape)
    count = sum(labels[d] is not None for d in range(first, last + 1))
    if count > 1:
        raise UnhandledError
    wanted = [FREE] * call.out.dim()
    keep(
        recorder, call, reshape(recorder, labels, shape, wanted, plain(call.out.shape))
    )


def _unflatten(recorder: Recorder, call: Call) -> None:
    tensor = source(call)
    dim = axis(tensor, call.get(1, "dim"))
    sizes = list(call.get(2, "sizes"))
    wanted = [FREE] * dim + sizes + [FREE] * (tensor.dim() - dim - 1)
    labels, shape = recorder.labels(tensor), plain(tensor.shape)
    keep(
        recorder, call, reshape(recorder, labels, shape, wanted, plain(call.out.shape))
    )


def _permute(recorder: Recorder, call: Call) -> None:
    tensor = source(call)
    order = [axis(tensor, d) for d in call.sizes(1, "dims")]
    labels = recorder.labels(tensor)
    keep(recorder, call, [labels[d] for d in order])


def _transpose(recorder: Recorder, call: Call) -> None:
    tensor = source(call)
    labels = list(recorder.labels(tensor))
    if call.name == "t":
        keep(recorder, call, labels[::-1])
        return
    a = axis(tensor, call.get(1, "dim0"))
    b = axis(tensor, call.get(2, "dim1"))
    labels[a], labels[b] = labels[b], labels[a]
    keep(recorder, call, labels)


def _movedim(recorder: Recorder, call: Call) -> None:
    tensor = source(call)
    origin, target = call.get(1, "source"), call.get(2, "destination")
    if not isinstance(origin, int) or not isinstance(target, int):
        raise UnhandledError
    labels = list(recorder.labels(tensor))
    entry = labels.pop(axis(tensor, origin))
    labels.insert(axis(tensor, target), entry)
    keep(recorder, call, labels)


def _squeeze(recorder: Recorder, call: Call) -> None:
    tensor = source(call)
    dims = call.get(1, "dim")
    labels = recorder.labels(tensor)
    if dims is None:
        wanted = set(range(tensor.dim()))
    else:
        wanted = {axis(tensor, d) for d in ([dims] if isinstance(dims, int) else dims)}
    gone = {d for d in wanted if tensor.shape[d] == 1}
    for dim in wanted - gone:
        entry = labels[dim]
        if entry is not None:
            recorder.book.fix(entry[:2], "two stay: squeeze drops a width of one")
    keep(recorder, call, [e for d, e in enumerate(labels) if d not in gone])


def _unsqueeze(recorder: Recorder, call: Call) -> None:
    tensor = source(call)
    labels = list(recorder.labels(tensor))
    labels.insert(int(call.get(1, "dim")) % (tensor.dim() + 1), None)
    keep(recorder, call, labels)


def _expand(recorder: Recorder, call: Call) -> None:
    """Repeat along dimensions of size one; a labelled width must follow itself."""
    tensor = source(call)
    labels = recorder.labels(tensor)
    if call.name == "expand_as":
        _expand_as(recorder, call, tensor)
        return
    wanted = call.sizes(1, "size")
    offset = len(wanted) - tensor.dim()
    out: DimLabels = [None] * len(wanted)
    for dim, size in enumerate(wanted):
        entry = labels[dim - offset] if dim >= offset else None
        if entry is not None:
            out[dim] = _widened(recorder, size, entry)
        elif dim >= offset and tensor.shape[dim - offset] > 1:
            misuse(recorder, size)  # as wide already, and not because of channels
        elif isinstance(size, SymbolicSize):
            out[dim] = size.labels if size.share == 1 else None
            if size.share != 1:
                recorder.book.fix(size.labels, "expanded to a share of a width")
    keep(recorder, call, out)


def _expand_as(recorder: Recorder, call: Call, tensor: torch.Tensor) -> None:
    labels, other = recorder.labels(tensor), recorder.labels(call.get(1, "other"))
    offset = call.out.dim() - tensor.dim()
    out: DimLabels = list(other)
    for dim, entry in enumerate(labels):
        if tensor.shape[dim] > 1:
            recorder.bind(entry, other[offset + dim])
            out[offset + dim] = entry
    keep(recorder, call, out)


def _widened(recorder: Recorder, size: Any, entry: LabelArray) -> LabelArray | None:
    """Return the labels of a dimension that is expanded to its own size."""
    if follows(size, entry):
        return entry
    if _is_as_wide(size, entry):
        recorder.book.unite(size.labels, entry)  # another tensor's width
        return entry
    recorder.book.fix(entry, "expanded to a size written into the code")
    misuse(recorder, size)
    return None


def _is_as_wide(size: Any, entry: LabelArray) -> TypeGuard[SymbolicSize]:
    """Tell whether a size is the width of as many other channels."""
    return (
        isinstance(size, SymbolicSize)
        and size.share == 1
        and len(size.labels) == len(entry)
    )


def _repeat(recorder: Recorder, call: Call) -> None:
    tensor = source(call)
    times = call.sizes(1, "repeats")
    offset = len(times) - tensor.dim()
    labels = recorder.labels(tensor)
    out: DimLabels = [None] * len(times)
    for dim, count in enumerate(times):
        entry = labels[dim - offset] if dim >= offset else None
        if entry is not None:
            if isinstance(count, SymbolicSize):
                raise UnhandledError
            out[dim] = np.tile(entry, count)
    keep(recorder, call, out)


def _roll(recorder: Recorder, call: Call) -> None:
    """Values move round along some dimensions; channels may not."""
    tensor, dims = source(call), call.get(2, "dims")
    dims = [dims] if isinstance(dims, int) else dims
    labels = list(recorder.labels(tensor))
    for dim in [axis(tensor, d) for d in dims or ()] or range(tensor.dim()):
        fix_entry(
            recorder, labels[dim], "moved along by a number written into the code"
        )
        labels[dim] = None
    keep(recorder, call, labels)


def _index_select(recorder: Recorder, call: Call) -> None:
    """Entries are picked by number; numbers of channels would no longer be right."""
    tensor, dim = source(call), axis(source(call), call.get(1, "dim"))
    labels = list(recorder.labels(tensor))
    fix_entry(recorder, labels[dim], "picked by index: its numbers count all channels")
    recorder.fix(call.get(2, "index"), "used as an index")
    labels[dim] = None
    keep(recorder, call, labels)


def _flip(recorder: Recorder, call: Call) -> None:
    tensor = source(call)
    dims = {axis(tensor, d) for d in call.sizes(1, "dims")}
    labels = [
        entry[::-1].copy() if entry is not None and d in dims else entry
        for d, entry in enumerate(recorder.labels(tensor))
    ]
    keep(recorder, call, labels)


def _pixel_shuffle(recorder: Recorder, call: Call) -> None:
    """The r*r channels behind one output channel live or die together."""
    tensor, factor = source(call), int(call.get(1, "upscale_factor"))
    labels, channel = _without_sides(recorder, tensor)
    entry = labels[channel]
    if entry is not None:
        rows = entry.reshape(-1, factor * factor)
        recorder.book.unite(rows[:, :1], rows)
        labels[channel] = rows[:, 0].copy()
    keep(recorder, call, labels)


def _channel_shuffle(recorder: Recorder, call: Call) -> None:
    """Groups are interleaved; they stay equally wide."""
    tensor, groups = source(call), int(call.get(1, "groups"))
    labels = list(recorder.labels(tensor))
    entry = labels[1]
    if entry is not None:
        tie_chunks(recorder, entry, groups)
        labels[1] = entry.reshape(groups, -1).T.reshape(-1)
    keep(recorder, call, labels)


def _glu(recorder: Recorder, call: Call) -> None:
    """The second half gates the first, channel by channel."""
    tensor = source(call)
    dim = axis(tensor, call.get(1, "dim", -1))
    labels = list(recorder.labels(tensor))
    entry = labels[dim]
    if entry is not None:
        tie_chunks(recorder, entry, 2)
        labels[dim] = entry[: len(entry) // 2]
    keep(recorder, call, labels)


def _pixel_unshuffle(recorder: Recorder, call: Call) -> None:
    tensor, factor = source(call), int(call.get(1, "downscale_factor"))
    labels, channel = _without_sides(recorder, tensor)
    entry = labels[channel]
    labels[channel] = None if entry is None else np.repeat(entry, factor * factor)
    keep(recorder, call, labels)


def _without_sides(recorder: Recorder, tensor: torch.Tensor) -> tuple[DimLabels, int]:
    """Return labels of (..., C, H, W) without those of the sides, and where C is."""
    labels = list(recorder.labels(tensor))
    for side in (-1, -2):
        fix_entry(recorder, labels[side], "shuffled with other pixels")
        labels[side] = None
    return labels, tensor.dim() - 3


def _repeat_interleave(recorder: Recorder, call: Call) -> None:
    """Every channel is followed by copies, which go with it."""
    tensor, times = source(call), call.get(1, "repeats")
    dim = call.get(2, "dim")
    if not isinstance(times, int) or isinstance(times, SymbolicSize) or dim is None:
        raise UnhandledError
    labels = list(recorder.labels(tensor))
    place = axis(tensor, dim)
    entry = labels[place]
    labels[place] = None if entry is None else np.repeat(entry, times)
    keep(recorder, call, labels)


RULES: dict[str, Rule] = {
    "view": _view,
    "reshape": _view,
    "view_as": _view_as,
    "reshape_as": _view_as,
    "flatten": _flatten,
    "unflatten": _unflatten,
    "permute": _permute,
    "transpose": _transpose,
    "swapaxes": _transpose,
    "t": _transpose,
    "movedim": _movedim,
    "squeeze": _squeeze,
    "unsqueeze": _unsqueeze,
    "expand": _expand,
    "expand_as": _expand,
    "repeat": _repeat,
    "repeat_interleave": _repeat_interleave,
    "roll": _roll,
    "index_select": _index_select,
    "flip": _flip,
    "channel_shuffle": _channel_shuffle,
    "glu": _glu,
    "pixel_shuffle": _pixel_shuffle,
    "pixel_unshuffle": _pixel_unshuffle,
}
