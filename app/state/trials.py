"""Plotted points: what was tried on the open tile, and what it gave."""

import math
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace
from functools import update_wrapper
from typing import Generic, TypeVar

import numpy as np

from app.state.values import Opened
from core.results import Comparison, Outcome, Trial, TrialIdentity
from core.types import SPARSITY, PruneRequest, RequestKey

_STEP = 0.005  # of sparsity

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class remember_last(Generic[Argument, Result]):  # noqa: N801 - used as a decorator
    """Keep the newest result of a function of one frozen argument.

    The state is frozen, so the same object means the same result. A drag asks some
    functions of all trials in each frame, while the trials stay the same tuple.

    Parameters
    ----------
    function
        Pure; its argument is never changed afterwards.
    """

    def __init__(self, function: Callable[[Argument], Result]) -> None:
        self._function = function
        self._known: tuple[Argument, Result] | None = None
        update_wrapper(self, function)

    def __call__(self, argument: Argument) -> Result:
        """Return the result, the last one where the argument is the last one."""
        known = self._known
        if known is None or known[0] is not argument:
            known = argument, self._function(argument)
            self._known = known
        return known[1]


def build_trial(opened: Opened, outcome: Outcome) -> Trial:
    """Return the point of an outcome."""
    total = opened.nuclei.count
    source = opened.model.source
    return Trial(
        identity=TrialIdentity(
            source,
            "",
            opened.source.pair,
            outcome.request,
            calibration=opened.calibration,
        ),
        dense=opened.counts,
        pruned=outcome.counts,
        scores=outcome.judged,
        dense_scores=opened.scores or {},
        intervals=outcome.intervals,
        agreement=outcome.agreement if outcome.scores is not None else {},
        kept=outcome.changes.still_found / total if total else math.nan,
    )


def added(
    trials: Sequence[Trial], trial: Trial, keep: Container[PruneRequest] = ()
) -> tuple[Trial, ...]:
    """Return ``trials`` with one more.

    It takes the place of an earlier one alike, whose measurement is kept: the
    model is the same. Neighbours closer than a step of `_STEP` give way too,
    unless they were measured: a long drag would leave hundreds of points that
    nobody could tell apart, and that all have to be drawn again each time.
    Those of ``keep``, which are on show, stay.
    """
    same = next((t for t in trials if t.request == trial.request), None)
    if same is not None and trial.measured is None:
        trial = replace(trial, measured=same.measured)
    place = _place(trial)
    others = [
        other
        for other in trials
        if other.request != trial.request
        and (
            other.measured is not None
            or other.request in keep
            or _place(other) != place
        )
    ]
    return (*others, trial)


def _place(trial: Trial) -> tuple[RequestKey, int]:
    """Return the curve of a trial, and its step along it."""
    return trial.request.key(without=SPARSITY), round(trial.request.sparsity / _STEP)


def with_latency(trials: Sequence[Trial], measured: Comparison) -> tuple[Trial, ...]:
    """Return ``trials`` with a measurement put to its point.

    There is one dense model, so all points get the same latency of it: the median of
    what was measured, those too noisy to say anything left out.
    """
    timed = [
        replace(trial, measured=measured)
        if trial.request == measured.request
        else trial
        for trial in trials
    ]
    known = [t.latency.dense.median for t in timed if t.latency is not None]
    level = float(np.median(known)) if known else 0.0
    return tuple(
        trial
        if trial.measured is None or trial.measured.dense_ms == level
        else replace(trial, measured=replace(trial.measured, level=level))
        for trial in timed
    )


def work_of(request: PruneRequest, macs_left: float) -> float:
    """Return the share of the work left, 0 to 1: kernels multiply zeros, too."""
    return 1.0 if request.unstructured else macs_left


@remember_last
def predictor(trials: Sequence[Trial]) -> Callable[[float], float]:
    """Return how much faster a model should be, from the ones measured so far.

    Parameters
    ----------
    trials
        With measurements, or not; those too noisy to say anything count for
        nothing.

    Returns
    -------
    callable
        From the share of multiply-accumulates left, 0 to 1, to dense latency
        over pruned latency. Interpolated between the measured shares; with
        none, time is taken to follow the multiply-accumulates, which is the
        best that could happen.
    """
    known = {1.0: 1.0}
    for trial in trials:
        dense = trial.request.unstructured
        if not dense and trial.latency is not None and trial.latency.speedup > 0:
            known[trial.macs_left] = 1 / trial.latency.speedup
    shares = np.array(sorted(known))
    times = np.array([known[share] for share in shares])

    def speedup(macs: float) -> float:
        if macs < shares[0]:
            time = times[0] * macs / shares[0]
        else:
            time = np.interp(macs, shares, times)
        return float(1 / max(time, 1e-3))

    return speedup


@remember_last
def measurements(trials: Sequence[Trial]) -> Mapping[PruneRequest, Comparison]:
    """Return the measurements there are, by request; the trials are not changed."""
    return {t.request: t.measured for t in trials if t.measured is not None}


def front(points: Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Return which points nobody beats: lower first value, higher second.

    Parameters
    ----------
    points
        Latency and accuracy.

    Returns
    -------
    tuple of int
        Indices in the order of the first value.
    """
    best = -np.inf
    kept = []
    for index in sorted(
        range(len(points)), key=lambda i: (points[i][0], -points[i][1])
    ):
        if points[index][1] > best:
            best = points[index][1]
            kept.append(index)
    return tuple(kept)
