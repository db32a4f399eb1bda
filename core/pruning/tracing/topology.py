"""The shape of a network, for drawing it: stages, lanes, scales and skips.

All of it is read from the trace; names say nothing here, so a network that is
not of this project is drawn as well as one that is.

To read this file, start from `layer_positions`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log2, prod
from typing import Literal

from core.pruning.tracing.graph import OUTPUT, ChannelGraph

Stage = Literal["encoder", "bottleneck", "decoder", "head"]


@dataclass(frozen=True, slots=True)
class LayerPosition:
    """Where one layer stands.

    Parameters
    ----------
    name
        Of the layer.
    stage
        Before, at and after the smallest resolution; ``"head"`` makes an output.
    lane
        0 for what serves several outputs (or the only one), else 1 and up: the
        branch that serves one of them alone.
    level
        How often its resolution was halved, counted from the largest.
    reads
        Layers that it reads, the latest last: the others are skips.
    """

    name: str
    stage: Stage
    lane: int
    level: int
    reads: tuple[str, ...] = ()


def layer_positions(graph: ChannelGraph) -> tuple[LayerPosition, ...]:
    """Return where each layer that makes channels stands, in the order they run.

    Parameters
    ----------
    graph
        From `core.pruning.trace`. A layer that runs several times stands where it
        first did.
    """
    names = {
        index: layer.name
        for index, layer in enumerate(graph.layers)
        if layer.kind != "norm"
    }
    first: dict[str, int] = {}
    for index, name in names.items():
        first.setdefault(name, index)
    lanes = _lanes(graph)
    levels = _levels(graph, list(names))
    stages = _stages(graph, list(names), levels, lanes)
    reads: dict[str, dict[str, None]] = {name: {} for name in first}
    for maker, reader in sorted(graph.wires.links):
        if names[maker] != names[reader]:
            reads[names[reader]][names[maker]] = None
    return tuple(
        LayerPosition(
            name, stages[index], lanes[index], levels[index], tuple(reads[name])
        )
        for name, index in first.items()
    )


def _lanes(graph: ChannelGraph) -> Mapping[int, int]:
    """Number the branches that serve one output alone, in the order of outputs."""
    serves: list[set[int]] = [set() for _ in graph.layers]
    for output, producing_layers in enumerate(graph.wires.ends):
        for maker in producing_layers:
            serves[maker].add(output)
    # Links go forward only, so one pass from the end sees every reader first.
    for maker, reader in sorted(graph.wires.links, key=lambda link: -link[1]):
        serves[maker] |= serves[reader]
    alone = sorted({next(iter(s)) for s in serves if len(s) == 1})
    if len(graph.wires.ends) < 2:
        alone = []
    numbers = {output: place for place, output in enumerate(alone, start=1)}
    return {
        index: numbers.get(next(iter(outputs)), 0) if len(outputs) == 1 else 0
        for index, outputs in enumerate(serves)
    }


def _levels(graph: ChannelGraph, indices: list[int]) -> Mapping[int, int]:
    """Return how often each resolution was halved; a vector takes the last one's."""
    areas = {index: prod(graph.wires.sides.get(index, ())) for index in indices}
    largest = max(areas.values(), default=1)
    levels: dict[int, int] = {}
    last = 0
    for index in indices:
        # Pooled to one value (squeeze and excite, classifiers): no scale of its own.
        if areas[index] > 1:
            last = round(log2(largest / areas[index]) / 2)
        levels[index] = last
    return levels


def _stages(
    graph: ChannelGraph,
    indices: list[int],
    levels: Mapping[int, int],
    lanes: Mapping[int, int],
) -> Mapping[int, Stage]:
    """Divide at the smallest resolution, where there is a way up again."""
    ends = {
        maker for producing_layers in graph.wires.ends for maker in producing_layers
    }
    trunk = [index for index in indices if lanes[index] == 0] or indices
    lowest = max((levels[index] for index in trunk), default=0)
    start = stop = next((i for i in trunk if levels[i] == lowest), 0)
    for index in trunk:
        if index > start and levels[index] < lowest - 1:
            break  # a second valley is a decoder that goes down again
        if levels[index] == lowest:
            stop = index
    up = any(levels[index] < lowest for index in indices if index > stop)
    found: dict[int, Stage] = {}
    for index in indices:
        if index in ends and graph.reasons.get(graph.layers[index].name) == OUTPUT:
            found[index] = "head"
        elif not up or index < start:
            found[index] = "encoder"
        else:
            found[index] = "bottleneck" if index <= stop else "decoder"
    return found
