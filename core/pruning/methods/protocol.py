"""What every method of pruning can do, and what every plan says.

To read this file, start from `Method`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from core.errors import PruningError
from core.pruning.planning.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import nn

    from core.job import Job
    from core.pruning.methods.context import PruningContext
    from core.pruning.planning.weight_masks import MaskPlan
    from core.pruning.scoring.heuristics.protocol import Heuristic
    from core.results import SizeCurve
    from core.types import Counts, PruneRequest, Recovery, Target


class Plan(Protocol):
    """Which part of a model is kept, as data."""

    @property
    def unit(self) -> str:
        """What is removed: ``"channels"`` or ``"weights"``."""

    @property
    def hash(self) -> str:
        """Sixteen hexadecimal digits that name what is kept."""

    @property
    def request(self) -> Mapping[str, Any]:
        """Settings that led to it, for the record."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences for the user."""

    @property
    def file_name(self) -> str:
        """Name of its file in a folder of results."""

    def to_json(self) -> str:
        """Return the plan as JSON."""

    def save(self, path: str | Path) -> None:
        """Write the plan to a file.

        Raises
        ------
        PruningError
            When it cannot be written.
        """


class Method(Protocol):
    """One way to prune: how a plan is made, and how the pruned model is built."""

    @property
    def name(self) -> str:
        """Key in `METHODS`."""

    @property
    def unit(self) -> str:
        """What is removed: ``"channels"`` or ``"weights"``."""

    @property
    def narrows(self) -> bool:
        """Whether tensors get smaller, which is what makes kernels faster."""

    @property
    def recoveries(self) -> tuple[Recovery, ...]:
        """Repairs that go with it."""

    @property
    def counts(self) -> tuple[Target, ...]:
        """What a sparsity may be a share of."""

    def takes(self, request: PruneRequest) -> bool:
        """Tell whether a request asks for this method."""

    def heuristic(self, request: PruneRequest) -> Heuristic:
        """Return the rule that scores, which says what it needs.

        Raises
        ------
        PruningError
            When there is none of that name.
        """

    def plan(
        self, request: PruneRequest, of: PruningContext, job: Job | None = None
    ) -> Plan:
        """Decide what goes; nothing is changed yet.

        Raises
        ------
        PruningError
            When the request cannot be met.
        """

    def build(
        self,
        request: PruneRequest,
        plan: Plan,
        of: PruningContext,
        job: Job | None = None,
    ) -> nn.Module:
        """Build the pruned model and repair it, without training.

        Raises
        ------
        PruningError
            When the repair does not go with this method.
        """

    def start(
        self, plan: Plan, of: PruningContext, job: Job | None = None
    ) -> tuple[nn.Module, MaskPlan | None]:
        """Return the model that a fine-tuning starts from, and weights that stay 0."""

    def sizes(self, plan: Plan, of: PruningContext) -> Counts:
        """Return what a plan leaves."""

    def widths(self, plan: Plan, of: PruningContext) -> dict[str, int]:
        """Return channels left by layer name."""

    def curve(
        self, request: PruneRequest, of: PruningContext, job: Job | None = None
    ) -> SizeCurve:
        """Return the sizes along the whole slider for a heuristic and a scope.

        Raises
        ------
        PruningError
            When the request cannot be met at any sparsity.
        """


def limits_for(request: PruneRequest) -> Limits:
    """Return what a request does not allow."""
    ratios = dict(request.ratios)
    return Limits(request.round_to, request.min_channels, request.locked, ratios)


def plan_settings(request: PruneRequest) -> dict[str, Any]:
    """Return keyword arguments of `make_plan`; what is at its default is left out."""
    names = ("heuristic", "sparsity", "scope", "count")
    rest = ("round_to", "min_channels", "seed")
    found: dict[str, Any] = {name: getattr(request, name) for name in (*names, *rest)}
    if request.locked:
        found["locked"] = list(request.locked)
    if request.ratios:
        found["ratios"] = dict(request.ratios)
    if request.cost_aware:
        found["cost_aware"] = True
    return found


def check_recovery(method: Method, recovery: Recovery) -> None:
    """Refuse a repair that does not go with a method.

    Raises
    ------
    PruningError
        Naming those that do.
    """
    if recovery in method.recoveries:
        return
    *most, last = method.recoveries
    choices = f"{', '.join(most)} or {last}"
    if method.unit == "weights":
        raise PruningError(
            f"Recovery '{recovery}' repairs removed channels, and here single weights "
            f"are zero: choose {choices}."
        )
    raise PruningError(f"There is no recovery '{recovery}' here: choose {choices}.")
