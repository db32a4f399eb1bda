"""From scores to living atoms: scopes, targets, floors and rounding.

Whatever the scope, one ordering of all atoms is made and the shortest prefix of
it that meets the target is removed; floors and rounding are part of the function
that bisection runs on, so the target is met with them, not before them.

To read this file, start from `Selector`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import PruningError
from core.pruning.planning.limits import Limits, floors, out_of_reach, steps
from core.pruning.planning.plan import Kept, PruningPlan
from core.pruning.planning.scopes import (
    WHOLE,
    allowed_atoms,
    scope_names,
    touched_atoms,
)
from core.pruning.tracing.counting import Counter
from core.pruning.tracing.graph import Alive, ChannelGraph
from core.pruning.tracing.labels import FIXED
from core.types import Count

Scores = NDArray[np.float64]


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
    """Chooses which atoms go, for one graph and one set of limits.

    Parameters
    ----------
    graph
        From `core.pruning.trace`.
    limits
        None but the usual when left out.
    widths
        For each group the numbers of atoms it may have, rising, the dense one last;
        multiples of ``limits.round_to`` when left out.
    """

    def __init__(
        self,
        graph: ChannelGraph,
        limits: Limits | None = None,
        widths: Sequence[NDArray[np.int64]] | None = None,
    ) -> None:
        self.graph = graph
        self.counter = Counter(graph)
        limits = limits or Limits()
        self._limits = limits
        sizes = np.array([group.size for group in graph.groups], dtype=np.int64)
        self._sizes = sizes
        self._floor = floors(graph, limits.min_channels)
        self._step = steps(graph, limits.round_to)
        self._widths = None if widths is None else _next_widths(widths)
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
        return self._bisect(order, given, sparsity, count, narrow=scope not in WHOLE)

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
            What a set of living atoms costs, in any unit. It may rise while channels
            go: measured times do, where kernels for a narrower width are worse.

        Raises
        ------
        PruningError
            When every prefix of the ranking costs more.
        """
        free = self._free(scope)
        given = self._by_ratio(scores, free)
        order = self._order(scores, free, layerwise=scope == "layer")

        def left(gone: int) -> float:
            return cost(self._alive_after(order, gone, given))

        longest, least = order.size, left(order.size)
        if least > goal:
            longest, least = self._longest(order, goal, cost, given)
        if least > goal:
            raise PruningError(
                f"{goal:.3g} ms are out of reach: {least:.3g} ms is the least that any "
                "choice of this ranking leaves. Ask for more time, or widen the scope."
            )
        return self._alive_after(order, _shortest(longest, goal, left), given)

    def _longest(
        self,
        order: NDArray[np.int64],
        goal: float,
        cost: Callable[[Alive], float],
        given: Alive,
    ) -> tuple[int, float]:
        """Return the longest removed prefix that meets a goal, or the cheapest."""
        best, least = order.size, np.inf
        before = np.zeros(0, dtype=bool)
        for gone in range(order.size, -1, -1):
            alive = self._alive_after(order, gone, given)
            if np.array_equal(alive, before):
                continue  # floors and steps give the same widths
            before, found = alive, cost(alive)
            if found < least:
                best, least = gone, found
            if found <= goal:
                break
        return best, float(least)

    def table(self, alive: Sequence[Alive]) -> NDArray[np.int64]:
        """Return sizes for a row of living atoms.

        Returns
        -------
        NDArray
            int64 (row, 3): parameters, multiply-accumulates and channels.
        """
        sizes = [self.counter.counts(each) for each in alive]
        return np.array([(c.params, c.macs, c.channels) for c in sizes], np.int64)

    def prefixes(self, scores: Scores, scope: str, points: int) -> list[Alive]:
        """Return living atoms at evenly spread lengths of the removed prefix."""
        free = self._free(scope)
        given = self._by_ratio(scores, free)
        order = self._order(scores, free, layerwise=scope == "layer")
        lengths = np.unique(np.linspace(0, order.size, points).round().astype(int))
        return [self._alive_after(order, int(n), given) for n in lengths]

    def free_and_given(self, scores: Scores, scope: str) -> tuple[Alive, Alive]:
        """Return what may go, and what lives once fixed shares are gone.

        Returns
        -------
        tuple
            bool (atoms,) each. Layers with a fixed share are not free any more.

        Raises
        ------
        PruningError
            When nothing is in scope.
        """
        free = self._free(scope)
        return free, self._by_ratio(scores, free)

    def _free(self, scope: str) -> Alive:
        free = ~self._locked
        if scope not in WHOLE:
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
        if self._widths is None:
            need = np.minimum(-(-need // self._step) * self._step, self._sizes)
        else:
            starts, table = self._widths
            need = table[starts + need]
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
        self,
        order: NDArray[np.int64],
        given: Alive,
        sparsity: float,
        count: Count,
        *,
        narrow: bool,
    ) -> Alive:
        dense = self.counter.one(np.ones(self.graph.atoms, dtype=bool), count)
        goal = (1.0 - sparsity) * dense

        def left(gone: int) -> int:
            return self.counter.one(self._alive_after(order, gone, given), count)

        if sparsity == 0 and not self._limits.ratios:
            return np.ones(self.graph.atoms, dtype=bool)
        least = left(order.size)
        if least > goal and least - goal > self._one_atom(count):
            raise PruningError(out_of_reach(1 - least / dense, narrow=narrow))
        low = _shortest(order.size, goal, left)
        # One atom more or less: the nearer of the two.
        if low and abs(left(low - 1) - goal) <= abs(left(low) - goal):
            low -= 1
        return self._alive_after(order, low, given)

    def _one_atom(self, count: Count) -> float:
        return float(self.counter.per_atom(count).max(initial=0.0))


def _next_widths(
    widths: Sequence[NDArray[np.int64]],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where each group starts in a table, and the next width of any count."""
    parts = [each[np.searchsorted(each, np.arange(each[-1] + 1))] for each in widths]
    ends = np.cumsum([part.size for part in parts], dtype=np.int64)
    starts = ends - np.array([part.size for part in parts], dtype=np.int64)
    table = np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
    return starts, table


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
