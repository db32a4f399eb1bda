"""Intervals over tiles and seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    return change_between([dense], pruned, score, sources)


def change_between(
    before: Sequence[Entry],
    after: Sequence[Entry],
    score: str = "aji",
    sources: Sequence[str] = (),
) -> Interval:
    """Change of a mean score from one recipe to another, relative to the first.

    Both are scored on the same tiles, so a tile that is hard for everyone says
    nothing about the difference; two separate intervals would hide that.

    Parameters
    ----------
    before, after
        Entries of two recipes, one for each seed.
    score
        Name of the score.
    sources
        Which test tiles; all when left out.
    """
    if not before or not after:
        return NOTHING
    known = before[0]["tiles"]
    tiles = [(s, t) for s in sources or tuple(known) for t in known.get(s, {})]
    if not tiles:
        return NOTHING
    first, second = (
        np.array([[e["tiles"][s][t][score] for s, t in tiles] for e in each], float)
        for each in (before, after)
    )
    defined = np.isfinite(first).all(axis=0) & np.isfinite(second).all(axis=0)
    first, second = first[:, defined], second[:, defined]
    if not defined.any() or first.mean() == 0:
        return NOTHING
    rng = np.random.default_rng(0)
    draws = rng.integers(0, first.shape[1], (_DRAWS, first.shape[1]))
    base, found = (_drawn(rng, each, draws) for each in (first, second))
    usable = base > 0
    low, high = np.percentile(found[usable] / base[usable] - 1, (2.5, 97.5))
    value = second.mean() / first.mean() - 1
    return Interval(float(value), float(low), float(high))


def _drawn(
    rng: np.random.Generator, scores: NDArray[np.float64], draws: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the mean of each draw of tiles, over seeds drawn with replacement."""
    seeds = len(scores)
    sums = np.stack([row[draws].mean(axis=1) for row in scores], axis=1)
    picked = rng.integers(0, seeds, (len(draws), seeds))
    return np.asarray(np.take_along_axis(sums, picked, axis=1).mean(axis=1))


def share_interval(hits: int, count: int) -> Interval:
    """Return a share and its 95 % interval (Wilson 1927); nan without any."""
    if not count:
        return NOTHING
    z = 1.96
    share = hits / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = share * (1 - share) / count + z**2 / (4 * count**2)
    half = z * half**0.5 / (1 + z**2 / count)
    return Interval(share, min(middle - half, share), max(middle + half, share))


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
