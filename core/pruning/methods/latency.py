"""Structured pruning that aims at time, predicted from layers timed on this machine.

To read this file, start from `Latency.plan`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from core.pruning.methods.channels import Channels, statistics_for
from core.pruning.methods.protocol import Plan, limits_for
from core.pruning.planning.checks import check_request
from core.pruning.planning.width_costs import (
    CostTable,
    make_timed_plan,
    measure_costs,
)
from core.results import SizeCurve

if TYPE_CHECKING:
    from core.job import Job
    from core.pruning.methods.context import PruningContext
    from core.types import Count, PruneRequest, Target

_POINTS = 24  # of a curve: each is a prediction over all layers


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
        costs = self.costs(of, job)
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
        )
        aim = {"count": "latency", "sparsity": request.sparsity}
        return replace(plan, request={**plan.request, **aim})

    def curve(
        self, request: PruneRequest, of: PruningContext, job: Job | None = None
    ) -> SizeCurve:
        """Return the sizes along the ranking, by predicted time."""
        costs, selector = self.costs(of, job), self.selector(request, of)
        scores = self.scores(request, of, job)
        alive = selector.prefixes(scores, request.scope, _POINTS)
        sizes = [selector.counter.counts(each) for each in alive]
        times = np.array([costs.predict(of.graph, each) for each in alive])
        table = np.array([(c.params, c.macs, c.channels) for c in sizes], np.int64)
        gone = np.maximum.accumulate(1.0 - times / max(times[0], 1e-12))
        return SizeCurve(request, "latency", table, gone)

    def costs(self, of: PruningContext, job: Job | None = None) -> CostTable:
        """Return what layers cost on this machine, timed at the first call."""

        def measure() -> CostTable:
            return measure_costs(of.module, of.graph, of.inputs[0], job=job)

        return of.remember("costs", "", measure)

    def scored_count(self, request: PruneRequest) -> Count:
        """Return the cost that a heuristic may weigh by: the nearest to time."""
        return "macs"
