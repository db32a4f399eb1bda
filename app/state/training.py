"""A fine-tuning that runs, as the window shows it, and how long one may take."""

from dataclasses import dataclass

from core.types import FineTune, PruneRequest


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


def describe_limit(training: FineTune, models: int = 1) -> str:
    """Return how long trainings may take: ``2 min``, ``1.5 h`` or ``90 steps``.

    Parameters
    ----------
    training
        How each is trained.
    models
        How many there are.
    """
    minutes = training.minutes * models
    if minutes <= 0:
        return f"{training.steps * models:,} steps"
    return f"{minutes:g} min" if minutes < 100 else f"{minutes / 60:.1f} h"
