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


def _group_widths(graph: ChannelGraph) -> list[tuple[int, int]]:
    """For each group, its atoms and the channels of its narrowest layer."""
    width = np.full(len(graph.groups), np.iinfo(np.int64).max)
    for layer in graph.producing_layers:
        owners = graph.group_of[layer.outputs[layer.outputs != FIXED]]
        if owners.size:
            index, sizes = np.unique(owners, return_counts=True)
            width[index] = np.minimum(width[index], sizes)
    return [(group.size, int(w)) for group, w in zip(graph.groups, width, strict=True)]
