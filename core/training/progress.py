"""How far a training run is, for whoever looks on."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Curve = tuple[tuple[int, float], ...]
"""Steps and losses."""

_MOST = 240  # points of a curve: more cannot be told apart on a small plot


@dataclass(frozen=True, slots=True)
class Progress:
    """A training run at one moment.

    Parameters
    ----------
    step
        Steps done, earlier parts of a resumed run included.
    seconds, left
        Spent so far, and about how many there are still to come.
    losses
        Smoothed training loss after steps of this part, thinned out.
    checks
        Loss on the validation tiles at each check; empty without such tiles.
    best
        Step with the lowest of them; its weights are what the run returns.
    peak_memory
        Bytes that the run needed so far on top of what was in use before.
    """

    step: int
    seconds: float
    left: float
    losses: Curve
    checks: Curve
    best: int
    peak_memory: int


def thinned(losses: Sequence[float], first: int, most: int = _MOST) -> Curve:
    """Keep evenly spaced points of a curve, the first and the last among them.

    Parameters
    ----------
    losses
        One a step.
    first
        Step of the first of them.
    most
        Points, at least 2.
    """
    last = len(losses) - 1
    if last < most:
        places = range(last + 1)
        return tuple((first + i, losses[i]) for i in places)
    chosen = [round(k * last / (most - 1)) for k in range(most)]
    return tuple((first + i, losses[i]) for i in chosen)


class ProgressReporter:
    """Hands out progress a few times a second, not at every step.

    Parameters
    ----------
    on_progress
        Who listens; None for nobody.
    every
        Seconds between two reports; the last step is always reported.
    """

    def __init__(
        self, on_progress: Callable[[Progress], None] | None, every: float = 0.25
    ) -> None:
        self._told, self._every = on_progress, every
        self._last = float("-inf")

    def due(self, progress: Callable[[], Progress], *, last: bool) -> None:
        """Report when it is time; `progress` is worked out only then."""
        now = time.monotonic()
        if self._told is None or not (last or now - self._last >= self._every):
            return
        self._last = now
        self._told(progress())
