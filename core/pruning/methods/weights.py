"""Unstructured pruning: single weights become zero, shapes stay.

To read this file, start from `Weights.plan`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from core.errors import PruningError
from core.pruning.methods.channels import recalibrated, statistics_for
from core.pruning.methods.protocol import Plan, check_recovery
from core.pruning.planning.unstructured import apply_masks, make_masks, weights_in
from core.pruning.scoring.heuristics import Heuristic, find_heuristic
from core.pruning.tracing.counting import Counter
from core.results import SizeCurve
from core.tables import MAX_SPARSITY
from core.types import Counts, Recovery, Target

if TYPE_CHECKING:
    from torch import nn

    from core.job import Job
    from core.pruning.methods.context import PruningContext
    from core.pruning.planning.weight_masks import MaskPlan
    from core.types import PruneRequest

_POINTS = 9  # between them the share of multiplications is nearly straight


class Weights:
    """Sets single weights to zero."""

    name = "weights"
    unit = "weights"
    narrows = False
    recoveries: tuple[Recovery, ...] = ("none", "bn", "finetune")
    counts: tuple[Target, ...] = ("params",)

    def takes(self, request: PruneRequest) -> bool:
        """Tell whether a request asks for single weights."""
        return request.unstructured

    def heuristic(self, request: PruneRequest) -> Heuristic:
        """Return the rule that scores weights."""
        return find_heuristic(request.rule, "weights")

    def plan(
        self, request: PruneRequest, of: PruningContext, job: Job | None = None
    ) -> Plan:
        """Make a plan that meets the sparsity exactly."""
        if request.count != "params" or request.steps > 1 or request.ratios:
            raise PruningError(
                "Single weights are counted as parameters and chosen in one step, all "
                "by one rule: leave out count, steps and ratios."
            )
        rule = self.heuristic(request)
        return make_masks(
            of.module,
            of.graph,
            rule.name,
            request.sparsity,
            scope=request.scope,
            statistics=statistics_for(rule, of, job),
            seed=request.seed,
            locked=request.locked,
        )

    def build(
        self,
        request: PruneRequest,
        plan: Plan,
        of: PruningContext,
        job: Job | None = None,
    ) -> nn.Module:
        """Set the weights to zero, and repair as the request says."""
        check_recovery(self, request.recovery)
        module = apply_masks(of.module, cast("MaskPlan", plan))
        return recalibrated(module, of, job) if request.recovery == "bn" else module

    def start(
        self, plan: Plan, of: PruningContext, job: Job | None = None
    ) -> tuple[nn.Module, MaskPlan]:
        """Return the model with its zeros, and the masks that keep them."""
        masks = cast("MaskPlan", plan)
        return apply_masks(of.module, masks), masks

    def sizes(self, plan: Plan, of: PruningContext) -> Counts:
        """Return sizes that count what is not zero; dense kernels multiply all."""
        masks, dense = cast("MaskPlan", plan), Counter(of.graph).dense
        gone = {name: int(mask.size - mask.sum()) for name, mask in masks.kept.items()}
        macs = sum(
            layer.positions * gone.get(layer.weight or "", 0)
            for layer in of.graph.producing_layers
        )
        return Counts(dense.params - masks.removed, dense.macs - macs, dense.channels)

    def widths(self, plan: Plan, of: PruningContext) -> dict[str, int]:
        """Return the dense widths: no channel goes."""
        layers = of.graph.producing_layers
        return {layer.name: int(layer.outputs.size) for layer in layers}

    def curve(
        self, request: PruneRequest, of: PruningContext, job: Job | None = None
    ) -> SizeCurve:
        """Return the sizes at evenly spread shares of the weights in scope."""
        shares = np.linspace(0.0, min(_reach(request, of), MAX_SPARSITY), _POINTS)
        plans = [
            self.plan(replace(request, sparsity=float(share)), of, job)
            for share in shares
        ]
        sizes = [self.sizes(plan, of) for plan in plans]
        table = np.array([(c.params, c.macs, c.channels) for c in sizes], np.int64)
        return SizeCurve(request, "params", table)


def _reach(request: PruneRequest, of: PruningContext) -> float:
    """Return the share of the parameters that single weights in scope are."""
    sizes = {name: p.numel() for name, p in of.module.named_parameters()}
    inside = weights_in(of.module, of.graph, request.scope, request.locked)
    return sum(sizes[name] for name in inside) / max(sum(sizes.values()), 1)
