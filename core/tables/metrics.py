"""Every score by name: the only list of scores.

A score is computed in `core.metrics`, under the key of its row; all lists, plots,
tables and reports are made from the rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

TaskName = Literal["nuclei", "patch"]
Better = Literal["higher", "lower"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One score.

    Parameters
    ----------
    key
        Name in results, stores and JSON.
    title
        In tables and on axes.
    tip
        One sentence that explains it.
    tasks
        Which kinds of model it is defined for.
    better
        Which way is better.
    low, high
        Ends of its range.
    needs
        ``"types"`` when nuclei must have types on both sides, else empty.
    usual
        Whether it is among the few that a summary shows.
    pooled
        Whether it exists for all tiles together only.
    """

    key: str
    title: str
    tip: str
    tasks: frozenset[TaskName]
    better: Better = "higher"
    low: float = 0.0
    high: float = 1.0
    needs: Literal["", "types"] = ""
    usual: bool = False
    pooled: bool = False


_NUCLEI: frozenset[TaskName] = frozenset({"nuclei"})
_PATCH: frozenset[TaskName] = frozenset({"patch"})
_ROWS = (
    Metric(
        "aji",
        "AJI",
        "Aggregated Jaccard index: shared area over the area of all nuclei, matched "
        "and unmatched.",
        _NUCLEI,
        usual=True,
    ),
    Metric(
        "aji_plus",
        "AJI+",
        "Aggregated Jaccard index in which each nucleus is matched once at most.",
        _NUCLEI,
    ),
    Metric(
        "pq",
        "PQ",
        "Panoptic quality: detection quality times segmentation quality.",
        _NUCLEI,
        usual=True,
    ),
    Metric(
        "dq",
        "DQ",
        "Detection quality: F1 of nuclei that are found with an IoU above 0.5.",
        _NUCLEI,
    ),
    Metric("sq", "SQ", "Segmentation quality: mean IoU of matched nuclei.", _NUCLEI),
    Metric(
        "dice",
        "Dice",
        "Overlap of the area of all nuclei together; merged nuclei cost nothing.",
        _NUCLEI,
        usual=True,
    ),
    Metric(
        "dice2",
        "Dice 2",
        "Dice over all pairs of nuclei that overlap (ensemble Dice).",
        _NUCLEI,
    ),
    Metric(
        "f1",
        "F1",
        "Harmonic mean of precision and recall: of nuclei that match with an IoU "
        "above 0.5, or of patches, averaged over classes.",
        _NUCLEI | _PATCH,
        usual=True,
    ),
    Metric(
        "precision",
        "Precision",
        "Share of the nuclei found that match one with an IoU above 0.5.",
        _NUCLEI,
    ),
    Metric(
        "recall",
        "Recall",
        "Share of the nuclei there are that are found with an IoU above 0.5.",
        _NUCLEI,
    ),
    Metric(
        "f1_types",
        "F1 by type",
        "Mean over nucleus types of the F1 of nuclei that match in place and type.",
        _NUCLEI,
        needs="types",
    ),
    Metric(
        "mpq",
        "mPQ",
        "Multi-class panoptic quality: mean over nucleus types of their PQ.",
        _NUCLEI,
        needs="types",
    ),
    Metric(
        "mpq_plus",
        "mPQ+",
        "PQ of each nucleus type over all tiles together, mean over types.",
        _NUCLEI,
        needs="types",
        pooled=True,
    ),
    Metric(
        "detection_f1",
        "Detection F1",
        "Harmonic mean of detection precision and recall, over all tiles together.",
        _NUCLEI,
        pooled=True,
    ),
    Metric(
        "detection_precision",
        "Detection precision",
        "Share of the nuclei found whose centroid lies within 12 pixels of that of one "
        "there is.",
        _NUCLEI,
        pooled=True,
    ),
    Metric(
        "detection_recall",
        "Detection recall",
        "Share of the nuclei there are whose centroid lies within 12 pixels of that of "
        "one found.",
        _NUCLEI,
        pooled=True,
    ),
    Metric(
        "detection_f1_types",
        "Detection F1 by type",
        "Mean over nucleus types of the F1 of nuclei detected with their type.",
        _NUCLEI,
        needs="types",
        pooled=True,
    ),
    Metric(
        "count_r2",
        "Count R2",
        "How well the number of nuclei of each tile and type is predicted: coefficient "
        "of determination over tiles, mean over types.",
        _NUCLEI,
        low=-1.0,
        pooled=True,
    ),
    Metric(
        "accuracy",
        "Accuracy",
        "Share of patches whose most likely class is right.",
        _PATCH,
        usual=True,
    ),
    Metric(
        "balanced_accuracy",
        "Balanced accuracy",
        "Mean recall over the classes that occur.",
        _PATCH,
        usual=True,
    ),
    Metric(
        "auc",
        "AUC",
        "Area under the ROC curve, one class against the rest, mean over classes.",
        _PATCH,
        usual=True,
    ),
    Metric(
        "ece",
        "Calibration error",
        "Expected calibration error: how far confidence is from accuracy.",
        _PATCH,
        better="lower",
        usual=True,
    ),
)

METRICS: Mapping[str, Metric] = MappingProxyType({row.key: row for row in _ROWS})
"""Scores by key, in the order in which they are listed."""


def metrics_for(task: TaskName, *, usual: bool = False) -> tuple[Metric, ...]:
    """Return the scores of one kind of model, in order.

    Parameters
    ----------
    task
        ``"nuclei"`` or ``"patch"``.
    usual
        Only those that a summary shows.
    """
    return tuple(row for row in _ROWS if task in row.tasks and (row.usual or not usual))


def task_of(keys: Iterable[str]) -> TaskName:
    """Return the kind of model that has all these scores; nuclei where several do."""
    wanted = frozenset(keys)
    own = {row.key for row in metrics_for("nuclei")}
    return "nuclei" if wanted <= own else "patch"


def metric_titles(keys: Iterable[str] = METRICS) -> dict[str, str]:
    """Return titles by key, in the order of the table; unknown keys are left out."""
    wanted = frozenset(keys)
    return {row.key: row.title for row in _ROWS if row.key in wanted}
