"""Intervals over tiles and seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_DRAWS = 2000

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its 95 % interval; nan where there is nothing to estimate."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.value != self.value:
            return "none"
        return f"{self.value:+.1%} ({self.low:+.1%} to {self.high:+.1%})"


NOTHING = Interval(float("nan"), float("nan"), float("nan"))


def relative_change(
    dense: Entry,
    pruned: Sequence[Entry],
    score: str = "aji",
    sources: Sequence[str] = (),
) -> Interval:
    """Change of a mean score against the dense network, relative to it.

    Tiles are drawn with replacement, dense and pruned together, and so are seeds.

    Parameters
    ----------
    dense
        Entry of the dense network.
    pruned
        Entries of one recipe, one for each seed.
    score
        Name of the score.
    sources
        Which test tiles; all when left out.
    """
    chosen = sources or tuple(dense["tiles"])
    tiles = [(s, t) for s in chosen for t in dense["tiles"].get(s, {})]
    before = np.array([dense["tiles"][s][t][score] for s, t in tiles], float)
    after = np.array([[e["tiles"][s][t][score] for s, t in tiles] for e in pruned])
    if not tiles or not len(pruned):
        return NOTHING
    defined = np.isfinite(before) & np.isfinite(after).all(axis=0)
    before, after = before[defined], after[:, defined]
    if not len(before) or before.mean() == 0:
        return NOTHING
    rng = np.random.default_rng(0)
    count, seeds = len(before), len(after)
    draws = rng.integers(0, count, (_DRAWS, count))
    picked = rng.integers(0, seeds, (_DRAWS, seeds))
    base = before[draws].mean(axis=1)
    sums = np.stack([row[draws].mean(axis=1) for row in after], axis=1)
    found = np.take_along_axis(sums, picked, axis=1).mean(axis=1)
    usable = base > 0
    changes = found[usable] / base[usable] - 1
    low, high = np.percentile(changes, (2.5, 97.5))
    value = after.mean() / before.mean() - 1
    return Interval(float(value), float(low), float(high))


def mean_score(
    entries: Sequence[Entry], score: str = "aji", sources: Sequence[str] = ()
) -> float:
    """Mean over entries and tiles; nan without any."""
    values = [
        row[score]
        for entry in entries
        for source, tiles in entry["tiles"].items()
        if not sources or source in sources
        for row in tiles.values()
    ]
    values = [value for value in values if np.isfinite(value)]
    return float(np.mean(values)) if values else float("nan")
