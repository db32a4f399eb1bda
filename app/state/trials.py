"""Plotted points: what was tried on the open tile, and what it gave."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from app.state.values import Measured, Opened, Outcome
from core.types import SPARSITY, Counts, PruneRequest, RequestKey

_STEP = 0.005  # of sparsity


@dataclass(frozen=True, slots=True)
class Trial:
    """One point of the plots; a state of the window that one can go back to.

    Parameters
    ----------
    request
        Puts the window back there.
    removed
        Share of parameters gone, 0 to 1: what it came to, not what was asked.
    macs_left
        Share of the multiply-accumulates left, 0 to 1.
    counts
        What is left.
    scores
        By name, against the ground truth or else the dense model.
    kept
        Share of the dense model's nuclei that are kept, 0 to 1.
    measured
        Latency, once it was measured.
    intervals
        Of the scores: low and high end by name.
    """

    request: PruneRequest
    removed: float
    macs_left: float
    counts: Counts
    scores: Mapping[str, float]
    kept: float
    measured: Measured | None = None
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def trial_from(opened: Opened, outcome: Outcome) -> Trial:
    """Return the point of an outcome."""
    dense = opened.counts
    scores = outcome.scores if outcome.scores is not None else outcome.agreement
    total = opened.nuclei.count
    kept = outcome.changes.count("kept") + outcome.changes.count("changed")
    return Trial(
        outcome.request,
        1 - outcome.counts.params / max(dense.params, 1),
        outcome.counts.macs / max(dense.macs, 1),
        outcome.counts,
        dict(scores),
        kept / total if total else float("nan"),
        intervals=dict(outcome.intervals),
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


def with_latency(trials: Sequence[Trial], measured: Measured) -> tuple[Trial, ...]:
    """Return ``trials`` with a measurement put to its point."""
    return tuple(
        replace(trial, measured=measured)
        if trial.request == measured.request
        else trial
        for trial in trials
    )


def work_of(request: PruneRequest, macs_left: float) -> float:
    """Return the share of the work left, 0 to 1: kernels multiply zeros, too."""
    return 1.0 if request.unstructured else macs_left


def predictor(trials: Sequence[Trial]) -> Callable[[float], float]:
    """Return how much faster a model should be, from the ones measured so far.

    Parameters
    ----------
    trials
        With measurements, or not.

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
        if not dense and trial.measured is not None and trial.measured.speedup > 0:
            known[trial.macs_left] = 1 / trial.measured.speedup
    shares = np.array(sorted(known))
    times = np.array([known[share] for share in shares])

    def speedup(macs: float) -> float:
        if macs < shares[0]:
            time = times[0] * macs / shares[0]
        else:
            time = np.interp(macs, shares, times)
        return float(1 / max(time, 1e-3))

    return speedup


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
