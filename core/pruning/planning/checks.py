"""Requests that cannot be met, refused before any work is done."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, get_args

import torch
from torch import nn

from core.errors import PruningError
from core.pruning.planning.limits import Limits
from core.pruning.planning.scopes import layers_in, scope_names
from core.pruning.tracing.graph import ChannelGraph
from core.pruning.tracing.modes import tensors_of
from core.tables import MAX_SPARSITY
from core.types import Count

if TYPE_CHECKING:
    from core.pruning.scoring.statistics import Statistics


def check_request(
    graph: ChannelGraph, sparsity: float, count: Count, limits: Limits
) -> None:
    """Refuse what cannot be meant.

    Raises
    ------
    PruningError
        Values outside their range, or names of layers that there are not.
    """
    if not 0 <= sparsity <= MAX_SPARSITY:
        raise PruningError(
            f"Sparsity {sparsity} is outside 0 to {MAX_SPARSITY}: give the share to "
            "remove."
        )
    if count not in get_args(Count):
        raise PruningError(
            f"There is no count '{count}': choose params, macs or channels."
        )
    if limits.round_to < 1 or limits.min_channels < 1:
        raise PruningError("round_to and min_channels must be 1 or more.")
    for name in (*limits.locked, *limits.ratios):
        if not layers_in(graph, name):
            known = ", ".join(scope_names(graph)[:12])
            raise PruningError(
                f"There is no layer called '{name}': choose layers or prefixes such as "
                f"{known}."
            )


def check_model(module: nn.Module, graph: ChannelGraph) -> None:
    """Refuse weights that are not numbers, and another model's graph.

    Raises
    ------
    PruningError
        In both cases.
    """
    named = tensors_of(module)
    shapes = {name: tuple(tensor.shape) for name, tensor in named.items()}
    if any(graph.shapes.get(name) != shape for name, shape in shapes.items()):
        raise PruningError(
            "This graph was traced from another model: trace the model you prune."
        )
    with torch.no_grad():
        # A sum is finite when all values are; it reads them once and writes nothing.
        sums = {n: t.sum() for n, t in named.items() if t.is_floating_point()}
        values = [value.double() for value in sums.values()]
        finite = torch.stack(values).isfinite() if values else torch.ones(0).bool()
    if not finite.all():
        bad = list(sums)[int((~finite).nonzero()[0])]
        raise PruningError(
            f"Weights hold values that are not numbers (NaN or infinite, in {bad}): "
            "load intact weights."
        )


def check_statistics(
    statistics: "Statistics | None", shapes: Mapping[str, tuple[int, ...]]
) -> None:
    """Refuse statistics of another model than that with these shapes.

    Raises
    ------
    PruningError
        When a layer that was measured is not there, or has another shape.
    """
    if statistics is None:
        return
    for weight in statistics.readers:
        if statistics.graph.shapes[weight] != shapes.get(weight):
            raise PruningError(
                f"These statistics were measured on another model ({weight} differs): "
                "calibrate the model you prune."
            )
