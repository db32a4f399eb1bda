"""Pruning in steps: score, cut, repair, and look again at what is left.

To read this file, start from `prune_in_steps`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from torch import Tensor, nn

from core.errors import PruningError
from core.job import Job
from core.pruning.applying.apply import apply_plan
from core.pruning.planning.plan import PruningPlan
from core.pruning.planning.planner import make_plan
from core.pruning.scoring.heuristics import find_heuristic
from core.pruning.scoring.statistics import Statistics, calibrate
from core.pruning.tracing.counting import Counter
from core.pruning.tracing.graph import ChannelGraph
from core.pruning.verification import trace
from core.tables import MAX_SPARSITY

Pace = Literal["geometric", "linear"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a sparsity is reached.

    Parameters
    ----------
    steps
        How often channels are scored and cut; 1 is one-shot.
    pace
        ``"geometric"``: every step removes the same share of what is left;
        ``"linear"``: every step removes the same amount.
    refit
        Whether each step repairs the remaining weights, so that the next one
        scores what is really used.
    """

    steps: int = 4
    pace: Pace = "geometric"
    refit: bool = True

    def left(self, sparsity: float) -> tuple[float, ...]:
        """Return the share of the dense size that is left after each step."""
        parts = range(1, self.steps + 1)
        if self.pace == "linear":
            return tuple(1 - sparsity * k / self.steps for k in parts)
        return tuple((1 - sparsity) ** (k / self.steps) for k in parts)


@dataclass(frozen=True, slots=True)
class Stepwise:
    """What pruning in steps gives.

    Parameters
    ----------
    module
        The pruned model, repaired after each step when the schedule says so.
    plan
        All steps in one, relative to the dense model.
    steps
        Each step's plan, relative to the model before it.
    """

    module: nn.Module
    plan: PruningPlan
    steps: tuple[PruningPlan, ...]


def prune_in_steps(
    module: nn.Module,
    batches: Iterable[Tensor | tuple[Tensor, ...]],
    request: Mapping[str, Any],
    schedule: Schedule | None = None,
    job: Job | None = None,
) -> Stepwise:
    """Prune a little, look again, and prune on.

    Parameters
    ----------
    module
        The dense model; not changed.
    batches
        Calibration tiles; the first one is the example of each trace.
    request
        Keyword arguments of `make_plan` without ``module``, ``graph`` and
        ``statistics``: ``heuristic``, ``sparsity`` and what else there is.
    schedule
        Number and size of the steps; four geometric ones when left out.
    job
        Progress and cancel, one step each.

    Returns
    -------
    Stepwise

    Raises
    ------
    PruningError
        What `make_plan` cannot meet; no tiles; fewer than one step.

    Notes
    -----
    Iterative magnitude pruning (Han et al. 2015, arXiv 1506.02626) without
    training between the steps: the refit stands in for it.
    """
    schedule, job = schedule or Schedule(), job or Job()
    inputs = tuple((b,) if isinstance(b, Tensor) else tuple(b) for b in batches)
    if not inputs or schedule.steps < 1:
        raise PruningError(
            "Pruning in steps needs at least one calibration tile and one step: give "
            "it a few."
        )
    count = request.get("count", "params")
    sparsity = float(request["sparsity"])
    if not 0 <= sparsity <= MAX_SPARSITY:
        raise PruningError(
            f"Sparsity {sparsity} is outside 0 to {MAX_SPARSITY}: give the share to "
            "remove."
        )
    now, plans, goal = module, list[PruningPlan](), 0.0
    for index, left in enumerate(schedule.left(sparsity)):
        job.step(index, schedule.steps, f"pruning, step {index + 1}")
        graph = trace(now, inputs[0])
        size = getattr(Counter(graph).dense, count)
        goal = goal or float(size)  # the dense size, at the first step
        share = min(max(1 - left * goal / size, 0.0), MAX_SPARSITY)
        data = _statistics(now, graph, inputs, request, schedule)
        plan = make_plan(now, graph, statistics=data, **{**request, "sparsity": share})
        now = apply_plan(now, plan, statistics=data if schedule.refit else None)
        plans.append(plan)
    whole = plans[0]
    for plan in plans[1:]:
        whole = whole.then(plan)
    how = {"steps": schedule.steps, "pace": schedule.pace}
    return Stepwise(now, replace(whole, request={**request, **how}), tuple(plans))


def _statistics(
    module: nn.Module,
    graph: ChannelGraph,
    inputs: tuple[tuple[Tensor, ...], ...],
    request: Mapping[str, Any],
    schedule: Schedule,
) -> Statistics | None:
    needs = find_heuristic(request["heuristic"]).needs
    if schedule.refit or "statistics" in needs:
        return calibrate(module, graph, inputs)
    return None
