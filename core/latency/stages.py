"""Where end-to-end time goes: read, network, instances, draw.

Post-processing can take longer than the network, so a network's speed-up is not
a user's (in published tools it took up to 40 times as long).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Stage = Literal["read", "network", "instances", "draw"]
STAGES: tuple[Stage, ...] = ("read", "network", "instances", "draw")


@dataclass(frozen=True, slots=True)
class EndToEnd:
    """Median milliseconds of each stage of one tile's way through the program.

    Parameters
    ----------
    ms
        By stage; a stage that was not timed is missing.
    """

    ms: dict[Stage, float]

    @property
    def total(self) -> float:
        """Milliseconds of all stages."""
        return sum(self.ms.values())

    @property
    def network_share(self) -> float:
        """Share of the network, 0 to 1; nan when nothing was timed."""
        return self.ms.get("network", 0.0) / self.total if self.total else float("nan")


@dataclass(slots=True)
class StageClock:
    """Collects the time of stages over repetitions.

    Parameters
    ----------
    now
        Seconds, from any origin.

    Examples
    --------
    >>> clock = StageClock()
    >>> with clock.stage("read"):
    ...     pass
    >>> clock.result().network_share
    0.0
    """

    now: Callable[[], float] = time.perf_counter
    _times: dict[Stage, list[float]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        """Time what happens inside; an error leaves no time behind."""
        start = self.now()
        yield
        self._times.setdefault(name, []).append((self.now() - start) * 1e3)

    def result(self) -> EndToEnd:
        """Median of each stage so far."""
        return EndToEnd(
            {
                name: float(np.median(self._times[name]))
                for name in STAGES
                if name in self._times
            }
        )
