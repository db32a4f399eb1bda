"""What an axis can show: sizes, times, and every score of the table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from app.plots.chart import Axis, Unit
from app.plots.data import PlotData, PlotSample, Reading
from app.state.plot_settings import ChartSettings, Reference
from core.tables import METRICS, Metric

_TOP = 1.06  # of the range of a score: room above the best one
REFERENCES: Mapping[Reference, str] = {
    "truth": "ground truth",
    "dense": "the dense model",
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """Something that an axis can show.

    Parameters
    ----------
    key, title
        In settings, and on the axis.
    unit
        How its values are written.
    read
        Value of a sample; None where it has none. Scores depend on the reference.
    dense
        Value of the dense model, or None.
    better
        Which way is better.
    low, high
        Ends of its axis; None takes them from the points.
    short
        Title where there is little room; empty where it is the same.
    """

    key: str
    title: str
    unit: Unit
    read: Callable[[PlotSample, Reference], Reading | None]
    dense: Callable[[PlotData, Reference], float | None]
    better: Literal["higher", "lower"] = "higher"
    low: float | None = 0.0
    high: float | None = None
    short: str = ""

    @property
    def is_score(self) -> bool:
        """Whether it is a score of the table."""
        return self.key in METRICS

    @property
    def is_share(self) -> bool:
        """Whether it is the share of something that was removed."""
        return self.unit == "share"

    def axis(self, data: PlotData, reference: Reference, *, log: bool) -> Axis:
        """Return an axis for it."""
        title, unit, short = self.title, self.unit, self.short or self.title
        if self.is_score:
            title += f" against {reference}"
        if self.key == "latency" and not data.timed:
            # until something is measured, milliseconds would be a guess
            title, unit = "latency, share of the dense model's", "share"
            short = "latency, share"
        return Axis(title, unit, self.low, self.high, log, self.key, short)


def _removed(key: str, title: str) -> Quantity:
    return Quantity(
        key,
        f"{title} removed",
        "share",
        lambda sample, _: _reading(sample.removed.get(key)),
        lambda *_: 0.0,
        high=1.0,
    )


def _reading(value: float | None) -> Reading | None:
    return None if value is None else Reading(value)


def _score(metric: Metric) -> Quantity:
    key = metric.key
    best = metric.high if metric.better == "higher" else metric.low

    def dense(data: PlotData, reference: Reference) -> float | None:
        return best if reference == "dense" else data.dense_scores.get(key)

    return Quantity(
        key,
        metric.title,
        "score",
        lambda sample, reference: sample.scores.get(reference, {}).get(key),
        dense,
        metric.better,
        metric.low,
        metric.low + _TOP * (metric.high - metric.low),
    )


_SIZES = (
    _removed("params", "parameters"),
    _removed("macs", "multiply-accumulates"),
    _removed("channels", "channels"),
)
_TIMES = (
    Quantity(
        "latency",
        "latency of the network, ms",
        "ms",
        lambda sample, _: sample.latency,
        lambda data, _: data.dense_ms if data.timed else 1.0,
        better="lower",
        short="latency, ms",
    ),
    Quantity(
        "speedup",
        "speed-up of the network",
        "ratio",
        lambda sample, _: sample.speedup,
        lambda *_: 1.0,
        short="speed-up",
    ),
)
_SCORES = tuple(map(_score, METRICS.values()))

QUANTITIES: Mapping[str, Quantity] = {
    each.key: each for each in (*_SIZES, *_TIMES, *_SCORES)
}
X_CHOICES: tuple[str, ...] = tuple(each.key for each in (*_SIZES, *_TIMES))
Y_CHOICES: tuple[str, ...] = tuple(each.key for each in _TIMES)
"""Beside the scores."""


def score_shown(data: PlotData, score: str) -> str:
    """Return the score that is shown: what was chosen, where some model has it."""
    known = data.score_keys()
    if score in known or not known:
        return score if score in METRICS else next(iter(METRICS))
    return next((key for key in METRICS if key in known), score)


def reference_shown(data: PlotData, settings: ChartSettings) -> Reference:
    """Return what scores are shown against: what was chosen, where it is known."""
    known = data.references()
    if settings.against in known or not known:
        return settings.against
    return known[0]
