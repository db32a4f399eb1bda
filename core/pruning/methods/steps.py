"""Structured pruning in steps: score, cut, repair, and score what is left.

To read this file, start from `Steps.plan`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from core.errors import PruningError
from core.pruning.methods.channels import Channels
from core.pruning.methods.protocol import Plan, check_recovery, plan_settings
from core.pruning.schedule import Schedule, Stepwise, prune_in_steps
from core.pruning.tracing.copies import copied

if TYPE_CHECKING:
    from torch import nn

    from core.job import Job
    from core.pruning.methods.context import PruningContext
    from core.types import PruneRequest


class Steps(Channels):
    """Removes channels in several steps, with a refit after each."""

    name = "steps"

    def takes(self, request: PruneRequest) -> bool:
        """Tell whether a request asks for more than one step."""
        return request.steps > 1

    def plan(
        self, request: PruneRequest, of: PruningContext, job: Job | None = None
    ) -> Plan:
        """Make the plan of all steps in one."""
        return self._done(request, of, job).plan

    def build(
        self,
        request: PruneRequest,
        plan: Plan,
        of: PruningContext,
        job: Job | None = None,
    ) -> nn.Module:
        """Return what the steps left, repaired once more where that is asked for."""
        check_recovery(self, request.recovery)
        module = self._done(request, of, job).module
        return self.repaired(request, plan, module, of, job)

    def _done(
        self, request: PruneRequest, of: PruningContext, job: Job | None
    ) -> Stepwise:
        # Fine-tuning starts from what refits leave, whatever follows each step.
        plain = request.recovery in ("none", "bn")
        if request.count not in self.counts:
            raise PruningError(
                "Steps aim at parameters, multiply-accumulates or channels: choose one "
                "of these counts, or a single step."
            )
        if request.ratios:
            raise PruningError(
                "Ratios are shares of the dense layers and go in one step: leave out "
                "ratios or steps."
            )
        schedule = Schedule(steps=request.steps, refit=not plain)
        settings = plan_settings(request)
        key = plain, request.key(without={"recovery", "training"})
        found = of.remember(
            "steps",
            key,
            lambda: prune_in_steps(of.module, of.inputs, settings, schedule, job),
            1,
        )
        # The module is handed out, and recalibrated in place: never the kept one.
        return replace(found, module=copied(found.module))
