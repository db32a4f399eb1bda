"""The order in which blocks of channels go when the aim is time.

Time falls in steps of several channels, so channels do not go one by one: for each
group of layers and every lower width it may take, the surgeon is simulated inside of
the group (a few channels at a time, the rest refitted), and the block with the least
error for the time it saves goes. Then only groups that share a reader with it are
looked at again. The order is found once; a plan for any time is a prefix of it. (Cf.
Kurtic et al. 2023, arXiv 2302.04089, ZipLM; Frantar & Alistarh 2022, arXiv
2201.13096, SPDY, which search among such levels.)

To read this file, start from `find_block_order`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.job import Job
from core.pruning.planning.width_costs import CostTable
from core.pruning.scoring.readers import Reader
from core.pruning.tracing.graph import Alive, AtomArray, ChannelGraph
from core.pruning.tracing.labels import FIXED

_PARTS = 16  # of a group's width that go at most before all are looked at again
_AHEAD = 4  # widths that a group may go down at once
_LEAST_GAIN = 1e-4  # share of the dense time: less is not a gain


@dataclass(frozen=True, slots=True)
class Block:
    """Channels that go together.

    Parameters
    ----------
    atoms
        int64 (n,), in the order in which they go.
    error
        What they add to the error.
    milliseconds
        Predicted time when they are gone.
    """

    atoms: AtomArray
    error: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class BlockOrder:
    """Blocks in the order in which they go.

    Parameters
    ----------
    dense
        Predicted milliseconds of the dense model.
    first
        int64 (n,): atoms that go before any block: fixed shares of layers.
    blocks
        Their times fall.
    """

    dense: float
    first: AtomArray
    blocks: tuple[Block, ...]

    @property
    def least(self) -> float:
        """Predicted milliseconds when all blocks are gone."""
        return self.blocks[-1].milliseconds if self.blocks else self.dense

    def shortest(self, milliseconds: float) -> int:
        """Return how many blocks have to go to be as fast as asked, all at most."""
        times = np.array([self.dense, *(b.milliseconds for b in self.blocks)])
        if self.first.size:
            times[0] = np.inf
        fast = np.flatnonzero(times <= milliseconds)
        return int(fast[0]) if fast.size else len(self.blocks)

    def alive(self, atoms: int, count: int) -> Alive:
        """Return living atoms, bool (atoms,), when the first blocks are gone."""
        found = np.ones(atoms, dtype=bool)
        found[self.first] = False
        for block in self.blocks[:count]:
            found[block.atoms] = False
        found[FIXED] = True
        return found

    def to_data(self) -> dict[str, Any]:
        """Return the order as JSON can hold it."""
        rows = [[b.atoms.tolist(), b.error, b.milliseconds] for b in self.blocks]
        return {"dense": self.dense, "first": self.first.tolist(), "blocks": rows}

    @classmethod
    def from_data(cls, data: Any, atoms: int) -> Self | None:
        """Read what `to_data` returned; None when it is not an order of so many atoms.

        Times have to fall, and no atom goes twice.
        """
        try:
            blocks = tuple(
                Block(np.array(gone, dtype=np.int64), float(error), float(ms))
                for gone, error, ms in data["blocks"]
            )
            found = cls(float(data["dense"]), np.array(data["first"], np.int64), blocks)
        except (LookupError, TypeError, ValueError, OverflowError):
            return None
        gone = np.concatenate([found.first, *(b.atoms for b in blocks)])
        times = [found.dense, *(b.milliseconds for b in blocks)]
        falls = all(
            a > b > 0 for a, b in pairwise(times[1 if found.first.size else 0 :])
        )
        inside = gone.ndim == 1 and bool(((gone > FIXED) & (gone < atoms)).all())
        once = np.unique(gone).size == gone.size
        return found if falls and inside and once else None


@dataclass(slots=True)
class _Level:
    """One width that a group could go down to."""

    atoms: list[int]
    error: float


@dataclass
class _Search:
    """What is known while the order is found."""

    table: CostTable
    readers: list[Reader]
    ladders: Sequence[NDArray[np.int64]]
    alive: Alive
    levels: dict[int, list[_Level]] = field(default_factory=dict)
    gains: dict[int, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        graph = self.graph
        self.touched = [_groups_in(graph, r.atoms) for r in self.readers]
        self.timed = {
            place: _groups_in(graph, graph.layers[place].inputs)
            | _groups_in(graph, graph.layers[place].outputs)
            for place in self.table.places
        }
        self.times = {p: self.table.layer(p, self.alive) for p in self.timed}

    @property
    def graph(self) -> ChannelGraph:
        return self.table.graph

    def cheapest(self, free: Sequence[int]) -> tuple[int, _Level, float] | None:
        """Return the group, level and milliseconds saved of the next block."""
        best, least = None, np.inf
        worth = _LEAST_GAIN * (sum(self.times.values()) + self.table.rest)
        for group in free:
            if group not in self.levels:
                self.levels[group] = self._simulate(group)
                self.gains.pop(group, None)
            if group not in self.gains:
                self.gains[group] = [self._gain(group, e) for e in self.levels[group]]
            for level, gain in zip(self.levels[group], self.gains[group], strict=True):
                if gain > worth and max(level.error, 0.0) / gain < least:
                    best, least = (group, level, gain), max(level.error, 0.0) / gain
        return best

    def _simulate(self, group: int) -> list[_Level]:
        """Let the surgeon take a group down to its next lower widths."""
        inside = self.alive & (self.graph.group_of == group)
        left = int(inside.sum())
        rungs = [int(n) for n in self.ladders[group] if n < left][::-1][:_AHEAD]
        parts = [
            reader.part(inside[reader.atoms])
            for reader, touched in zip(self.readers, self.touched, strict=True)
            if group in touched
        ]
        found, gone, error = [], list[int](), 0.0
        for rung in rungs:
            while left > rung:
                count = min(max(left // _PARTS, 1), left - rung)
                chosen = self._cheapest_of(inside, parts, count)
                inside[chosen] = False
                left -= count
                for part in parts:
                    out = ~inside[part.atoms]
                    if out.any():
                        error += part.error(out)
                        part.drop(out)
                gone += chosen.tolist()
            found.append(_Level(list(gone), error))
        return found

    def _cheapest_of(
        self, inside: Alive, parts: Sequence[Reader], count: int
    ) -> AtomArray:
        price = np.zeros(self.graph.atoms)
        for part in parts:
            price += np.bincount(
                part.atoms, weights=part.saliency(), minlength=self.graph.atoms
            )
        live = np.flatnonzero(inside)
        return live[np.argsort(price[live], kind="stable")[:count]]

    def _gain(self, group: int, level: _Level) -> float:
        after = self.alive.copy()
        after[level.atoms] = False
        layers = sum(
            self.times[place] - self.table.layer(place, after)
            for place, groups in self.timed.items()
            if group in groups
        )
        return layers + self.table.between(self.alive) - self.table.between(after)

    def remove(self, group: int, atoms: Sequence[int]) -> None:
        """Take channels away, and forget what that changes."""
        self.alive[list(atoms)] = False
        changed = {group}
        for reader, touched in zip(self.readers, self.touched, strict=True):
            if group in touched:
                out = ~self.alive[reader.atoms]
                if out.any():
                    reader.drop(out)
                changed |= touched
        for each in changed:
            self.levels.pop(each, None)
        beside = set[int]()
        for place, groups in self.timed.items():
            if group in groups:
                self.times[place] = self.table.layer(place, self.alive)
                beside |= groups
        for each in beside | changed:
            self.gains.pop(each, None)


def find_block_order(
    table: CostTable,
    readers: list[Reader],
    ladders: Sequence[NDArray[np.int64]],
    free: Alive,
    given: Alive | None = None,
    job: Job | None = None,
) -> BlockOrder:
    """Find the order in which blocks of channels go.

    Parameters
    ----------
    table
        Times of layers; those that are needed are measured on the way.
    readers
        From `core.pruning.scoring.readers.build_readers`; they are used up.
    ladders
        Numbers of atoms that each group may have, rising.
    free
        bool (atoms,): what may go. A group goes in blocks when all of it is free.
    given
        bool (atoms,): False for what is gone before anything else; all lives when
        left out.
    job
        Progress and cancel.

    Returns
    -------
    BlockOrder

    Raises
    ------
    Cancelled
        When the job was cancelled.
    """
    job, graph = job or Job(), table.graph
    alive = np.ones(graph.atoms, dtype=bool)
    search = _Search(table, readers, ladders, alive)
    dense = table.dense(graph)
    first = np.zeros(0, dtype=np.int64)
    if given is not None:
        first = np.flatnonzero(~given)
        for index, members in enumerate(graph.groups):
            if not given[members].all():
                search.remove(index, members[~given[members]].tolist())
    usable = [i for i, members in enumerate(graph.groups) if free[members].all()]
    rungs = sum(ladders[index].size - 1 for index in usable)
    time, blocks = table.predict(graph, search.alive), list[Block]()
    while True:
        done = rungs - sum(_rungs_left(search, index) for index in usable)
        job.step(done, rungs, "finding which channels cost time and matter least")
        found = search.cheapest(usable)
        if found is None:
            return BlockOrder(dense, first, tuple(blocks))
        group, level, gain = found
        search.remove(group, level.atoms)
        time -= gain
        blocks.append(Block(np.array(level.atoms, np.int64), level.error, time))


def _rungs_left(search: _Search, group: int) -> int:
    left = int(search.alive[search.graph.groups[group]].sum())
    return int((search.ladders[group] < left).sum())


def _groups_in(graph: ChannelGraph, atoms: AtomArray) -> frozenset[int]:
    """Return the groups that some atoms belong to."""
    return frozenset(int(i) for i in np.unique(graph.group_of[atoms]) if i >= 0)
