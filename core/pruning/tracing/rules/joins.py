"""Concatenation, stacking, splitting and indexing."""

from fractions import Fraction
from math import lcm
from typing import Any, TypeGuard

import numpy as np
import torch
from torch import Tensor

from core.pruning.tracing.labels import LabelArray
from core.pruning.tracing.own_widths import OwnWidth
from core.pruning.tracing.recording import DimLabels, Recorder, tie_chunks
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


def _cat(recorder: Recorder, call: Call) -> None:
    """Concatenation joins label arrays; the other dimensions must match."""
    tensors = [t for t in call.get(0, "tensors") if t.dim() > 1 or t.numel()]
    dim = axis(call.out, call.get(1, "dim", 0))
    entries = [recorder.labels(tensor) for tensor in tensors]
    labels: DimLabels = []
    for position in range(call.out.dim()):
        column = [entry[position] for entry in entries]
        if position == dim:
            labels.append(_joined(recorder, column, [t.shape[dim] for t in tensors]))
        else:
            for other in column[1:]:
                recorder.bind(column[0], other)
            free = all(entry is not None for entry in column)
            labels.append(column[0] if free else None)
    keep(recorder, call, labels)


def _joined(
    recorder: Recorder, column: list[LabelArray | None], widths: list[int]
) -> LabelArray | None:
    if all(entry is None for entry in column):
        return None
    parts = []
    for entry, width in zip(column, widths, strict=True):
        if entry is None:
            # Channels of the input image or of a constant: they always stay.
            entry = recorder.book.fresh(width)
            recorder.book.fix(entry, "not made by a layer")
        parts.append(entry)
    return np.concatenate(parts)


def _stack(recorder: Recorder, call: Call) -> None:
    tensors = list(call.get(0, "tensors"))
    dim = axis(call.out, call.get(1, "dim", 0))
    entries = [recorder.labels(tensor) for tensor in tensors]
    labels: DimLabels = []
    for position in range(tensors[0].dim()):
        column = [entry[position] for entry in entries]
        for other in column[1:]:
            recorder.bind(column[0], other)
        free = all(entry is not None for entry in column)
        labels.append(column[0] if free else None)
    labels.insert(dim, None)
    keep(recorder, call, labels)


def _chunk(recorder: Recorder, call: Call) -> None:
    """Equal parts stay equal: their channels are tied one to one."""
    tensor, parts = source(call), call.get(1, "chunks")
    dim = axis(tensor, call.get(2, "dim", 0))
    entry = recorder.labels(tensor)[dim]
    if entry is not None:
        if len(entry) % parts == 0 and not isinstance(parts, SymbolicSize):
            tie_chunks(recorder, entry, parts)
        else:
            recorder.book.fix(entry, "cut into unequal chunks")
    _give_parts(recorder, tensor, dim, call.out)


def _split(recorder: Recorder, call: Call) -> None:
    """Parts whose sizes follow the width are tied; literal sizes protect."""
    tensor = source(call)
    sizes = call.args[1] if len(call.args) > 1 else None
    if sizes is None:
        sizes = call.kwargs.get("split_size", call.kwargs.get("split_size_or_sections"))
    dim = axis(tensor, call.get(2, "dim", 0))
    entry = recorder.labels(tensor)[dim]
    if entry is not None:
        parts: list[Any] = [sizes] if isinstance(sizes, int) else list(sizes or ())
        shares = [_share(part, entry) for part in parts]
        if isinstance(sizes, list | tuple) and _are_own(parts):
            _unite_parts(recorder, parts, entry)
        elif None in shares:
            recorder.book.fix(entry, "split at a size written into the code")
            for part in parts:
                misuse(recorder, part)
        else:
            tie_chunks(recorder, entry, lcm(*(s.denominator for s in shares if s)))
    else:
        for part in [sizes] if isinstance(sizes, int) else list(sizes or ()):
            misuse(recorder, part)
    _give_parts(recorder, tensor, dim, call.out)


def _are_own(parts: list[Any]) -> TypeGuard[list[OwnWidth]]:
    return all(isinstance(part, OwnWidth) and part.share == 1 for part in parts)


def _unite_parts(recorder: Recorder, parts: list[OwnWidth], entry: LabelArray) -> None:
    """Let numbers that modules hold follow the stretches that they cut off."""
    start = 0
    for part in parts:
        stop = start + int.__int__(part)
        recorder.book.unite(part.labels, entry[start:stop])
        start = stop


def _share(size: Any, entry: LabelArray) -> Fraction | None:
    if isinstance(size, SymbolicSize) and np.array_equal(size.labels, entry):
        return size.share
    return None


