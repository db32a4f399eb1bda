"""Kinds of task, and the words that go with each."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core.tables.metrics import TaskName


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One kind of task.

    Parameters
    ----------
    key
        Value of `ModelSpec.task`.
    one, many
        What is found in a picture.
    finding
        What a network is doing, for progress.
    scores
        Keys of the scores that are shown first, the leading one in front.
    same, other
        Of something whose type stayed, and of something whose type is another.
    """

    key: TaskName
    one: str
    many: str
    finding: str
    scores: tuple[str, ...]
    same: str
    other: str


_ROWS = (
    TaskRow(
        "nuclei",
        "nucleus",
        "nuclei",
        "finding nuclei",
        ("aji", "pq"),
        "kept",
        "other type",
    ),
    TaskRow(
        "patch",
        "patch",
        "patches",
        "classifying patches",
        ("accuracy", "auc"),
        "same class",
        "other class",
    ),
)

TASKS: Mapping[TaskName, TaskRow] = MappingProxyType({row.key: row for row in _ROWS})
"""Kinds of task by key."""
