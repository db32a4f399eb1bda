"""A grid and its progress as JSON, between a window and the process that sweeps."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from core.errors import InputError
from core.latency import TimingSettings
from core.sweep.grid import Grid
from core.types import FineTune


@dataclass(frozen=True, slots=True)
class SweepCommand:
    """What the process is asked to do.

    Parameters
    ----------
    grid
        What to cover.
    out
        Store; trials that it has are not run again.
    """

    grid: Grid
    out: Path

    def to_json(self) -> str:
        """One line."""
        grid = asdict(self.grid) | {"data": str(self.grid.data)}
        return json.dumps({"grid": grid, "out": str(self.out)})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises
        ------
        InputError
            When the text is no order.
        """
        try:
            values = json.loads(text)
            return cls(_grid(values["grid"]), Path(values["out"]))
        except (KeyError, TypeError, ValueError) as error:
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
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "SweepEvent":
        """Read what `to_json` wrote.

        Raises
        ------
        ValueError
            When the text is something else.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or set(values) != set(cls.__slots__):
            raise ValueError(f"no news: {text!r}")
        return cls(**values)


def _grid(values: dict[str, Any]) -> Grid:
    timing, training = values.pop("timing"), values.pop("training")
    plain: dict[str, Any] = {
        name: tuple(each) if isinstance(each, list) else each
        for name, each in values.items()
    }
    return Grid(
        **plain | {"data": Path(plain["data"])},
        timing=None if timing is None else TimingSettings(**timing),
        training=FineTune(**training),
    )
