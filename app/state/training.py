"""A fine-tuning that runs, as the window shows it."""

from dataclasses import dataclass

from core.types import PruneRequest


@dataclass(frozen=True, slots=True)
class Training:
    """How far a fine-tuning is.

    Parameters
    ----------
    request
        Which pruned model is trained.
    step
        Steps done.
    left
        Seconds still to come, about; 0 when it is over.
    losses, checks
        Steps and losses: smoothed ones of what is learned, and those on tiles that
        are kept back.
    best
        Step whose weights are kept.
    peak_memory
        Bytes needed so far on top of what was in use before.
    """

    request: PruneRequest
    step: int
    left: float
    losses: tuple[tuple[int, float], ...]
    checks: tuple[tuple[int, float], ...]
    best: int
    peak_memory: int
