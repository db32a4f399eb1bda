"""From scores to a plan: scopes, targets, floors and rounding.

Whatever the scope, one ordering of all atoms is made and the shortest prefix of
it that meets the target is removed; floors and rounding are part of the function
that bisection runs on, so the target is met with them, not before them.

To read this file, start from `make_plan`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from core.errors import PruningError
from core.pruning.planning.checks import check_model, check_request, check_statistics
from core.pruning.planning.limits import Limits, floors, steps
from core.pruning.planning.plan import Kept, PruningPlan
from core.pruning.planning.scopes import allowed_atoms, scope_names, touched_atoms
from core.pruning.scoring.heuristics import ScoringContext, find_heuristic
from core.pruning.scoring.statistics import Statistics
from core.pruning.tracing.counting import Counter
from core.pruning.tracing.graph import Alive, ChannelGraph
from core.pruning.tracing.labels import FIXED
from core.types import Count, Counts

Scores = NDArray[np.float64]


def make_plan(  # noqa: PLR0913 - the contract that callers rely on
    module: nn.Module,
    graph: ChannelGraph,
    heuristic: str,
    sparsity: float,
    *,
    scope: str = "network",
    count: Count = "params",
    statistics: Statistics | None = None,
    round_to: int = 1,
    min_channels: int = 1,
    seed: int = 0,
    locked: Sequence[str] = (),
    ratios: Mapping[str, float] | None = None,
    cost_aware: bool = False,
) -> PruningPlan:
    """Decide what to remove; nothing is changed yet.

    Parameters
    ----------
    module, graph
        A model and its trace.
    heuristic
        Key of `HEURISTICS`.
    sparsity
        Share of ``count`` to remove, 0 to `MAX_SPARSITY`; met within one atom.
    scope
        ``"layer"`` (same share in every layer), ``"network"`` (one ranking),
        ``"encoder"``, ``"decoder"``, or the prefix of a branch or layer.
    count
        ``"params"``, ``"macs"`` or ``"channels"``.
    statistics
        From `calibrate`, for heuristics that look at activations.
    round_to, min_channels, locked, ratios
        See `Limits`.
    seed
        For random heuristics.
    cost_aware
        Rank channels by what they are worth for what they cost (in ``count``), so
        that dear ones go first. Without effect on heuristics that do so anyway.

    Returns
    -------
    PruningPlan

    Raises
    ------
    PruningError
        Sparsity outside its range or out of reach, unknown heuristic or scope,
        missing statistics, weights that are not finite, another model's graph or
        statistics.
    """
    limits = Limits(round_to, min_channels, locked, ratios or {})
    check_model(module, graph)
    check_request(graph, sparsity, count, limits)
    check_statistics(statistics, graph.shapes)
    ask = ScoringContext(module, graph, statistics, seed, count)
    chosen = find_heuristic(heuristic)
    scores = chosen.score(ask)
    selector = Selector(graph, limits)
    if cost_aware and not chosen.weighs_cost:
        scores = scores / np.maximum(selector.counter.per_atom(count), 1.0)
    alive = selector.select(scores, sparsity, scope, count)
    request = {
        "heuristic": heuristic,
        "sparsity": sparsity,
        "scope": scope,
        "count": count,
        "round_to": round_to,
        "min_channels": min_channels,
        "seed": seed,
        **({"cost_aware": True} if cost_aware else {}),
        **({"locked": list(locked)} if locked else {}),
        **({"ratios": dict(ratios)} if ratios else {}),
    }
    return plan_of(graph, alive, request, chosen.notes(ask))


def plan_of(
    graph: ChannelGraph,
    alive: Alive,
    request: Mapping[str, Any],
    notes: Sequence[str] = (),
) -> PruningPlan:
    """Write a set of living atoms as a plan; notes go before its own warnings."""
    alive = alive.copy()
    alive[FIXED] = True
    kept: dict[str, Kept] = {}
    for name, entries in graph.dims.items():
        kept[name] = tuple(
            None
            if entry is None or alive[entry].all()
            else np.flatnonzero(alive[entry])
            for entry in entries
        )
    attributes: dict[str, int | tuple[int, ...]] = {}
    for attribute in graph.attributes:
        width = int(alive[attribute.atoms].sum())
        if width != attribute.atoms.size:
            attributes[attribute.path] = (width,) if attribute.as_tuple else width
    warnings = (*notes, *_collapse_warnings(graph, alive))
    return PruningPlan(kept, graph.shapes, attributes, request, warnings)


def _collapse_warnings(graph: ChannelGraph, alive: Alive) -> tuple[str, ...]:
    found = []
    for layer in graph.producing_layers:
        left, width = int(alive[layer.outputs].sum()), layer.outputs.size
        if left < width and left <= max(1, width // 50):
            found.append(f"{layer.name} is down to {left} of {width} channels")
    return tuple(dict.fromkeys(found))


class Selector:
    """Chooses which atoms go, for one graph and one set of limits."""

    def __init__(self, graph: ChannelGraph, limits: Limits | None = None) -> None:
        self.graph = graph
        self.counter = Counter(graph)
        limits = limits or Limits()
        self._limits = limits
        sizes = np.array([group.size for group in graph.groups], dtype=np.int64)
        self._sizes = sizes
        self._floor = floors(graph, limits.min_channels)
        self._step = steps(graph, limits.round_to)
        self._locked = np.zeros(graph.atoms, dtype=bool)
        for name in limits.locked:
            self._locked |= touched_atoms(graph, name)
        self._locked[FIXED] = True

    def select(
        self, scores: Scores, sparsity: float, scope: str, count: Count
    ) -> Alive:
        """Return living atoms, bool (atoms,), that meet a sparsity.

        Parameters
        ----------
        scores
            float64 (atoms,), higher is worth more.
        sparsity, scope, count
            As for `make_plan`.
        """
        free = self._free(scope)
        given = self._by_ratio(scores, free)
        order = self._order(scores, free, layerwise=scope == "layer")
        return self._bisect(order, given, sparsity, count)

    def select_below(
        self, scores: Scores, goal: float, scope: str, cost: Callable[[Alive], float]
    ) -> Alive:
        """Return living atoms, as many as cost no more than a goal.

        Parameters
        ----------
        scores, scope
            As for `select`.
        goal
            Most that what is left may cost.
        cost
            What a set of living atoms costs, in any unit.

        Raises
        ------
        PruningError
            When even the least that limits allow costs more.
        """
        free = self._free(scope)
        given = self._by_ratio(scores, free)
        order = self._order(scores, free, layerwise=scope == "layer")

        def left(gone: int) -> float:
            return cost(self._alive_after(order, gone, given))

        least = left(order.size)
        if least > goal:
            raise PruningError(
                f"{goal:.3g} ms are out of reach: {least:.3g} ms are left when all "
                "that may go is gone. Ask for more time, or widen the scope."
            )
        return self._alive_after(order, _shortest(order.size, goal, left), given)

    def sizes(self, scores: Scores, scope: str, points: int) -> list[Counts]:
        """Return all sizes at evenly spread lengths of the removed prefix."""
        found = self.prefixes(scores, scope, points)
        return [self.counter.counts(alive) for alive in found]

    def prefixes(self, scores: Scores, scope: str, points: int) -> list[Alive]:
        """Return living atoms at evenly spread lengths of the removed prefix."""
        free = self._free(scope)
        given = self._by_ratio(scores, free)
        order = self._order(scores, free, layerwise=scope == "layer")
        lengths = np.unique(np.linspace(0, order.size, points).round().astype(int))
        return [self._alive_after(order, int(n), given) for n in lengths]

    def _free(self, scope: str) -> Alive:
        free = ~self._locked
        if scope not in ("network", "layer"):
            chosen = allowed_atoms(self.graph, scope)
            if not (chosen & ~self._locked).any():
                names = ", ".join(scope_names(self.graph)[:12])
                raise PruningError(
                    f"Nothing can be pruned in scope '{scope}': choose one of layer, "
                    f"network, encoder, decoder, or a prefix such as {names}."
                )
            free &= chosen
        return free

    def _by_ratio(self, scores: Scores, free: Alive) -> Alive:
        """Remove fixed shares of named layers; they leave the common ranking."""
        alive = np.ones(self.graph.atoms, dtype=bool)
        for name, share in self._limits.ratios.items():
            if not 0 <= share < 1:
                raise PruningError(
                    f"The share {share} for {name} is outside 0 to 1: give the part of "
                    "its channels that goes."
                )
            chosen = allowed_atoms(self.graph, name)
            for index in np.unique(self.graph.group_of[chosen & ~self._locked]):
                members = self.graph.groups[index]
                gone = round(share * members.size)
                alive[members[np.argsort(scores[members], kind="stable")[:gone]]] = (
                    False
                )
            free &= ~chosen
        return alive

    def _order(
        self, scores: Scores, free: Alive, *, layerwise: bool
    ) -> NDArray[np.int64]:
        """Return free atoms, the first to go first."""
        keys = scores
        if layerwise:
            keys = np.zeros_like(scores)
            for members in self.graph.groups:
                rank = np.empty(members.size)
                rank[np.argsort(scores[members], kind="stable")] = np.arange(
                    members.size
                )
                keys[members] = (rank + 0.5) / members.size
        order = (
            np.lexsort((scores, keys)) if layerwise else np.argsort(keys, kind="stable")
        )
        return np.asarray(order[free[order]], dtype=np.int64)

    def _alive_after(self, order: NDArray[np.int64], gone: int, given: Alive) -> Alive:
        """Remove a prefix of the order, then give back what floors and steps ask."""
        alive = given.copy()
        alive[order[:gone]] = False
        alive[FIXED] = True
        groups = self.graph.group_of
        left = np.bincount(groups[1:][alive[1:]], minlength=self._sizes.size)
        need = np.maximum(left, self._floor)
        need = np.minimum(-(-need // self._step) * self._step, self._sizes)
        short = np.flatnonzero(need > left)
        if short.size:
            self._give_back(alive, order[:gone], need - left, short)
        return alive

    def _give_back(
        self,
        alive: Alive,
        removed: NDArray[np.int64],
        lack: NDArray[np.int64],
        short: NDArray[np.int64],
    ) -> None:
        """Revive, group by group, what was removed last."""
        groups = self.graph.group_of[removed]
        by_group = np.argsort(groups, kind="stable")
        ends = np.searchsorted(groups[by_group], short, side="right")
        starts = np.searchsorted(groups[by_group], short, side="left")
        for group, start, end in zip(short, starts, ends, strict=True):
            back = by_group[max(start, end - int(lack[group])) : end]
            alive[removed[back]] = True

    def _bisect(
        self, order: NDArray[np.int64], given: Alive, sparsity: float, count: Count
    ) -> Alive:
        dense = self.counter.one(np.ones(self.graph.atoms, dtype=bool), count)
        goal = (1.0 - sparsity) * dense

        def left(gone: int) -> int:
            return self.counter.one(self._alive_after(order, gone, given), count)

        if sparsity == 0 and not self._limits.ratios:
            return np.ones(self.graph.atoms, dtype=bool)
        least = left(order.size)
        if least > goal and least - goal > self._one_atom(count):
            reach = 1 - least / dense
            raise PruningError(
                f"{sparsity:.1%} of {count} cannot be removed: what is left would be "
                f"protected. Ask for at most {np.floor(reach * 1000) / 10:.1f}%, or "
                "widen the scope or lower the minimum of channels."
            )
        low = _shortest(order.size, goal, left)
        # One atom more or less: the nearer of the two.
        if low and abs(left(low - 1) - goal) <= abs(left(low) - goal):
            low -= 1
        return self._alive_after(order, low, given)

    def _one_atom(self, count: Count) -> float:
        return float(self.counter.per_atom(count).max(initial=0.0))


def _shortest(longest: int, goal: float, left: Callable[[int], float]) -> int:
    """Return the shortest removed prefix that leaves no more than the goal."""
    low, high = 0, longest
    while low < high:
        middle = (low + high) // 2
        if left(middle) <= goal:
            high = middle
        else:
            low = middle + 1
    return low
