"""Where the time of a pruned network goes, layer by layer, and what would save more."""

import numpy as np

from core.pruning.planning.width_costs import CostTable
from core.pruning.tracing.graph import Alive
from core.pruning.tracing.labels import FIXED
from core.results.layers import LayerStep

_NARROW = (12, 8, 4)  # channels below a step that kernels are written for


def find_layer_steps(table: CostTable, alive: Alive) -> tuple[LayerStep, ...]:
    """Time every layer dense, as it is left, and one step narrower.

    Parameters
    ----------
    table
        Of the dense model; widths that were not asked for before are measured.
    alive
        bool (atoms,): living atoms.

    Returns
    -------
    tuple of LayerStep
        In the order in which layers run; a layer that is called twice has both times.
    """
    alive = alive.copy()
    alive[FIXED] = True
    dense = np.ones_like(alive)
    found: dict[str, LayerStep] = {}
    for place in table.places:
        layer = table.graph.layers[place]
        read, kept = (
            int(alive[atoms].sum()) for atoms in (layer.inputs, layer.outputs)
        )
        whole, left = table.layer(place, dense), table.at(place, read, kept)
        free = layer.outputs[layer.outputs != FIXED]
        lower, saves = 0, 0.0
        # Inputs and outputs of grouped layers cannot be narrowed one by one.
        if free.size and layer.groups == 1:
            least = kept - int(alive[free].sum())
            lower = _next_lower(kept, table.step, least)
        if lower:
            saves = max(left - table.at(place, read, lower), 0.0)
        before = found.get(layer.name)
        if before is not None:
            whole, left = whole + before.dense_ms, left + before.left_ms
            saves += before.saves_ms
        found[layer.name] = LayerStep(layer.name, whole, left, kept, lower, saves)
    table.save()
    return tuple(found.values())


def _next_lower(width: int, step: int, least: int) -> int:
    """Return the next lower width that the machine computes well, or 0."""
    below = (width - 1) // step * step
    options = [n for n in (below, *_NARROW) if max(least, 0) < n < width]
    return max(options, default=0)
