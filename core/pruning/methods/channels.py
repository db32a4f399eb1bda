"""Structured pruning: whole channels go, by one ranking.

To read this file, start from `Channels.plan`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from core.errors import PruningError
from core.pruning.applying.apply import apply_plan
from core.pruning.applying.masked import living_atoms
from core.pruning.applying.recalibration import recalibrate_batch_norm
from core.pruning.applying.sequential import refit_in_sequence
from core.pruning.methods.protocol import (
    Plan,
    check_recovery,
    limits_for,
    plan_settings,
)
from core.pruning.planning.checks import check_request
from core.pruning.planning.selection import Selector, plan_of
from core.pruning.scoring.heuristics import (
    Heuristic,
    ScoringContext,
    find_heuristic,
)
from core.pruning.tracing.counting import Counter
from core.results import SizeCurve
from core.tables import RECOVERIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import nn

    from core.job import Job
    from core.pruning.methods.context import PruningContext
    from core.pruning.planning.plan import PruningPlan
    from core.pruning.scoring.statistics import Statistics
    from core.pruning.tracing.graph import Alive, ChannelGraph
    from core.types import Count, Counts, PruneRequest, Recovery, Target

_POINTS = 96


class Channels:
    """Removes whole channels in one step."""

    name = "channels"
    unit = "channels"
    narrows = True
    recoveries: tuple[Recovery, ...] = tuple(row.key for row in RECOVERIES.values())
    counts: tuple[Target, ...] = ("params", "macs", "channels")

    def takes(self, request: PruneRequest) -> bool:
        """Tell whether a request asks for channels, in one step, by their number."""
        return True

    def heuristic(self, request: PruneRequest) -> Heuristic:
        """Return the rule that scores channels."""
        return find_heuristic(request.heuristic)

    def plan(
        self, request: PruneRequest, of: PruningContext, job: Job | None = None
    ) -> Plan:
        """Make a plan that meets the sparsity within one atom."""
        count = _countable(request)
        check_request(of.graph, request.sparsity, count, limits_for(request))
        scores = self.scores(request, of, job)
        alive = self.selector(request, of).select(
            scores, request.sparsity, request.scope, count
        )
        notes = self.notes(request, of, job)
        return plan_of(of.graph, alive, plan_settings(request), notes)

    def build(
        self,
        request: PruneRequest,
        plan: Plan,
        of: PruningContext,
        job: Job | None = None,
    ) -> nn.Module:
        """Cut, and repair as the request says."""
        check_recovery(self, request.recovery)
        refits = request.recovery in {"refit", "sequential"}
        data = of.statistics(job) if refits else None
        cut = apply_plan(of.module, cast("PruningPlan", plan), statistics=data)
        return self.repaired(request, plan, cut, of, job)

    def repaired(
        self,
        request: PruneRequest,
        plan: Plan,
        cut: nn.Module,
        of: PruningContext,
        job: Job | None,
    ) -> nn.Module:
        """Do the part of a repair that runs the pruned model."""
        if request.recovery == "bn":
            return recalibrated(cut, of, job)
        if request.recovery == "sequential":
            inputs = [(batch,) for batch in of.inputs]
            given = cast("PruningPlan", plan)
            return refit_in_sequence(of.module, cut, given, of.graph, inputs, job)
        return cut

    def start(
        self, plan: Plan, of: PruningContext, job: Job | None = None
    ) -> tuple[nn.Module, None]:
        """Return the refitted model: training starts from there."""
        given = cast("PruningPlan", plan)
        return apply_plan(of.module, given, statistics=of.statistics(job)), None

    def sizes(self, plan: Plan, of: PruningContext) -> Counts:
        """Return what a plan leaves."""
        given = cast("PruningPlan", plan)
        return Counter(of.graph).counts(living_atoms(of.graph, given))

    def widths(self, plan: Plan, of: PruningContext) -> dict[str, int]:
        """Return channels left by layer name."""
        given, found = cast("PruningPlan", plan), {}
        for layer in of.graph.producing_layers:
            if layer.weight is None:
                continue
            dim = 1 if layer.kind == "transposed" else 0
            entry = given.kept[layer.weight][dim]
            width = layer.outputs.size
            dense = given.shapes[layer.weight][dim]
            left = dense if entry is None else len(entry)
            found[layer.name] = width * left // dense
        return found

    def curve(
        self, request: PruneRequest, of: PruningContext, job: Job | None = None
    ) -> SizeCurve:
        """Return the sizes along the ranking."""
        count = _countable(request)
        check_request(of.graph, 0.0, count, limits_for(request))
        scores = self.scores(request, of, job)
        selector = self.selector(request, of)
        alive = selector.prefixes(scores, request.scope, _POINTS)
        return SizeCurve(
            request, count, selector.table(alive), widths=widths_along(of.graph, alive)
        )

    def scores(
        self, request: PruneRequest, of: PruningContext, job: Job | None
    ) -> NDArray[np.float64]:
        """Score every atom, once for each heuristic, count and seed."""
        count = self.scored_count(request)
        key = request.heuristic, count, request.seed, request.cost_aware
        return of.remember("scores", key, lambda: self._score(request, of, job), 64)

    def notes(
        self, request: PruneRequest, of: PruningContext, job: Job | None
    ) -> tuple[str, ...]:
        """Return what the heuristic could not do on this model, as sentences."""
        rule = self.heuristic(request)
        data = statistics_for(rule, of, job)
        return rule.notes(ScoringContext(of.module, of.graph, data))

    def scored_count(self, request: PruneRequest) -> Count:
        """Return the cost that a heuristic may weigh by."""
        return _countable(request)

    def _score(
        self, request: PruneRequest, of: PruningContext, job: Job | None
    ) -> NDArray[np.float64]:
        rule, count = self.heuristic(request), self.scored_count(request)
        data = statistics_for(rule, of, job)
        scores = rule.score(
            ScoringContext(of.module, of.graph, data, request.seed, count)
        )
        if request.cost_aware and not rule.weighs_cost:
            scores = scores / np.maximum(Counter(of.graph).per_atom(count), 1.0)
        return scores

    def selector(self, request: PruneRequest, of: PruningContext) -> Selector:
        """Return what chooses atoms within the limits of a request."""
        key = request.round_to, request.min_channels, request.locked, request.ratios
        limits = limits_for(request)
        return of.remember("selector", key, lambda: Selector(of.graph, limits))


def widths_along(
    graph: ChannelGraph, alive: Sequence[Alive]
) -> dict[str, NDArray[np.int64]]:
    """Return the channels left by layer along a row of living atoms."""
    layers = [layer for layer in graph.producing_layers if layer.weight is not None]
    return {
        layer.name: np.array([each[layer.outputs].sum() for each in alive], np.int64)
        for layer in layers
    }


def statistics_for(
    rule: Heuristic, of: PruningContext, job: Job | None
) -> Statistics | None:
    """Return statistics when a rule looks at them."""
    return of.statistics(job) if "statistics" in rule.needs else None


def recalibrated(module: nn.Module, of: PruningContext, job: Job | None) -> nn.Module:
    """Measure the statistics of batch norm anew.

    Raises
    ------
    PruningError
        When there is none.
    """
    batches = ((batch,) for batch in of.inputs)
    if not recalibrate_batch_norm(module, batches, job):
        raise PruningError(
            "This model has no batch norm to recalibrate: choose another recovery."
        )
    return module


def _countable(request: PruneRequest) -> Count:
    if request.count == "latency":
        raise PruningError(
            "Steps aim at parameters, multiply-accumulates or channels: choose one of "
            "these counts, or a single step."
        )
    return request.count
