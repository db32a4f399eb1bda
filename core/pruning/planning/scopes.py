"""Which atoms a scope name stands for."""

import numpy as np

from core.pruning.tracing.graph import Alive, ChannelGraph
from core.pruning.tracing.labels import FIXED

_DECODER_PARTS = ("dec", "up", "grow", "gate", "head", "out")


def part_of(layer: str) -> str:
    """Return ``"decoder"`` or ``"encoder"`` for a layer's name.

    A layer belongs to the decoder when a part of its path starts with ``dec``,
    ``up``, ``grow`` or ``gate``, as in HoVer-Net and the U-Nets.
    """
    parts = layer.lower().split(".")
    return "decoder" if any(p.startswith(_DECODER_PARTS) for p in parts) else "encoder"


def allowed_atoms(graph: ChannelGraph, scope: str) -> Alive:
    """Return the atoms that only layers of a scope make, bool (atoms,).

    An atom that a layer outside the scope makes as well stays out: pruning a
    decoder must not narrow the encoder that it shares channels with.
    """
    return touched_atoms(graph, scope) & ~_made_outside(graph, scope)


def touched_atoms(graph: ChannelGraph, scope: str) -> Alive:
    """Return the atoms that any layer of a scope makes, bool (atoms,)."""
    found = np.zeros(graph.atoms, dtype=bool)
    for layer in graph.producing_layers:
        if is_in(layer.name, scope):
            found[layer.outputs] = True
    found[FIXED] = False
    return found


def _made_outside(graph: ChannelGraph, scope: str) -> Alive:
    found = np.zeros(graph.atoms, dtype=bool)
    for layer in graph.producing_layers:
        if not is_in(layer.name, scope):
            found[layer.outputs] = True
    return found


def is_in(layer: str, scope: str) -> bool:
    """Tell whether a layer belongs to a scope by its name."""
    if scope in ("encoder", "decoder"):
        return part_of(layer) == scope
    return (layer + ".").startswith(scope.rstrip(".") + ".")


def scope_names(graph: ChannelGraph) -> tuple[str, ...]:
    """Return prefixes that can be used as a scope: branches first, then layers."""
    names = [layer.name for layer in graph.producing_layers]
    branches = {".".join(n.split(".")[:k]) for n in names for k in (1, 2)}
    ordered = [*sorted(branches - set(names)), *names]
    return tuple(n for n in dict.fromkeys(ordered) if allowed_atoms(graph, n).any())
