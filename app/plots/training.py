"""A training that runs, as curves of a plot and as a line of words."""

from functools import partial
from typing import TYPE_CHECKING

from app.plots.plot_values import Dot, Line
from app.rendering.palette import BLUE, ORANGE
from app.text import format as text

if TYPE_CHECKING:
    from app.state.training import Training

LEARNED, CHECKED = "on what is learned", "on tiles kept back"


def training_lines(training: "Training | None") -> tuple[Line, ...]:
    """Return the loss over steps: a plain line, and the checks as marks.

    Parameters
    ----------
    training
        How far it is; None when nothing was trained.
    """
    if training is None:
        return ()
    lines = []
    for points, name, colour, plain in (
        (training.losses, LEARNED, BLUE, True),
        (training.checks, CHECKED, ORANGE, False),
    ):
        dots = tuple(
            Dot(
                float(step),
                loss,
                (name, step),
                partial(_tip, name, step, loss),
                sure=step == training.best or plain,
            )
            for step, loss in points
        )
        lines.append(Line(dots, colour, shape="diamond", marked=not plain))
    return tuple(lines)


def _tip(name: str, step: int, loss: float) -> str:
    return f"step {step}: loss {loss:.4f} {name}"


def training_words(training: "Training | None") -> str:
    """Return how far a training is, for a caption.

    Parameters
    ----------
    training
        How far it is; None when nothing was trained.
    """
    if training is None:
        return ""
    memory = f"{text.memory(training.peak_memory)} on top"
    if training.left <= 0:
        return f"step {training.step}, best {training.best}, {memory}"
    return f"{text.duration(training.left)} left, {memory}"
