"""Pruning: trace, score, plan, apply, repair.

A model is traced once (`trace`); a plan is made from scores (`make_plan`) before
anything is touched; `apply_plan` builds the smaller model and, given statistics
(`calibrate`), repairs what is left in closed form. `METHODS` joins these steps for
each way to prune; `find_method` says which one a request means.

To read this package, start from ``tracing/tracer.py``, then ``planning/selection.py``
and ``methods/protocol.py``.
"""

from core.pruning.applying.apply import apply_plan
from core.pruning.applying.masked import mask_plan
from core.pruning.applying.recalibration import recalibrate_batch_norm
from core.pruning.applying.sequential import refit_in_sequence
from core.pruning.methods import (
    METHODS,
    Method,
    Plan,
    PruningContext,
    find_method,
    layer_steps,
    method_for_plan,
)
from core.pruning.planning.limits import Limits
from core.pruning.planning.plan import PruningPlan
from core.pruning.planning.planner import make_plan
from core.pruning.planning.selection import Selector, plan_of
from core.pruning.planning.timed_plans import make_timed_plan
from core.pruning.planning.unstructured import apply_masks, make_masks
from core.pruning.planning.weight_masks import MaskPlan
from core.pruning.planning.width_costs import CostTable, measure_costs
from core.pruning.schedule import Schedule, Stepwise, prune_in_steps
from core.pruning.scoring.heuristics import (
    HEURISTICS,
    WEIGHT_HEURISTICS,
    Heuristic,
    ScoringContext,
    register,
)
from core.pruning.scoring.statistics import Statistics, calibrate
from core.pruning.tracing.counting import Counter
from core.pruning.tracing.graph import ChannelGraph, GraphLayer
from core.pruning.verification import trace

__all__ = [
    "HEURISTICS",
    "METHODS",
    "WEIGHT_HEURISTICS",
    "ChannelGraph",
    "CostTable",
    "Counter",
    "GraphLayer",
    "Heuristic",
    "Limits",
    "MaskPlan",
    "Method",
    "Plan",
    "PruningContext",
    "PruningPlan",
    "Schedule",
    "ScoringContext",
    "Selector",
    "Statistics",
    "Stepwise",
    "apply_masks",
    "apply_plan",
    "calibrate",
    "find_method",
    "layer_steps",
    "make_masks",
    "make_plan",
    "make_timed_plan",
    "mask_plan",
    "measure_costs",
    "method_for_plan",
    "plan_of",
    "prune_in_steps",
    "recalibrate_batch_norm",
    "refit_in_sequence",
    "register",
    "trace",
]
