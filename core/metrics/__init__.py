"""Scores of nuclei, types, branches and patches; what changed between two maps.

Everything here is numpy on label maps: no torch, no pixels counted twice.
"""

from core.metrics.bootstrap import score_intervals
from core.metrics.branches import BranchScores, score_branches
from core.metrics.changes import (
    KINDS,
    Change,
    ChangeColumns,
    Kind,
    KindCount,
    NucleusChange,
    NucleusChanges,
    nucleus_changes,
)
from core.metrics.classes import (
    ClassTally,
    count_r2,
    pooled_pq,
    tally_classes,
)
from core.metrics.damage import TypeDamage, damage_by_type
from core.metrics.detection import Detection, score_detection
from core.metrics.instances import (
    Scores,
    score_instances,
    score_overlap,
)
from core.metrics.overlap import Overlap, centroids, overlap
from core.metrics.patches import PatchScores, score_patches

__all__ = [
    "KINDS",
    "BranchScores",
    "Change",
    "ChangeColumns",
    "ClassTally",
    "Detection",
    "Kind",
    "KindCount",
    "NucleusChange",
    "NucleusChanges",
    "Overlap",
    "PatchScores",
    "Scores",
    "TypeDamage",
    "centroids",
    "count_r2",
    "damage_by_type",
    "nucleus_changes",
    "overlap",
    "pooled_pq",
    "score_branches",
    "score_detection",
    "score_instances",
    "score_intervals",
    "score_overlap",
    "score_patches",
    "tally_classes",
]
