"""What a training run may be given besides tiles, and what it gives back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import nn

from core.pruning import MaskPlan
from core.training.data import Example
from core.training.progress import Progress

Reason = Literal["steps", "minutes", "patience", "stopped"]


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Companions of a training run.

    Parameters
    ----------
    teacher
        Its outputs are learned beside the ground truth, and alone where there is
        none; see `distillation_loss`.
    validation
        Tiles that are not learned from. The weights that do best on them are
        kept, those at the start included.
    masks
        Single weights that stay exactly zero.
    on_snapshot
        Called now and then with the averaged network, in eval mode, only to be
        looked at.
    on_progress
        Called a few times a second with how far the run is.
    stop
        Asked after every step; when it says True the run ends with the best
        weights so far.
    """

    teacher: nn.Module | None = None
    validation: Sequence[Example] = ()
    masks: MaskPlan | None = None
    on_snapshot: Callable[[nn.Module], None] | None = None
    on_progress: Callable[[Progress], None] | None = None
    stop: Callable[[], bool] | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained network and how it came about.

    Parameters
    ----------
    module
        In eval mode, averaged weights, on the device that it was given on.
    steps, seconds
        Of the whole run, earlier parts of a resumed one included.
    losses
        Smoothed training loss after each step of this part.
    checks
        Step and validation loss of each check; empty without validation tiles.
    best
        Step whose weights these are.
    reason
        Why it ended.
    peak_memory
        Bytes that the run needed on top of what was in use before.
    device
        Where it ran.
    skipped
        Steps left out because their loss was not finite.
    """

    module: nn.Module
    steps: int
    seconds: float
    losses: tuple[float, ...]
    checks: tuple[tuple[int, float], ...]
    best: int
    reason: Reason
    peak_memory: int
    device: str
    skipped: int = 0
