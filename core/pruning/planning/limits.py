"""What a selection may not do, and what that means for each group of atoms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.pruning.tracing.graph import ChannelGraph
from core.pruning.tracing.labels import FIXED


@dataclass(frozen=True, slots=True)
class Limits:
    """What a selection may not do.

    Parameters
    ----------
    round_to
        Widths are multiples of this where the dense width is.
    min_channels
        No layer falls below this many channels.
    locked
        Names (or prefixes) of layers that keep all channels.
    ratios
        Layer name (or prefix) to the share of its channels that goes, fixed.
    """

    round_to: int = 1
    min_channels: int = 1
    locked: Sequence[str] = ()
    ratios: Mapping[str, float] = field(default_factory=dict)


def out_of_reach(reach: float, *, narrow: bool) -> str:
    """Return the sentence for a sparsity that cannot be met.

    Parameters
    ----------
    reach
        Largest share that can go, 0 to 1; what is named is never above it.
    narrow
        Whether the scope leaves out layers of the network.
    """
    most = f"At most {np.floor(reach * 1000 + 1e-9) / 10:.1f} % can be removed"
    if narrow:
        return (
            f"{most} in this scope; the other layers are kept. Choose a wider scope or "
            "a lower sparsity."
        )
    return (
        f"{most}: the rest is protected, locked or below the minimum of channels. "
        "Choose a lower sparsity, unlock layers or lower the minimum of channels."
    )


def floors(graph: ChannelGraph, min_channels: int) -> NDArray[np.int64]:
    """Atoms that each group must keep so that no layer is narrower than allowed."""
    floor = np.ones(len(graph.groups), dtype=np.int64)
    for index, (members, width) in enumerate(_group_widths(graph)):
        each = max(width // members, 1)
        floor[index] = min(-(-min_channels // each), members)
    return np.maximum(floor, 1)


def steps(graph: ChannelGraph, round_to: int) -> NDArray[np.int64]:
    """Atoms that each group must keep a multiple of."""
    found = np.ones(len(graph.groups), dtype=np.int64)
    for index, (members, width) in enumerate(_group_widths(graph)):
        each = max(width // members, 1)
        found[index] = max(round_to // np.gcd(round_to, each), 1)
    return found


def ladders(graph: ChannelGraph, step: int, limits: Limits) -> list[NDArray[np.int64]]:
    """Return the widths that each group may take when the aim is time.

    Parameters
    ----------
    graph
        Whose groups.
    step
        Channels that the machine computes together. A layer takes multiples of it,
        all of the first eight and then four to the double, and in narrow layers 4, 8
        and 12. ``limits.round_to``, when it is more than 1, takes its place.
    limits
        Floors hold.

    Returns
    -------
    list
        For each group int64 (n,): numbers of atoms, rising; the last is the dense one.
    """
    lowest = floors(graph, limits.min_channels)
    found = []
    for index, (members, width) in enumerate(_group_widths(graph)):
        each = max(width // members, 1)
        rungs = _rungs(width, limits.round_to if limits.round_to > 1 else step)
        if limits.round_to == 1:
            rungs |= {n for n in _NARROW if n < width <= _NARROW_SHARE * n}
        atoms = {n // each for n in rungs if n % each == 0}
        kept = sorted(n for n in atoms if lowest[index] <= n < members)
        found.append(np.array([*kept, members], dtype=np.int64))
    return found


_NARROW = (4, 8, 12)  # channels
_NARROW_SHARE = 24  # of a layer's width: less than one in so many is no layer


def _rungs(width: int, step: int) -> set[int]:
    found, rung, gap = set(), step, step
    while rung < width:
        if width <= _NARROW_SHARE * rung:
            found.add(rung)
        if rung >= 8 * gap:
            gap *= 2
        rung += gap
    return found


def _group_widths(graph: ChannelGraph) -> list[tuple[int, int]]:
    """For each group, its atoms and the channels of its narrowest layer."""
    width = np.full(len(graph.groups), np.iinfo(np.int64).max)
    for layer in graph.producing_layers:
        owners = graph.group_of[layer.outputs[layer.outputs != FIXED]]
        if owners.size:
            index, sizes = np.unique(owners, return_counts=True)
            width[index] = np.minimum(width[index], sizes)
    return [(group.size, int(w)) for group, w in zip(graph.groups, width, strict=True)]