def _give_parts(recorder: Recorder, tensor: Tensor, dim: int, outs: Any) -> None:
    labels = recorder.labels(tensor)
    entry, start = labels[dim], 0
    for out in outs:
        width = out.shape[dim]
        part = None if entry is None else entry[start : start + width]
        recorder.set(out, [*labels[:dim], part, *labels[dim + 1 :]])
        start += width


def _unbind(recorder: Recorder, call: Call) -> None:
    tensor = source(call)
    dim = axis(tensor, call.get(1, "dim", 0))
    labels = list(recorder.labels(tensor))
    entry = labels.pop(dim)
    if entry is not None:
        recorder.book.fix(entry, "taken apart channel by channel")
    for out in call.out:
        recorder.set(out, list(labels))


def _getitem(recorder: Recorder, call: Call) -> None:
    """Slices: full ones pass, those that follow the width are tied."""
    tensor, index = call.args
    keep(recorder, call, _taken(recorder, tensor, index))


def _setitem(recorder: Recorder, call: Call) -> None:
    """Values written into a part: what meets at one place lives or dies together."""
    tensor, index, value = call.args
    part = _masked_whole(recorder, tensor, index, value)
    if part is None:
        part = _taken(recorder, tensor, index)
    if not isinstance(value, Tensor):
        return
    labels = recorder.labels(value)
    for back in range(1, min(value.dim(), len(part)) + 1):
        if value.shape[-back] > 1:
            recorder.bind(part[-back], labels[-back])


def _masked_whole(
    recorder: Recorder, tensor: Tensor, index: Any, value: Any
) -> DimLabels | None:
    """Return labels of ``x[x < 0] = 0``, whose condition has the shape of the whole."""
    if not isinstance(index, Tensor) or index.dtype != torch.bool:
        return None
    if index.shape != tensor.shape or (isinstance(value, Tensor) and value.dim()):
        raise UnhandledError
    for own, other in zip(recorder.labels(tensor), recorder.labels(index), strict=True):
        recorder.bind(own, other)
    return []


def _taken(recorder: Recorder, tensor: Tensor, index: Any) -> DimLabels:
    """Return the labels of a part that is picked by slices and numbers."""
    items = list(index) if isinstance(index, tuple) else [index]
    if any(not isinstance(i, slice | int | None | type(...)) for i in items):
        raise UnhandledError
    if any(isinstance(i, bool) for i in items):
        raise UnhandledError
    taken = sum(i is not None and i is not ... for i in items)
    if ... not in items:
        items.append(...)
    where = items.index(...)
    items[where : where + 1] = [slice(None)] * (tensor.dim() - taken)
    entries = iter(recorder.labels(tensor))
    labels: DimLabels = []
    for item in items:
        if item is None:
            labels.append(None)
            continue
        entry = next(entries)
        if isinstance(item, slice):
            labels.append(_sliced(recorder, entry, item))
            continue
        misuse(recorder, item)
        if entry is not None:
            recorder.book.fix(entry, "one channel is picked by number")
    return labels


def _sliced(
    recorder: Recorder, entry: LabelArray | None, item: slice
) -> LabelArray | None:
    # Not ``item == slice(None)``: that would compare a width with None.
    if entry is None or (item.start is item.stop is item.step is None):
        for bound in (item.start, item.stop):
            misuse(recorder, bound)
        return entry
    bounds = [b for b in (item.start, item.stop) if b is not None and _plain(b) != 0]
    shares = [_share(bound, entry) for bound in bounds]
    stride = item.step not in (None, 1)
    if stride or None in shares:
        recorder.book.fix(entry, "sliced at a position written into the code")
        for bound in bounds:
            misuse(recorder, bound)
    else:
        tie_chunks(recorder, entry, lcm(*(s.denominator for s in shares if s)))
    return entry[_plain(item.start) : _plain(item.stop) : _plain(item.step)]


def _plain(bound: Any) -> int | None:
    return None if bound is None else int.__int__(bound)


def _narrow(recorder: Recorder, call: Call) -> None:
    tensor = source(call)
    dim = axis(tensor, call.get(1, "dim"))
    labels = list(recorder.labels(tensor))
    entry = labels[dim]
    if entry is not None:
        recorder.book.fix(entry, "sliced at a position written into the code")
        labels[dim] = None
    keep(recorder, call, labels)


RULES: dict[str, Rule] = {
    "cat": _cat,
    "concat": _cat,
    "concatenate": _cat,
    "stack": _stack,
    "chunk": _chunk,
    "split": _split,
    "split_with_sizes": _split,
    "unbind": _unbind,
    "getitem": _getitem,
    "setitem": _setitem,
    "narrow": _narrow,
}
