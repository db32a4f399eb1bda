"""Plans that need more than one ranking: single weights, steps, and time as the aim.

To read this file, start from `special_plan`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import PruningError
from core.pruning import (
    WEIGHT_HEURISTICS,
    Counter,
    MaskPlan,
    PruningPlan,
    Schedule,
    Stepwise,
    apply_masks,
    make_masks,
    make_timed_plan,
    measure_costs,
    prune_in_steps,
    recalibrate_batch_norm,
)
from core.pruning.planning.limits import Limits
from core.pruning.scoring.weight_scores import find_weight_heuristic
from core.tables import MAX_SPARSITY
from core.types import UNSTRUCTURED, Count, Counts, PruneRequest, RequestKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor, nn

    from core.job import Job
    from core.pruning import ChannelGraph, CostTable, Statistics

Plan = PruningPlan | MaskPlan

_CURVE = 9  # points; between them the share of multiplications is nearly straight


def is_special(request: PruneRequest) -> bool:
    """Tell whether `SpecialPlans` makes the plan of a request."""
    return request.unstructured or request.steps > 1 or request.count == "latency"


def plain_count(request: PruneRequest) -> Count:
    """Return what a sparsity is a share of.

    Raises
    ------
    PruningError
        When it is time, which is predicted and not counted.
    """
    if request.count == "latency":
        raise PruningError(
            "A share of the latency cannot be shown along the slider: choose params, "
            "macs or channels, or give it on the command line."
        )
    return request.count


def limits_of(request: PruneRequest) -> Limits:
    """Return what a request does not allow."""
    ratios = dict(request.ratios)
    return Limits(request.round_to, request.min_channels, request.locked, ratios)


def settings_of(request: PruneRequest) -> dict[str, Any]:
    """Return keyword arguments of `make_plan`; what is at its default is left out."""
    names = ("heuristic", "sparsity", "scope", "count")
    rest = ("round_to", "min_channels", "seed")
    found: dict[str, Any] = {name: getattr(request, name) for name in (*names, *rest)}
    if request.locked:
        found["locked"] = list(request.locked)
    if request.ratios:
        found["ratios"] = dict(request.ratios)
    return found


@dataclass
class Material:
    """What these plans are made from.

    Parameters
    ----------
    module, graph
        The dense model and its trace.
    inputs
        Calibration inputs; the first one is what latency is predicted for.
    """

    module: nn.Module
    graph: ChannelGraph
    inputs: Sequence[Tensor]


class SpecialPlans:
    """Makes plans, and keeps what is dear: the cost table and the last steps.

    Parameters
    ----------
    material
        Of one model.
    """

    def __init__(self, material: Material) -> None:
        self._of = material
        self._costs: CostTable | None = None
        self._steps: tuple[tuple[bool, RequestKey], Stepwise] | None = None

    def plan(
        self, request: PruneRequest, statistics: Statistics | None, job: Job | None
    ) -> Plan:
        """Make the plan of a request.

        Raises
        ------
        PruningError
            When it cannot be met, or combines what does not go together.
        """
        if request.unstructured:
            return self._masks(request, statistics)
        if request.steps > 1 and request.count == "latency":
            raise PruningError(
                "Steps aim at parameters, multiply-accumulates or channels: choose one "
                "of these counts, or a single step."
            )
        if request.steps > 1:
            return self._stepwise(request, job).plan
        return self._timed(request, statistics, job)

    def build(self, request: PruneRequest, plan: Plan, job: Job | None) -> nn.Module:
        """Build the pruned module and repair it as the request says.

        Raises
        ------
        PruningError
            When the repair does not go with what was removed.
        """
        if isinstance(plan, MaskPlan):
            if request.recovery not in ("none", "bn"):
                raise PruningError(
                    f"Recovery '{request.recovery}' repairs removed channels, and here "
                    "single weights are zero: choose none, bn or finetune."
                )
            return self._recalibrated(request, apply_masks(self._of.module, plan), job)
        module = self._stepwise(request, job).module
        return self._recalibrated(request, module, job)

    def _recalibrated(
        self, request: PruneRequest, module: nn.Module, job: Job | None
    ) -> nn.Module:
        batches = ((batch,) for batch in self._of.inputs)
        if request.recovery == "bn" and not recalibrate_batch_norm(
            module, batches, job
        ):
            raise PruningError(
                "This model has no batch norm to recalibrate: choose another recovery."
            )
        return module

    def _masks(self, request: PruneRequest, statistics: Statistics | None) -> MaskPlan:
        if request.count != "params" or request.steps > 1 or request.ratios:
            raise PruningError(
                "Single weights are counted as parameters and chosen in one step, all "
                "by one rule: leave out count, steps and ratios."
            )
        return make_masks(
            self._of.module,
            self._of.graph,
            request.rule,
            request.sparsity,
            scope=request.scope,
            statistics=statistics,
            seed=request.seed,
            locked=request.locked,
        )

    def _stepwise(self, request: PruneRequest, job: Job | None) -> Stepwise:
        # Fine-tuning starts from what refits leave, whatever follows each step.
        plain = request.recovery in ("none", "bn")
        key = plain, request.key(without={"recovery", "training"})
        if self._steps is None or self._steps[0] != key:
            if request.ratios:
                raise PruningError(
                    "Ratios are shares of the dense layers and go in one step: leave "
                    "out ratios or steps."
                )
            schedule = Schedule(steps=request.steps, refit=not plain)
            settings = settings_of(request)
            module, inputs = self._of.module, self._of.inputs
            found = prune_in_steps(module, inputs, settings, schedule, job)
            self._steps = key, found
        return self._steps[1]

    def _timed(
        self, request: PruneRequest, statistics: Statistics | None, job: Job | None
    ) -> PruningPlan:
        of = self._of
        if self._costs is None:
            self._costs = measure_costs(of.module, of.graph, of.inputs[0], job=job)
        milliseconds = (1 - request.sparsity) * self._costs.dense(of.graph)
        plan = make_timed_plan(
            of.module,
            of.graph,
            request.heuristic,
            milliseconds,
            self._costs,
            scope=request.scope,
            statistics=statistics,
            limits=limits_of(request),
            seed=request.seed,
        )
        aim = {"count": "latency", "sparsity": request.sparsity}
        return replace(plan, request={**plan.request, **aim})

    def mask_curve(
        self, request: PruneRequest, statistics: Statistics | None
    ) -> list[Counts]:
        """Return sizes at evenly spread shares of the weights in scope."""
        graph, module = self._of.graph, self._of.module
        request = replace(request, sparsity=0.0)
        reach = mask_reach(graph, module, request)
        found = []
        for share in np.linspace(0.0, min(reach, MAX_SPARSITY), _CURVE):
            plan = self._masks(replace(request, sparsity=float(share)), statistics)
            found.append(mask_counts(graph, plan))
        return found


def needs_statistics(request: PruneRequest) -> bool:
    """Tell whether single weights are chosen by what the layers read."""
    name = request.rule
    return "statistics" in find_weight_heuristic(name).needs


def mask_reach(graph: ChannelGraph, module: nn.Module, request: PruneRequest) -> float:
    """Return the share of the parameters that single weights in scope are."""
    from core.pruning.planning.unstructured import weights_in

    sizes = {name: p.numel() for name, p in module.named_parameters()}
    inside = weights_in(module, graph, request.scope, request.locked)
    return sum(sizes[name] for name in inside) / max(sum(sizes.values()), 1)


def mask_counts(graph: ChannelGraph, plan: MaskPlan) -> Counts:
    """Return sizes that count what is not zero; dense kernels multiply all."""
    dense = Counter(graph).dense
    gone = {name: int(mask.size - mask.sum()) for name, mask in plan.kept.items()}
    macs = sum(
        layer.positions * gone.get(layer.weight or "", 0)
        for layer in graph.producing_layers
    )
    return Counts(dense.params - plan.removed, dense.macs - macs, dense.channels)


def weight_heuristics() -> Mapping[str, Any]:
    """Return heuristics for single weights by the name that a request gives them."""
    return {UNSTRUCTURED + name: rule for name, rule in WEIGHT_HEURISTICS.items()}
