"""Which layers and atoms a scope stands for.

Encoder and decoder are read from the trace, as the drawing of the network is; any
other scope is the name of a layer, or what several names begin with.
"""

from collections.abc import Mapping

import numpy as np

from core.pruning.tracing.graph import Alive, ChannelGraph
from core.pruning.tracing.labels import FIXED
from core.pruning.tracing.topology import Stage, layer_positions

WHOLE = ("network", "layer")
"""Scopes that leave out no layer."""

PARTS: Mapping[str, frozenset[Stage]] = {
    "encoder": frozenset({"encoder", "bottleneck"}),
    "decoder": frozenset({"decoder", "head"}),
}
"""Scopes that are parts of the network: everything up to the lowest resolution, and
everything after it."""


def layers_in(graph: ChannelGraph, scope: str) -> frozenset[str]:
    """Return the names of the layers that make channels in a scope.

    Parameters
    ----------
    graph
        From `core.pruning.trace`.
    scope
        ``"encoder"``, ``"decoder"``, a layer, or the path of a module that holds
        layers.
    """
    if scope in PARTS:
        stages = PARTS[scope]
        return frozenset(p.name for p in layer_positions(graph) if p.stage in stages)
    start = scope.rstrip(".") + "."
    names = (layer.name for layer in graph.producing_layers)
    return frozenset(name for name in names if (name + ".").startswith(start))


def allowed_atoms(graph: ChannelGraph, scope: str) -> Alive:
    """Return the atoms that only layers of a scope make, bool (atoms,).

    An atom that a layer outside the scope makes as well stays out: pruning a
    decoder must not narrow the encoder that it shares channels with.
    """
    inside = layers_in(graph, scope)
    found, outside = np.zeros((2, graph.atoms), dtype=bool)
    for layer in graph.producing_layers:
        (found if layer.name in inside else outside)[layer.outputs] = True
    found[FIXED] = False
    return found & ~outside


def touched_atoms(graph: ChannelGraph, scope: str) -> Alive:
    """Return the atoms that any layer of a scope makes, bool (atoms,)."""
    inside = layers_in(graph, scope)
    found = np.zeros(graph.atoms, dtype=bool)
    for layer in graph.producing_layers:
        if layer.name in inside:
            found[layer.outputs] = True
    found[FIXED] = False
    return found


def scope_names(graph: ChannelGraph) -> tuple[str, ...]:
    """Return prefixes that can be used as a scope: branches first, then layers."""
    names = [layer.name for layer in graph.producing_layers]
    branches = {".".join(n.split(".")[:k]) for n in names for k in (1, 2)}
    ordered = [*sorted(branches - set(names)), *names]
    return tuple(n for n in dict.fromkeys(ordered) if allowed_atoms(graph, n).any())
