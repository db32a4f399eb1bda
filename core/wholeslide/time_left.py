"""How long the rest of a slide takes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class TimeLeft:
    """How long the remaining patches will take, going by those of this run.

    Parameters
    ----------
    remaining
        Patches to do.
    clock
        Seconds, from any origin.
    """

    def __init__(
        self, remaining: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.remaining = remaining
        self._clock = clock
        self._start: float | None = None
        self._first = self._done = 0

    def finish(self, patches: int, burst: int = 1) -> None:
        """Count patches that are done.

        Parameters
        ----------
        patches
            How many.
        burst
            How many come together; the first ones only start the clock.
        """
        self.remaining -= patches
        if self._start is None:
            self._first += patches
            if self._first >= burst:  # caches, memory and thread pools are set up
                self._start = self._clock()
            return
        self._done += patches

    @property
    def seconds(self) -> float | None:
        """Seconds that are left; None before anything can be said."""
        if self._start is None or not self._done:
            return None
        return (self._clock() - self._start) / self._done * self.remaining

    def words(self) -> str:
        """Return ``, about 3 min left``, or nothing."""
        seconds = self.seconds
        if seconds is None:
            return ""
        if seconds < 90:
            return f", about {seconds:.0f} s left"
        if seconds < 5400:
            return f", about {seconds / 60:.0f} min left"
        return f", about {seconds / 3600:.1f} h left"
