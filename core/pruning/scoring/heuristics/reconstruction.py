"""Heuristics that ask what the others cannot say.

Channels go a few at a time, those first whose readers can do best without them
for what they cost (`core.pruning.scoring.readers`). ``reconstruction`` weighs the
error of a layer by the spread of its output, ``sensitivity`` by how far it moves
the outputs of the model.

To read this file, start from `eliminate`.
"""

import numpy as np
from numpy.typing import NDArray

from core.pruning.scoring.heuristics.protocol import (
    AtomSums,
    Heuristic,
    Need,
    Scores,
    ScoringContext,
    Weighing,
)
from core.pruning.scoring.readers import Reader, build_readers
from core.pruning.tracing.counting import Counter
from core.pruning.tracing.graph import AtomArray, ChannelGraph
from core.pruning.tracing.labels import FIXED

_STEPS = 240
"""Eliminations happen in this many rounds: few enough for wide networks."""


def _reconstruction(ask: ScoringContext) -> Scores:
    """One-shot saliency: no other channel is gone yet."""
    total = AtomSums(ask.graph)
    for reader in build_readers(ask, "outputs"):
        total.add(reader.atoms, reader.saliency())
    return _per_cost(total.sum, ask)


def _per_cost(scores: Scores, ask: ScoringContext) -> Scores:
    if ask.count != "macs":
        return scores
    cost = Counter(ask.graph).per_atom("macs")
    return scores / np.maximum(cost, 1.0)


def _elimination(ask: ScoringContext, weighing: Weighing = "outputs") -> Scores:
    """Backward elimination: position in the order in which channels went."""
    statistics = ask.measured
    key = f"elimination/{weighing}/{ask.count}"
    if key not in statistics.cache:
        statistics.cache[key] = eliminate(ask, weighing)
    return np.asarray(statistics.cache[key])


def _sensitivity(ask: ScoringContext) -> Scores:
    return _elimination(ask, "gradients")


def _without_gradients(ask: ScoringContext) -> tuple[str, ...]:
    """Say so when errors could not be weighed by gradients."""
    reason = ask.measured.curvature(ask.module).reason
    if not reason:
        return ()
    return (
        f"this model cannot be differentiated ({reason}): layers are weighed by the "
        "spread of their outputs instead",
    )


def eliminate(ask: ScoringContext, weighing: Weighing) -> Scores:
    """Return the round and rank at which each atom goes, float64 (atoms,)."""
    graph = ask.graph
    counter = Counter(graph)
    readers = build_readers(ask, weighing)
    alive = np.ones(graph.atoms, dtype=bool)
    alive[FIXED] = False
    place = np.zeros(graph.atoms)
    done = 0
    batch = max(1, graph.atoms // _STEPS)
    while alive.any():
        price = _prices(graph, readers) / np.maximum(
            counter.per_atom(ask.count, alive), 1.0
        )
        chosen = _cheapest(graph, price, alive, batch)
        place[chosen] = done + 1 + np.arange(chosen.size)
        done += chosen.size
        alive[chosen] = False
        for reader in readers:
            gone = np.isin(reader.atoms, chosen)
            if gone.any():
                reader.drop(gone)
    return place


def _prices(graph: ChannelGraph, readers: list[Reader]) -> Scores:
    """Return what each atom costs; without end where no layer says (attention)."""
    price = np.zeros(graph.atoms)
    read = np.zeros(graph.atoms, dtype=bool)
    for reader in readers:
        if reader.atoms.size:
            read[reader.atoms] = True
            price += np.bincount(
                reader.atoms, weights=reader.saliency(), minlength=graph.atoms
            )
    price[~read] = np.inf
    return price


def _cheapest(
    graph: ChannelGraph, price: Scores, alive: NDArray[np.bool_], batch: int
) -> AtomArray:
    """Return the next atoms to go, at most a small share of any one group.

    Two channels that stand in for each other look cheap both; only one of them
    may go before the other is looked at again.
    """
    candidates = np.flatnonzero(alive)
    order = candidates[np.argsort(price[candidates], kind="stable")]
    owner = graph.group_of[order]
    left = np.bincount(graph.group_of[candidates], minlength=len(graph.groups))
    rank = np.empty(order.size, dtype=np.int64)
    by_group = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[by_group], np.arange(len(graph.groups)))
    rank[by_group] = np.arange(order.size) - starts[owner[by_group]]
    fits = rank < np.maximum(left[owner] // 16, 1)
    return np.asarray(order[fits][:batch])


_STATISTICS: frozenset[Need] = frozenset({"statistics"})

RECONSTRUCTION = Heuristic(
    "reconstruction",
    "Reconstruction",
    "Removes, few at a time, the channels that the remaining ones can replace best "
    "for what they cost, as measured on a few unlabelled tiles.",
    "Hassibi & Stork 1993 (optimal brain surgeon), for whole channels; cf. Kurtic et "
    "al. 2023, arXiv 2302.04089 (ZipLM)",
    _elimination,
    _STATISTICS,
    weighs_cost=True,
    weighing="outputs",
)
RECONSTRUCTION_ONCE = Heuristic(
    "reconstruction_once",
    "Reconstruction, one shot",
    "Like reconstruction, but every channel is judged while all others are still "
    "there: quicker, and worse beyond half of the parameters.",
    "Hassibi & Stork 1993; cf. He et al. 2017, arXiv 1707.06168",
    _reconstruction,
    _STATISTICS,
    weighs_cost=True,
)
SENSITIVITY = Heuristic(
    "sensitivity",
    "Sensitivity",
    "Like reconstruction, with each layer's error weighed by how far it moves the "
    "outputs of the model: one backward pass a tile, no labels.",
    "Hassibi & Stork 1993 (optimal brain surgeon) with Kronecker-factored curvature: "
    "Martens & Grosse 2015, arXiv 1503.05671; cf. Kurtic et al. 2023, arXiv 2302.04089",
    _sensitivity,
    _STATISTICS,
    weighs_cost=True,
    weighing="gradients",
    notes=_without_gradients,
)
