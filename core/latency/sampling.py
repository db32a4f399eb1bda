"""Taking times in turns. Knows no torch: it calls what it is given.

Dense and pruned alternate in blocks of four, ABBA or BAAB by the toss of a
coin. Within a block, drift that is linear in time cancels. Because of the coin
a network against its own copy gives block ratios whose sign is as good as
random, *whatever* the machine does meanwhile: that is what makes the interval
of `core.latency.statistics` honest under load.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.latency.settings import TimingSettings
from core.latency.statistics import log_interval

Floats = NDArray[np.float64]
Choice = TypeVar("Choice", bound=object)
Call = Callable[[], float]
"""Runs a network once and returns the milliseconds it took."""

_TRIES = 3  # of each way of running, to find the best
_HARD_LIMIT = 4.0  # times the budget, after which even `min_blocks` is given up
_FIRST_CHECK = 16  # blocks; later checks at each doubling keep the level honest


@dataclass(frozen=True, slots=True)
class Watch:
    """The outside world of a measurement, replaced by a fake one in tests.

    Parameters
    ----------
    now
        Seconds, from any origin.
    step
        Called between blocks with (done, expected) blocks; may raise to stop.
    """

    now: Callable[[], float]
    step: Callable[[int, int], None]


def warm_up(calls: tuple[Call, ...], times: int) -> None:
    """Run both and throw the times away: caches, thread pools, prepacked weights."""
    for _ in range(times):
        for call in calls:
            call()


def take_blocks(
    dense: Call, pruned: Call, settings: TimingSettings, watch: Watch, deadline: float
) -> tuple[Floats, Floats]:
    """Measure until the deadline, or until the answer is precise.

    Parameters
    ----------
    dense, pruned
        The two sides.
    settings
        Limits.
    watch
        Clock and progress.
    deadline
        In the clock's seconds.

    Returns
    -------
    times
        float64 (n, 2) milliseconds of each side, n blocks, at least one; equal
        places in both are neighbouring calls.
    """
    rng = np.random.default_rng(settings.seed)
    start = watch.now()
    hard = start + _HARD_LIMIT * max(deadline - start, settings.seconds)
    first: list[tuple[float, float]] = []
    second: list[tuple[float, float]] = []
    check = _FIRST_CHECK
    while len(first) < settings.max_blocks:
        now, done = watch.now(), len(first)
        if done and now >= (deadline if done >= settings.min_blocks else hard):
            break
        watch.step(done, _expected(done, now - start, deadline - start, settings))
        a, b = (dense, pruned) if rng.random() < 0.5 else (pruned, dense)
        outer, inner = _abba(a, b)
        first.append(outer if a is dense else inner)
        second.append(inner if a is dense else outer)
        if settings.precision and len(first) == check:
            check *= 2
            if _precise(first, second, settings):
                break
    return np.array(first), np.array(second)


def pick_best(
    tries: Mapping[Choice, tuple[Call, ...]], watch: Watch, deadline: float
) -> tuple[Choice, dict[Choice, tuple[float, ...]]]:
    """Time each way of running in turns and find the fastest.

    Parameters
    ----------
    tries
        The calls that each way makes of both sides.
    watch
        Clock and progress.
    deadline
        In the clock's seconds; every way is tried once even so, and at most
        three times.

    Returns
    -------
    best
        The one with the smallest product of medians, so that a large network
        does not decide alone.
    medians
        Milliseconds of each call, by choice.
    """
    for calls in tries.values():
        warm_up(calls, 1)
    times: dict[Choice, list[list[float]]] = {name: [] for name in tries}
    for turn in range(_TRIES):
        if turn and watch.now() >= deadline:
            break
        watch.step(turn, _TRIES)
        for name, calls in tries.items():
            times[name].append([call() for call in calls])
    medians = {name: np.median(np.array(rows), axis=0) for name, rows in times.items()}
    best = min(medians, key=lambda name: float(np.log(medians[name]).sum()))
    return best, {name: tuple(each.tolist()) for name, each in medians.items()}


def _abba(a: Call, b: Call) -> tuple[tuple[float, float], tuple[float, float]]:
    before = a()
    inner = b(), b()
    return (before, a()), inner


def _precise(
    first: list[tuple[float, float]],
    second: list[tuple[float, float]],
    settings: TimingSettings,
) -> bool:
    ratios = np.log(np.array(first) / np.array(second))
    low, high = log_interval(ratios, settings.confidence)
    return high - low <= 2 * settings.precision


def _expected(done: int, spent: float, budget: float, settings: TimingSettings) -> int:
    """Blocks that will probably be taken, for a progress bar."""
    if not done or spent <= 0:
        return settings.min_blocks
    return max(min(int(done * budget / spent), settings.max_blocks), done + 1)
