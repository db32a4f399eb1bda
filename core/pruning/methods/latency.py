"""Structured pruning that aims at time, predicted from layers timed on this machine.

To read this file, start from `Latency.plan`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from core.pruning.applying.masked import living_atoms
from core.pruning.methods.channels import Channels, statistics_for, widths_along
from core.pruning.methods.protocol import Plan, limits_for
from core.pruning.planning.checks import check_request
from core.pruning.planning.layer_steps import find_layer_steps
from core.pruning.planning.plan import PruningPlan
from core.pruning.planning.timed_plans import (
    block_order,
    goes_in_blocks,
    make_timed_plan,
    timed_selector,
)
from core.pruning.planning.width_costs import (
    CostTable,
    example_for,
    measure_costs,
)
from core.pruning.scoring.heuristics import ScoringContext
from core.results import LayerStep, SizeCurve

if TYPE_CHECKING:
    from core.job import Job
    from core.pruning.methods.context import PruningContext
    from core.types import Count, PruneRequest, Target

_POINTS = 24  # of a ranking's curve: each times layers at widths of its own
_FINE = 96  # of an order's: its widths are timed already


class Latency(Channels):
    """Removes channels until the predicted time is reached."""

    name = "latency"
    counts: tuple[Target, ...] = ("latency",)

    def takes(self, request: PruneRequest) -> bool:
        """Tell whether a request aims at time, in one step."""
        return request.count == "latency"

    def plan(
        self, request: PruneRequest, of: PruningContext, job: Job | None = None
    ) -> Plan:
        """Make a plan whose predicted time is the share of the dense one."""
        costs = costs_for(of, job)
        check_request(of.graph, request.sparsity, "macs", limits_for(request))
        plan = make_timed_plan(
            of.module,
            of.graph,
            request.heuristic,
            (1 - request.sparsity) * costs.dense(of.graph),
            costs,
            scope=request.scope,
            statistics=statistics_for(self.heuristic(request), of, job),
            limits=limits_for(request),
            seed=request.seed,
            job=job,
        )
        aim = {"count": "latency", "sparsity": request.sparsity}
        return replace(plan, request={**plan.request, **aim})

    def curve(
        self, request: PruneRequest, of: PruningContext, job: Job | None = None
    ) -> SizeCurve:
        """Return the sizes along the order, by predicted time.

        The first call finds the order, in seconds; plans are prefixes of it.
        """
        costs, limits = costs_for(of, job), limits_for(request)
        check_request(of.graph, 0.0, "macs", limits)
        selector = timed_selector(of.graph, costs, limits)
        rule = self.heuristic(request)
        if goes_in_blocks(rule, request.scope):
            data = statistics_for(rule, of, job)
            ask = ScoringContext(of.module, of.graph, data, request.seed, "macs")
            order = block_order(ask, rule, costs, limits, request.scope, job)
            ends = np.linspace(0, len(order.blocks), _FINE).round().astype(int)
            alive = [order.alive(of.graph.atoms, int(n)) for n in np.unique(ends)]
        else:
            scores = self.scores(request, of, job)
            alive = selector.prefixes(scores, request.scope, _POINTS)
        times = np.array([costs.predict(of.graph, each) for each in alive])
        gone = np.maximum.accumulate(1.0 - times / costs.dense(of.graph))
        costs.save()
        widths = widths_along(of.graph, alive)
        return SizeCurve(request, "latency", selector.table(alive), gone, widths)

    def scored_count(self, request: PruneRequest) -> Count:
        """Return the cost that a heuristic may weigh by: the nearest to time."""
        return "macs"


def costs_for(of: PruningContext, job: Job | None = None) -> CostTable:
    """Return what layers cost on this machine, timed at the first call."""

    def measure() -> CostTable:
        example = of.inputs[:1] or example_for(of.module, of.graph)
        return measure_costs(of.module, of.graph, example, job=job)

    return of.remember("costs", "", measure)


def layer_steps(
    plan: Plan | None, of: PruningContext, job: Job | None = None
) -> tuple[LayerStep, ...]:
    """Return what each layer costs, dense and as a plan leaves it.

    None is the dense model. Single weights that are zero cost as much as others.
    """
    alive = np.ones(of.graph.atoms, dtype=bool)
    if isinstance(plan, PruningPlan):
        alive = living_atoms(of.graph, plan)
    return find_layer_steps(costs_for(of, job), alive)
