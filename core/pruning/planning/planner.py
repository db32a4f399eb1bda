"""From a heuristic and a sparsity to a plan.

To read this file, start from `make_plan`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from torch import nn

from core.job import Job
from core.pruning.planning.checks import check_model, check_request, check_statistics
from core.pruning.planning.limits import Limits
from core.pruning.planning.plan import PruningPlan
from core.pruning.planning.selection import Selector, plan_of
from core.pruning.planning.timed_plans import make_timed_plan
from core.pruning.planning.width_costs import CostTable, example_for, measure_costs
from core.pruning.scoring.heuristics import ScoringContext, find_heuristic
from core.pruning.scoring.statistics import Statistics
from core.pruning.tracing.graph import ChannelGraph
from core.types import Target


def make_plan(  # noqa: PLR0913 - the contract that callers rely on
    module: nn.Module,
    graph: ChannelGraph,
    heuristic: str,
    sparsity: float,
    *,
    scope: str = "network",
    count: Target = "params",
    statistics: Statistics | None = None,
    round_to: int = 1,
    min_channels: int = 1,
    seed: int = 0,
    locked: Sequence[str] = (),
    ratios: Mapping[str, float] | None = None,
    cost_aware: bool = False,
    table: CostTable | None = None,
    job: Job | None = None,
) -> PruningPlan:
    """Decide what to remove; nothing is changed yet.

    Parameters
    ----------
    module, graph
        A model and its trace.
    heuristic
        Key of `HEURISTICS`.
    sparsity
        Share of ``count`` to remove, 0 to `MAX_SPARSITY`; met within one atom.
    scope
        ``"layer"`` (same share in every layer), ``"network"`` (one ranking),
        ``"encoder"``, ``"decoder"``, or the prefix of a branch or layer.
    count
        ``"params"``, ``"macs"``, ``"channels"`` or ``"latency"``: the time for inputs
        of the traced shape, predicted from layers timed on this machine. The first
        such plan of a model takes seconds, all later ones milliseconds.
    statistics
        From `calibrate`, for heuristics that look at activations.
    round_to, min_channels, locked, ratios
        See `Limits`.
    seed
        For random heuristics.
    cost_aware
        Rank channels by what they are worth for what they cost (in ``count``), so
        that dear ones go first. Without effect on heuristics that do so anyway.

    table
        Times of layers for ``count="latency"``; measured when left out.
    job
        Progress and cancel of the first plan that aims at time.

    Returns
    -------
    PruningPlan

    Raises
    ------
    PruningError
        Sparsity outside its range or out of reach, unknown heuristic or scope,
        missing statistics, weights that are not finite, another model's graph or
        statistics.
    """
    limits = Limits(round_to, min_channels, locked, ratios or {})
    check_model(module, graph)
    if count == "latency":
        return _timed(
            module, graph, heuristic, sparsity, table,
            scope=scope, statistics=statistics, limits=limits, seed=seed, job=job,
        )  # fmt: skip
    check_request(graph, sparsity, count, limits)
    check_statistics(statistics, graph.shapes)
    ask = ScoringContext(module, graph, statistics, seed, count)
    chosen = find_heuristic(heuristic)
    scores = chosen.score(ask)
    selector = Selector(graph, limits)
    if cost_aware and not chosen.weighs_cost:
        scores = scores / np.maximum(selector.counter.per_atom(count), 1.0)
    alive = selector.select(scores, sparsity, scope, count)
    request = {
        "heuristic": heuristic,
        "sparsity": sparsity,
        "scope": scope,
        "count": count,
        "round_to": round_to,
        "min_channels": min_channels,
        "seed": seed,
        **({"cost_aware": True} if cost_aware else {}),
        **({"locked": list(locked)} if locked else {}),
        **({"ratios": dict(ratios)} if ratios else {}),
    }
    return plan_of(graph, alive, request, chosen.notes(ask))


def _timed(
    module: nn.Module,
    graph: ChannelGraph,
    heuristic: str,
    sparsity: float,
    table: CostTable | None,
    **more: Any,
) -> PruningPlan:
    """Make a plan that removes a share of the predicted time."""
    check_request(graph, sparsity, "macs", more["limits"])
    statistics, job = more["statistics"], more["job"]
    check_statistics(statistics, graph.shapes)
    if table is None:
        given = statistics.inputs if statistics is not None else ()
        example = example_for(module, graph, given)
        table = measure_costs(module, graph, example, job=job)
    goal = (1 - sparsity) * table.dense(graph)
    plan = make_timed_plan(module, graph, heuristic, goal, table, **more)
    aim = {"count": "latency", "sparsity": sparsity}
    return replace(plan, request={**plan.request, **aim})
