"""Structured pruning: trace, score, plan, apply, repair.

A model is traced once (`trace`); a plan is made from scores (`make_plan`) before
anything is touched; `apply_plan` builds the smaller model and, given statistics
(`calibrate`), repairs what is left in closed form.

To read this package, start from ``tracing.py``, then ``selection.py``.
"""

from core.pruning.apply import apply_plan
from core.pruning.counting import Counter
from core.pruning.graph import ChannelGraph, Layer
from core.pruning.heuristics import HEURISTICS, Ask, Heuristic, register
from core.pruning.limits import Limits
from core.pruning.masked import mask_plan
from core.pruning.plan import PruningPlan
from core.pruning.recalibration import recalibrate_batch_norm
from core.pruning.schedule import Schedule, Stepwise, prune_in_steps
from core.pruning.selection import Selector, make_plan, plan_of
from core.pruning.sequential import refit_in_sequence
from core.pruning.statistics import Statistics, calibrate
from core.pruning.tracing import trace
from core.pruning.unstructured import apply_masks, make_masks
from core.pruning.weight_masks import MaskPlan
from core.pruning.weight_scores import WEIGHT_HEURISTICS, WeightHeuristic
from core.pruning.width_costs import CostTable, make_timed_plan, measure_costs

__all__ = [
    "HEURISTICS",
    "WEIGHT_HEURISTICS",
    "Ask",
    "ChannelGraph",
    "CostTable",
    "Counter",
    "Heuristic",
    "Layer",
    "Limits",
    "MaskPlan",
    "PruningPlan",
    "Schedule",
    "Selector",
    "Statistics",
    "Stepwise",
    "WeightHeuristic",
    "apply_masks",
    "apply_plan",
    "calibrate",
    "make_masks",
    "make_plan",
    "make_timed_plan",
    "mask_plan",
    "measure_costs",
    "plan_of",
    "prune_in_steps",
    "recalibrate_batch_norm",
    "refit_in_sequence",
    "register",
    "trace",
]
