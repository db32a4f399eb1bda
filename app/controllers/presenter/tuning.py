"""What the controls say and offer of a fine-tuning: a pure function of the state."""

from dataclasses import dataclass
from typing import Literal

from app.state.app_state import AppState
from app.state.training import describe_limit
from app.text import format as text

Offer = Literal["start", "stop", "stopping", "continue", "done"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """A fine-tuning as the controls show it.

    Parameters
    ----------
    offer
        What its button does, or what it waits for.
    words
        How far it is, or what would begin.
    """

    offer: Offer
    words: str


def resolve_tuning(state: AppState) -> Tuning | None:
    """Return the fine-tuning of the controls; None with another recovery."""
    request, work = state.request, state.work
    if request.training is None:
        return None
    if work is not None and work.trains and work.request == request:
        if work.finishing:
            return Tuning("stopping", "Stopping; the best weights are kept.")
        return Tuning("stop", _progress(state))
    if request in state.trains:
        return Tuning("stop", "Waiting for other work.")
    if state.current and state.outcome is not None:
        told = state.outcome.training
        if told is not None and told["reason"] == "stopped":
            return Tuning("continue", f"Stopped at {_end(told)}")
        if told is not None:
            return Tuning("done", f"Trained for {_end(told)}")
    if request in state.trained:
        return Tuning("done", "Trained.")
    return Tuning("start", f"Trains for {describe_limit(request.training)} at most.")


def _progress(state: AppState) -> str:
    training = state.training
    if training is None or training.request != state.request or not training.left:
        return "Starting from the refitted model."
    best = "the start" if training.best == 0 else f"step {training.best:,}"
    left = text.duration(training.left)
    return f"Step {training.step:,}, best so far: {best}; {left} left."


def _end(told: object) -> str:
    assert isinstance(told, dict)
    steps, best = told["steps"], told["best_step"]
    words = f"step {steps:,}" if told["reason"] == "stopped" else _steps(steps)
    if best == steps:
        return f"{words}; its weights are kept."
    if best == 0:
        return f"{words}; the start is still best and is kept."
    return f"{words}; the weights of step {best:,} are best and are kept."


def _steps(number: int) -> str:
    return text.counted(number, "step")
