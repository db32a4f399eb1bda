"""One trial of a sweep: plan, build, evaluate, time. To read this, start at the end."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from core.errors import PruningError
from core.latency import TimingSettings, peak_memory
from core.store import Record, TrialIdentity
from core.sweep.provenance import utc_now

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from core.job import Job
    from core.pruning import Plan
    from core.results import Comparison
    from core.sweep.evaluator import Subject


class Timer(Protocol):
    """What measures latency: `core.latency.LatencyProcess`, or one that takes turns."""

    def compare(
        self,
        dense: nn.Module,
        pruned: nn.Module,
        example: Any,
        *,
        settings: TimingSettings = ...,
        job: Job | None = ...,
    ) -> Comparison:
        """Measure two networks against each other."""


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """What is the same for all trials of a sweep.

    Parameters
    ----------
    facts
        Hardware and versions, from `core.sweep.provenance`.
    timing
        How latency is measured; None leaves it out.
    find_twin
        Returns an earlier record with the same plan and repair, by the plan's hash.
    """

    facts: dict[str, Any]
    timing: TimingSettings | None = None
    find_twin: Callable[[str], Record | None] = lambda _: None


def run_trial(
    subject: Subject,
    trial: TrialIdentity,
    settings: TrialSettings,
    timer: Timer | None,
    job: Job,
) -> Record:
    """Do one trial; one that cannot be met gives a record that says why.

    Parameters
    ----------
    subject
        The model.
    trial
        What is asked.
    settings
        See `TrialSettings`.
    timer
        Measures latency; may be None when none is wanted.
    job
        Progress and cancel.
    """
    facts, timing = settings.facts, settings.timing
    try:
        plan = subject.plan(trial.request, job)
        twin = settings.find_twin(plan.hash)
        if twin is not None:
            facts = {**twin.provenance, **facts, "same_plan_as": twin.trial.key}
            return replace(twin, trial=trial, created=utc_now(), provenance=facts)
        record, module = _compute(subject, trial, plan, job, facts)
    except PruningError as error:
        reason = str(error)
        return Record(trial, "impossible", utc_now(), provenance=facts, reason=reason)
    if timing is None or timer is None:
        return record
    start = time.monotonic()
    found = timer.compare(
        subject.dense_module, module, subject.example, settings=timing, job=job
    )
    seconds = {**record.seconds, "latency": time.monotonic() - start}
    return replace(record, latency=found.as_dict(), seconds=seconds)


def _compute(
    subject: Subject, trial: TrialIdentity, plan: Plan, job: Job, facts: dict[str, Any]
) -> tuple[Record, nn.Module]:
    """Build, evaluate and write down one pruned network."""
    seconds: dict[str, float] = {}
    start = time.monotonic()
    with peak_memory() as memory:
        built = subject.build(trial.request, plan, job)
        module = subject.deploy(subject.prunable.exported(built, plan))
        seconds["build"] = time.monotonic() - start
        found = subject.evaluate(module, job)
        seconds["evaluate"] = time.monotonic() - start - seconds["build"]
    record = Record(
        trial=trial,
        status="done",
        created=utc_now(),
        plan_hash=plan.hash,
        dense=subject.prunable.counts,
        pruned=subject.prunable.sizes(plan),
        tiles=found.tiles,
        overall=found.overall,
        seconds=seconds,
        peak_memory=memory.grown,
        provenance={
            **facts,
            **subject.running.identity,
            "calibration": list(subject.calibration.names),
            "input_size": list(subject.prunable.input_size),
        },
    )
    return record, module
