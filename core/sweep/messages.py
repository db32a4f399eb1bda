"""A grid and its progress as JSON, between a window and the process that sweeps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from core.codec import from_json, to_json
from core.errors import InputError
from core.sweep.grid import Grid


@dataclass(frozen=True, slots=True)
class SweepCommand:
    """What the process is asked to do.

    Parameters
    ----------
    grid
        What to cover.
    out
        Store; trials that it has are not run again.
    scheduler, workers
        Address of a Dask scheduler, or workers to start here; neither for one
        process.
    """

    grid: Grid
    out: Path
    scheduler: str = ""
    workers: int = 0

    def to_json(self) -> str:
        """One line."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            When the text is no order.
        """
        try:
            return from_json(cls, text)
        except ValueError as error:
            raise InputError(
                f"This is no sweep ({error}); start it from the window or with "
                "prunescope sweep."
            ) from error


@dataclass(frozen=True, slots=True)
class SweepEvent:
    """One line from the process.

    Parameters
    ----------
    kind
        ``"step"`` (``done`` of ``total``, ``what``), ``"trial"`` (one more is in
        the store), ``"done"`` (``what`` sums up), ``"error"`` (``what`` says what
        to do) or ``"fault"`` (of the program; ``what`` is a traceback).
    done, total
        Trials.
    what
        For the user.
    """

    kind: Literal["step", "trial", "done", "error", "fault"]
    done: int = 0
    total: int = 0
    what: str = ""

    def to_json(self) -> str:
        """One line."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> "SweepEvent":
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            When the text is something else.
        """
        return from_json(cls, text)
