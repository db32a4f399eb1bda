"""Heuristics that ask what the others cannot say.

A channel that the other channels of its tensor predict well can go, because the
refit (``core.pruning.applying.refit``) puts the prediction in its place. What is
lost is the part that they cannot predict, weighed by what each reader does with it:
the saliency of the optimal brain surgeon (Hassibi & Stork 1993) for whole
columns, with the second moments of the input as the Hessian of a layer's error.

To read this file, start from `eliminate`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.pruning.scoring.heuristics.protocol import (
    AtomSums,
    Heuristic,
    Need,
    Scores,
    ScoringContext,
    parameters,
)
from core.pruning.scoring.statistics import Statistics
from core.pruning.tracing.counting import Counter
from core.pruning.tracing.graph import AtomArray, ChannelGraph, Layer
from core.pruning.tracing.labels import FIXED

Matrix = NDArray[np.float64]

_STEPS = 240
"""Eliminations happen in this many rounds: few enough for wide networks."""


@dataclass(slots=True)
class Reader:
    """The error of one layer (one group of it) as a function of its inputs.

    Parameters
    ----------
    atoms
        int64 (C,): atom of each input channel.
    gram
        float64 (C, C): W'W over outputs and kernel positions, outputs scaled to
        comparable units.
    inverse
        float64 (C, C): inverse of the ridged second moments.
    """

    atoms: AtomArray
    gram: Matrix
    inverse: Matrix

    def saliency(self) -> Scores:
        """float64 (C,): error when one channel goes and the rest is refitted."""
        spread = np.diagonal(self.inverse)
        return np.asarray(np.diagonal(self.gram) / np.maximum(spread, 1e-300))

    def drop(self, gone: NDArray[np.bool_]) -> None:
        """Eliminate channels and refit the rest: a block step of the surgeon."""
        stay = ~gone
        block = self.inverse[np.ix_(gone, gone)]
        weight = np.linalg.solve(block, self.inverse[np.ix_(gone, stay)])
        cross = self.gram[np.ix_(stay, gone)] @ weight
        inner = weight.T @ (self.gram[np.ix_(gone, gone)] @ weight)
        self.gram = self.gram[np.ix_(stay, stay)] - cross - cross.T + inner
        self.inverse = (
            self.inverse[np.ix_(stay, stay)] - self.inverse[np.ix_(stay, gone)] @ weight
        )
        self.atoms = self.atoms[stay]


def readers_of(ask: ScoringContext) -> list[Reader]:
    """Return every layer that reads prunable channels."""
    statistics, tensors = ask.measured, parameters(ask.module)
    tensors.update(dict(ask.module.named_buffers()))
    found = []
    for weight, layer in statistics.readers.items():
        if layer.depthwise or not (layer.inputs != FIXED).any():
            continue
        found.extend(_readers(layer, weight, tensors, statistics))
    return found


def _readers(
    layer: Layer, weight: str, tensors: dict[str, Tensor], statistics: Statistics
) -> list[Reader]:
    groups = layer.groups
    rows = _rows(layer, tensors[weight])
    scale = _output_scale(layer, statistics, tensors, rows)
    rows = rows * scale[:, :, None, None]
    inverse = statistics.inverse(weight).numpy()
    atoms = layer.inputs.reshape(groups, -1)
    result = []
    for index in range(groups):
        flat = rows[index].transpose(1, 0, 2).reshape(rows.shape[2], -1)
        gram = (flat @ flat.T).astype(np.float64)
        result.append(Reader(atoms[index], gram, inverse[index][:-1, :-1].copy()))
    return result


def _rows(layer: Layer, weight: Tensor) -> NDArray[np.float32]:
    """Return a weight as float32 (groups, outputs, inputs, kernel)."""
    flat = weight.detach().flatten(2) if weight.dim() > 2 else weight[:, :, None]
    if layer.kind == "transposed":
        wide = flat.reshape(layer.groups, -1, flat.shape[1], flat.shape[2])
        flat_groups = wide.transpose(1, 2)
    else:
        flat_groups = flat.reshape(layer.groups, -1, flat.shape[1], flat.shape[2])
    return np.asarray(flat_groups.float().cpu().numpy())


def _output_scale(
    layer: Layer,
    statistics: Statistics,
    tensors: dict[str, Tensor],
    rows: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return gains that make errors of different layers comparable.

    Behind a batch norm the gain is its own (units of its output); elsewhere one
    over the root mean square of the layer's output.
    """
    groups, outputs = rows.shape[:2]
    if layer.norm is not None:
        norm = statistics.graph.layers[layer.norm]
        var = norm.settings.get("var")
        if var is not None and norm.weight is not None:
            spread = (tensors[var] + norm.settings["eps"]).sqrt()
            gain = (tensors[norm.weight].abs() / spread).float().cpu().numpy()
            return np.asarray(gain.reshape(groups, outputs))
    second = statistics.moments[layer.weight or ""].second
    power = 0.0
    for index in range(groups):
        mean = second[index, :-1, -1]
        covariance = second[index, :-1, :-1] - np.outer(mean, mean)
        flat = rows[index].transpose(1, 0, 2).reshape(rows.shape[2], -1)
        power += float(np.einsum("io,ij,jo->", flat, covariance, flat, optimize=True))
    rms = np.sqrt(max(power, 1e-30) / (groups * outputs))
    return np.full((groups, outputs), 1.0 / rms, dtype=np.float32)


def _reconstruction(ask: ScoringContext) -> Scores:
    """One-shot saliency: no other channel is gone yet."""
    total = AtomSums(ask.graph)
    for reader in readers_of(ask):
        total.add(reader.atoms, reader.saliency())
    return _per_cost(total.sum, ask)


def _per_cost(scores: Scores, ask: ScoringContext) -> Scores:
    if ask.count != "macs":
        return scores
    cost = Counter(ask.graph).per_atom("macs")
    return scores / np.maximum(cost, 1.0)


def _elimination(ask: ScoringContext) -> Scores:
    """Backward elimination: position in the order in which channels went."""
    statistics = ask.measured
    key = f"elimination/{ask.count}"
    if key not in statistics.cache:
        statistics.cache[key] = eliminate(ask)
    return np.asarray(statistics.cache[key])


def eliminate(ask: ScoringContext) -> Scores:
    """Return the round and rank at which each atom goes, float64 (atoms,)."""
    graph = ask.graph
    counter = Counter(graph)
    readers = readers_of(ask)
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
    price = np.zeros(graph.atoms)
    for reader in readers:
        if reader.atoms.size:
            price += np.bincount(
                reader.atoms, weights=reader.saliency(), minlength=graph.atoms
            )
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
