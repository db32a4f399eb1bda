"""What the worker can be asked for, as values."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from app.state.values import WorkContext
from core.sources import Source
from core.types import PruneRequest

#: In falling order of urgency; what follows may be interrupted by what precedes it.
Purpose = Literal[
    "open",
    "save",
    "frame",
    "preview",
    "dense",
    "pane",
    "explore",
    "measure",
    "tiles",
    "baseline",
]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work.

    Parameters
    ----------
    purpose
        What it is for: ``frame`` is the active pane while settings change, ``dense``
        the part of the tile that the dense model has not seen yet, ``pane`` any other
        pane, ``explore`` and ``baseline`` points of the plots, ``tiles`` the score of a
        tile of a folder.
    request
        Which pruned model; None for opening and exports.
    measures
        Whether its latency is measured; else it is pruned.
    call
        What is done, for opening and exports.
    number
        Place in the order of everything that was started; 0 before it is.
    finishing
        Whether a training was asked to end with its best weights so far.
    visible
        Whether only what is on screen is computed.
    tile
        A tile of a folder; None for the open one.
    """

    purpose: Purpose
    request: PruneRequest | None = None
    measures: bool = False
    call: Callable[[WorkContext], object] | None = None
    number: int = 0
    finishing: bool = False
    visible: bool = False
    tile: Source | None = None

    @property
    def trains(self) -> bool:
        """Whether it is the fine-tuning of a pane."""
        tuned = self.request is not None and self.request.recovery == "finetune"
        return tuned and not self.measures and self.purpose in ("frame", "pane")

    def same(self, other: "Work | None") -> bool:
        """Return whether both are one piece of work, started or not."""
        return (
            other is not None
            and self.request == other.request
            and self.measures == other.measures
            and self.visible == other.visible
            and self.tile == other.tile
            and self.call is other.call
        )

    @property
    def urgency(self) -> int:
        """Place of its purpose: the smaller, the sooner."""
        return PURPOSES.index(self.purpose)
