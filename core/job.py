"""What long work sees of the outside: a cancel flag and a progress sink."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from core.rects import Rect

StepKind = Literal["work", "latency"]
"""What is going on: ``"latency"`` while times are measured, when the computer should
have nothing else to do, ``"work"`` for all other steps."""


class Cancelled(Exception):  # noqa: N818 - not an error, a request that was met
    """Raised inside a job at the first `Job.step` after it was cancelled."""


@dataclass(frozen=True, slots=True)
class Step:
    """One progress report.

    Parameters
    ----------
    done, total
        How much of how much; ``total`` is 0 when unknown.
    what
        In words, to be shown; never compared.
    kind
        For decisions.
    """

    done: int
    total: int
    what: str
    kind: StepKind = "work"


def _ignore(_: Step) -> None:
    """Drop the report."""


class Job:
    """A cancel flag and somewhere to send progress.

    Parameters
    ----------
    report
        Called with each `Step`, on the thread that does the work.
    """

    def __init__(self, report: Callable[[Step], None] = _ignore) -> None:
        self._report = report
        self._stop = threading.Event()
        self._finish = threading.Event()
        self.seen: Rect | None = None
        self.visible_only = False

    def look(self, seen: Rect | None, *, only: bool = False) -> None:
        """Say which part of the tile is looked at: it is computed first.

        Safe from any thread, returns at once.

        Parameters
        ----------
        seen
            Part of the tile that is on screen, in its pixels; None for all of it.
        only
            Whether nothing else is to be computed.
        """
        self.seen, self.visible_only = seen, only

    def cancel(self) -> None:
        """Ask the work to stop; safe from any thread, returns at once."""
        self._stop.set()

    def finish(self) -> None:
        """Ask work that can end early to do so, with what it has by then.

        Safe from any thread, returns at once. Only trainings look at it.
        """
        self._finish.set()

    @property
    def finishing(self) -> bool:
        """Whether the work has been asked to end early."""
        return self._finish.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether the work has been asked to stop."""
        return self._stop.is_set()

    def step(self, done: int, total: int, what: str, kind: StepKind = "work") -> None:
        """Report progress, or stop here.

        Raises
        ------
        Cancelled
            When `cancel` was called.
        """
        if self._stop.is_set():
            raise Cancelled
        self._report(Step(done, total, what, kind))
