"""Pruning in steps with training between them, and network slimming.

Start with `prune_and_recover`; `mask_and_recover` does the same to single weights.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from core.errors import PruningError
from core.job import Job
from core.pruning import (
    Counter,
    MaskPlan,
    PruningPlan,
    Schedule,
    Statistics,
    apply_masks,
    apply_plan,
    calibrate,
    make_masks,
    make_plan,
    trace,
)
from core.pruning.scoring.heuristics import find_heuristic
from core.training.callbacks import Callbacks
from core.training.data import Example
from core.training.loop import fit
from core.training.settings import TrainingSettings
from core.types import ModelSpec

Recover = Callable[[nn.Module, int], nn.Module]
"""Trains what is left after a cut; told which cut it was, from 1."""

MaskedRecover = Callable[[nn.Module, MaskPlan, int], nn.Module]
"""The same for single weights, which must stay at zero where the plan says so."""


@dataclass(frozen=True, slots=True)
class Iterated:
    """What pruning and recovering in turns gives.

    Parameters
    ----------
    module
        The pruned model after its last recovery.
    plan
        All cuts in one, relative to the dense model.
    steps
        Each cut, relative to the model before it.
    """

    module: nn.Module
    plan: PruningPlan
    steps: tuple[PruningPlan, ...]


def prune_and_recover(
    module: nn.Module,
    batches: Iterable[Tensor],
    request: Mapping[str, Any],
    recover: Recover,
    schedule: Schedule | None = None,
    job: Job | None = None,
) -> Iterated:
    """Cut a little, train, score what is left anew, and cut on.

    Iterative pruning of Han et al. 2015 (arXiv 1506.02626), here of channels. Unlike
    `core.pruning.prune_in_steps` the scores of each step are those of trained
    weights.

    Parameters
    ----------
    module
        The dense model; not changed.
    batches
        Calibration tiles (n, 3, h, w); the first one is the example of each trace.
    request
        Keyword arguments of `make_plan` without ``module``, ``graph`` and
        ``statistics``.
    recover
        Called after each cut; its shapes must stay.
    schedule
        Number and size of the cuts, and whether each is refitted before training;
        four geometric ones when left out.
    job
        Progress and cancel.

    Returns
    -------
    Iterated

    Raises
    ------
    PruningError
        What `make_plan` cannot meet; no tiles; fewer than one step.
    Cancelled
        When the job was cancelled.
    """
    schedule, job = schedule or Schedule(), job or Job()
    inputs = tuple(batches)
    sparsity = _sparsity(request["sparsity"], schedule, inputs)
    count = request.get("count", "params")
    now, plans, goal = module, list[PruningPlan](), 0.0
    for index, left in enumerate(schedule.left(sparsity), start=1):
        job.step(index - 1, schedule.steps, f"cutting, step {index}")
        graph = trace(now, inputs[0])
        size = getattr(Counter(graph).dense, count)
        goal = goal or float(size)  # the dense size, at the first step
        share = min(max(1 - left * goal / size, 0.0), 0.99)
        needed = schedule.refit or (
            "statistics" in find_heuristic(request["heuristic"]).needs
        )
        data = calibrate(now, graph, inputs, job) if needed else None
        plan = make_plan(now, graph, statistics=data, **{**request, "sparsity": share})
        cut = apply_plan(now, plan, statistics=data if schedule.refit else None)
        now = recover(cut.eval(), index)
        plans.append(plan)
    whole = plans[0]
    for plan in plans[1:]:
        whole = whole.then(plan)
    how = {"steps": schedule.steps, "pace": schedule.pace, "iterative": True}
    return Iterated(now, replace(whole, request={**request, **how}), tuple(plans))


def mask_and_recover(
    module: nn.Module,
    batches: Iterable[Tensor],
    request: Mapping[str, Any],
    recover: MaskedRecover,
    schedule: Schedule | None = None,
    job: Job | None = None,
) -> tuple[nn.Module, MaskPlan]:
    """Set a few weights to zero, train the others, and set more to zero.

    Parameters
    ----------
    module
        The dense model; not changed.
    batches
        Calibration tiles (n, 3, h, w); the first one is the example of the trace.
    request
        Keyword arguments of `make_masks` without ``module``, ``graph`` and
        ``statistics``.
    recover
        Called after each step with the masks so far.
    schedule
        Number and size of the steps; its ``refit`` makes no difference here.
    job
        Progress and cancel.

    Returns
    -------
    module, plan
        The sparse model, and its masks relative to the dense one: weights that are
        zero at one step are zero at all later ones.

    Raises
    ------
    PruningError
        What `make_masks` cannot meet; no tiles; fewer than one step; scores by
        which a weight that is gone could outlive one that is not.
    Cancelled
        When the job was cancelled.
    """
    schedule, job = schedule or Schedule(), job or Job()
    inputs = tuple(batches)
    sparsity = _sparsity(request["sparsity"], schedule, inputs)
    if request["heuristic"] == "random" and schedule.steps > 1:
        raise PruningError(
            "Random weights are chosen once: prune them in one step, or choose a "
            "heuristic that looks at the weights."
        )
    now, masks = module, MaskPlan({}, sum(p.numel() for p in module.parameters()))
    for index, left in enumerate(schedule.left(sparsity), start=1):
        job.step(index - 1, schedule.steps, f"masking, step {index}")
        graph = trace(now, inputs[0])
        data: Statistics | None = None
        if request["heuristic"] != "magnitude":
            data = calibrate(now, graph, inputs, job)
        asked = {**request, "sparsity": 1 - left}
        # what is zero scores lowest, so each step's masks lie within those before
        masks = masks.then(make_masks(now, graph, statistics=data, **asked))
        now = recover(apply_masks(now, masks).eval(), masks, index)
    how = {"steps": schedule.steps, "pace": schedule.pace, "iterative": True}
    return now, MaskPlan(masks.kept, masks.params, {**masks.request, **how})


def slim(
    module: nn.Module,
    spec: ModelSpec,
    data: Sequence[Example],
    settings: TrainingSettings,
    job: Job | None = None,
    aids: Callbacks | None = None,
) -> nn.Module:
    """Train under a pressure that drives batch-norm scales to zero.

    The first half of network slimming (Liu et al. 2017, arXiv 1708.06519); the
    second is a plan by heuristic ``bn_scale``.

    Parameters
    ----------
    module, spec, data, settings, job, aids
        See `core.training.train`; the settings' ``pressure`` must be above 0.

    Raises
    ------
    PruningError
        When there is no pressure, or no batch norm to put it on.
    """
    if settings.pressure <= 0:
        raise PruningError("Network slimming needs a pressure above 0, such as 0.1.")
    if not any(isinstance(m, nn.BatchNorm2d) and m.affine for m in module.modules()):
        raise PruningError(
            "Network slimming needs batch norm, which this model lacks: choose another "
            "heuristic."
        )
    return fit(module, spec, data, settings, job, aids)


def _sparsity(value: Any, schedule: Schedule, inputs: Sequence[Tensor]) -> float:
    if not inputs or schedule.steps < 1:
        raise PruningError(
            "Pruning in steps needs at least one calibration tile and one step: give "
            "it a few."
        )
    sparsity = float(value)
    if not 0 <= sparsity <= 0.99:
        raise PruningError(
            f"Sparsity {sparsity} is outside 0 to 0.99: give the share to remove."
        )
    return sparsity
