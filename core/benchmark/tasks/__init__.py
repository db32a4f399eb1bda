"""Kinds of task: what a network is for, and how a pruned one is judged.

`make_task` joins a model and its tiles; bench, sweep, command line and window ask the
task alone. To read this package, start from ``protocol.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.benchmark.tasks.nuclei import NucleiTask
from core.benchmark.tasks.patches import PatchTask, class_names
from core.benchmark.tasks.protocol import Judgement, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.models import LoadedModel
    from core.types import LabelledTile

__all__ = [
    "Judgement",
    "NucleiTask",
    "PatchTask",
    "Task",
    "class_names",
    "make_task",
]


def make_task(
    model: LoadedModel, tiles: Sequence[LabelledTile], *, keep_maps: bool = False
) -> Task[Any]:
    """Return the task of a model on its tiles.

    Parameters
    ----------
    model
        Dense.
    tiles
        At least one.
    keep_maps
        Whether raw outputs are kept for drawing, where there are any.

    Raises
    ------
    InputError
        When the ground truth is not of the kind that the model is scored by.
    """
    if model.spec.task == "patch":
        return PatchTask(model, tiles)
    return NucleiTask(model, tiles, keep_maps=keep_maps)
