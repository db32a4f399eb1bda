"""Reshapes: which new dimension carries the labels, and what a reshape would break.

To read this file, start from `reshape`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.pruning.tracing.labels import LabelArray
from core.pruning.tracing.own_widths import OwnWidth
from core.pruning.tracing.recording import DimLabels, Recorder
from core.pruning.tracing.symbolic_sizes import SymbolicSize

FREE = -1
"""A size that follows from the others, as in ``x.view(b, -1)``."""


@dataclass(frozen=True, slots=True)
class _Block:
    """Neighbouring dimensions in and out that hold the same values."""

    before: range
    after: range


def reshape(
    recorder: Recorder,
    labels: DimLabels,
    shape: Sequence[int],
    wanted: Sequence[int],
    result: Sequence[int],
) -> DimLabels:
    """Return the labels after a reshape, protecting what it would break.

    Parameters
    ----------
    recorder
        Where unions and fixes are written.
    labels, shape
        Of the tensor that is reshaped.
    wanted
        The sizes as the code gave them: `FREE`, a `SymbolicSize`, or a literal.
    result
        The sizes that came out.
    """
    out: DimLabels = [None] * len(result)
    carriers: set[int] = set()
    for block in _blocks(shape, result):
        labelled = [d for d in block.before if labels[d] is not None]
        if not labelled:
            continue
        if len(labelled) > 1:
            for dim in labelled:
                fix_entry(
                    recorder, labels[dim], "reshaped together with other channels"
                )
            continue
        dim = labelled[0]
        entry = labels[dim]
        assert entry is not None
        start = block.after.start
        free = [d - start for d in block.after if follows(wanted[d], entry)]
        bound = None if free else _other_width(wanted, block)
        if bound is not None:
            free = [bound - start]
        if not free:
            fix_entry(recorder, entry, "reshaped to a size written into the code")
            continue
        before = [shape[d] for d in block.before]
        ones = [1] * len(before)
        ones[dim - block.before.start] = len(entry)
        full = np.broadcast_to(entry.reshape(ones), before)
        full = full.reshape([result[d] for d in block.after])
        carrier, carried = _carry(recorder, full, free)
        if bound is not None:
            _unite_width(recorder, wanted[bound], carried)
        out[start + carrier] = carried
        carriers.add(start + carrier)
    for dim, size in enumerate(wanted):
        if dim not in carriers:
            misuse(recorder, size)
    return out


def _other_width(wanted: Sequence[int], block: _Block) -> int | None:
    """Return the dimension whose size is given by a width of other channels.

    ``fc(y).view(b, c, 1, 1)`` with ``c`` from another tensor: the two sets of
    channels are then equally wide, before and after pruning.
    """
    found = [
        dim
        for dim in block.after
        if isinstance(size := wanted[dim], SymbolicSize)
        and size.share.numerator == 1
        and len(size.labels) % size.share.denominator == 0
        and int.__int__(size) > 1
    ]
    # A tensor's width says more than a number that a module holds.
    found.sort(key=lambda dim: isinstance(wanted[dim], OwnWidth))
    return found[0] if found else None


def _unite_width(recorder: Recorder, size: int, carried: LabelArray) -> None:
    """Tie the channels that a width counts to those that are carried."""
    assert isinstance(size, SymbolicSize)
    rows = size.labels.reshape(size.share.denominator, -1)
    recorder.book.unite(rows[:1], rows[1:])
    recorder.book.unite(rows[0], carried)


def misuse(recorder: Recorder, size: object) -> None:
    """Fix what a width counts, where it is used for anything but that."""
    if isinstance(size, SymbolicSize):
        recorder.book.fix(size.labels, "its width sets the size of something else")


def _carry(
    recorder: Recorder, full: LabelArray, free: list[int]
) -> tuple[int, LabelArray]:
    """Choose which new dimension carries the labels, and return them.

    ``full`` holds the label of every value in the block's new shape. Values at
    one index of the carrier live or die together, so that what is left is a full
    rectangle again.
    """
    carrier = max(free, key=lambda d: _is_apart(full, d))
    rows = np.moveaxis(full, carrier, 0).reshape(full.shape[carrier], -1)
    recorder.book.unite(rows[:, :1], rows[:, 1:])
    return carrier, rows[:, 0].copy()


def _is_apart(full: LabelArray, dim: int) -> bool:
    """Tell whether labels depend on this dimension alone."""
    rows = np.moveaxis(full, dim, 0).reshape(full.shape[dim], -1)
    return bool((rows == rows[:, :1]).all())


def follows(size: int, entry: LabelArray) -> bool:
    """Tell whether a size follows from the labels, or from all other sizes."""
    if isinstance(size, SymbolicSize):
        return np.array_equal(size.labels, entry)
    return int.__int__(size) == FREE


def fix_entry(recorder: Recorder, entry: LabelArray | None, reason: str) -> None:
    """Protect the channels of a dimension, if it has any."""
    if entry is not None:
        recorder.book.fix(entry, reason)


def _blocks(shape: Sequence[int], result: Sequence[int]) -> Iterator[_Block]:
    i = j = 0
    while i < len(shape) or j < len(result):
        first_i, first_j = i, j
        left = shape[i] if i < len(shape) else 1
        right = result[j] if j < len(result) else 1
        i, j = min(i + 1, len(shape)), min(j + 1, len(result))
        while left != right:
            if left < right:
                left *= shape[i]
                i += 1
            else:
                right *= result[j]
                j += 1
        yield _Block(range(first_i, i), range(first_j, j))
