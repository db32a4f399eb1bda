"""Points of the plots as a session file holds them; latencies as a store does.

Start from `save_trial` and `SavedTrial.to_trial`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from core.codec import from_plain
from core.results import Comparison, Environment, LayerStep, Trial, TrialIdentity
from core.results.latency import Clock
from core.types import Counts, PruneRequest

_RAW = frozenset({"ms", "wall_ms"})  # every repetition
_DAMAGED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)

Scores = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class SavedLatency:
    """One measurement.

    Parameters
    ----------
    times
        As `Comparison.as_dict` gives it to stores, raw times included.
    reason, level, pixels, layers
        See `Comparison`.
    """

    times: dict[str, Any]
    reason: str = ""
    level: float = 0.0
    pixels: int = 0
    layers: tuple[LayerStep, ...] = ()

    def to_comparison(self, request: PruneRequest) -> Comparison:
        """Return the measurement.

        Raises
        ------
        ValueError
            When it is none.
        """
        try:
            place = self.times.get("environment", {}).items()
            known = {k: v for k, v in place if v is not None and v == v}
            from_plain(Environment, known)
            found = Comparison.from_dict(self.times, request)
            timings = found.dense, found.pruned
            for times in (t for one in timings for t in (one.ms, one.wall_ms)):
                if times is not None and times.ndim != 1:
                    raise ValueError("its times are no list")
            numbers = [n for each in found.tried.values() for n in each]
            if not all(isinstance(n, int | float) for n in numbers):
                raise ValueError("what was tried is no number")
            if found.clock not in get_args(Clock):
                raise ValueError(f"there is no clock {found.clock!r}")
        except _DAMAGED as error:
            raise ValueError(f"a latency cannot be read ({error})") from error
        return replace(
            found,
            reason=self.reason,
            level=self.level,
            pixels=self.pixels,
            layers=self.layers,
        )


@dataclass(frozen=True, slots=True)
class SavedTrial:
    """One point; see `Trial`. Undefined numbers are null.

    Parameters
    ----------
    request
        How it is pruned.
    model, weights, data, calibration
        See `TrialIdentity`.
    """

    request: PruneRequest
    dense: Counts
    pruned: Counts
    model: str = ""
    weights: str = ""
    data: str = ""
    calibration: str = ""
    scores: Scores = field(default_factory=dict)
    dense_scores: Scores = field(default_factory=dict)
    agreement: Scores = field(default_factory=dict)
    intervals: dict[str, tuple[float | None, float | None]] = field(
        default_factory=dict
    )
    kept: float | None = None
    measured: SavedLatency | None = None

    def to_trial(self) -> Trial:
        """Return the point.

        Raises
        ------
        ValueError
            When a size or a latency is none.
        """
        for counts in (self.dense, self.pruned):
            if min(counts.params, counts.macs, counts.channels) < 0:
                raise ValueError("a size is below zero")
        place = (self.model, self.weights, self.data, self.request)
        return Trial(
            identity=TrialIdentity(*place, calibration=self.calibration),
            dense=self.dense,
            pruned=self.pruned,
            scores=_with_nan(self.scores),
            dense_scores=_with_nan(self.dense_scores),
            intervals={
                name: (_number(low), _number(high))
                for name, (low, high) in self.intervals.items()
            },
            agreement=_with_nan(self.agreement),
            kept=_number(self.kept),
            measured=None
            if self.measured is None
            else self.measured.to_comparison(self.request),
        )


def save_trial(trial: Trial, *, raw: bool = True) -> SavedTrial:
    """Return a point as it is saved; with or without every repetition's time."""
    place = trial.identity
    return SavedTrial(
        request=place.request,
        dense=trial.dense,
        pruned=trial.pruned,
        model=place.model,
        weights=place.weights,
        data=place.data,
        calibration=place.calibration,
        scores=_without_nan(trial.scores),
        dense_scores=_without_nan(trial.dense_scores),
        agreement=_without_nan(trial.agreement),
        intervals={
            name: (_finite(low), _finite(high))
            for name, (low, high) in trial.intervals.items()
        },
        kept=_finite(trial.kept),
        measured=_save_latency(trial.measured, raw=raw) if trial.measured else None,
    )


def _save_latency(measured: Comparison, *, raw: bool) -> SavedLatency:
    times = measured.as_dict()
    if not raw:  # the medians stand for them
        for side in ("dense", "pruned"):
            times[side] = {k: v for k, v in times[side].items() if k not in _RAW}
    return SavedLatency(
        times,
        measured.reason,
        measured.level if math.isfinite(measured.level) else 0.0,
        measured.pixels,
        tuple(step for step in measured.layers if _is_finite(step)),
    )


def _is_finite(step: LayerStep) -> bool:
    return all(map(math.isfinite, (step.dense_ms, step.left_ms, step.saves_ms)))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _without_nan(scores: Mapping[str, float]) -> Scores:
    return {name: _finite(value) for name, value in scores.items()}


def _with_nan(scores: Scores) -> dict[str, float]:
    return {name: _number(value) for name, value in scores.items()}
