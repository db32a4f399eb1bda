"""Models tried on one tile as the data of charts: pure functions."""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from statistics import median

from app.plots.chart import Rgb
from app.plots.data import Curve, PlotData, PlotSample, Reading
from app.plots.marks import Dash, Mark
from app.plots.memory import KeptDrawing
from app.plots.styles import series_name, style_of
from app.state.plot_settings import DENSE, TRUTH, Reference
from app.state.trials import predictor, remember_last, work_of
from app.text import format as text
from app.text.speed import describe_speedup
from core.results import ScoreMap, Trial
from core.tables import METRICS
from core.types import SPARSITY, PruneRequest, RequestKey


def trial_data(
    trials: Sequence[Trial],
    titles: Mapping[str, str],
    shown: Sequence[PruneRequest] = (),
    dense_scores: ScoreMap | None = None,
) -> PlotData:
    """Return the data of charts for models tried on one tile.

    Parameters
    ----------
    trials
        Every model, in any order.
    titles
        Titles of heuristics by name, in their order.
    shown
        What the panes show, the active one last: their curves are strong, and come
        last; the last one is ringed.
    dense_scores
        Of the dense model against ground truth; those of the trials when left out.
    """
    dense_ms = dense_latency(trials)
    if dense_scores is None:
        dense_scores = trials[0].dense_scores if trials else {}
    strong = tuple(request.key(without=SPARSITY) for request in shown)
    inputs = tuple(trials), tuple(titles.items()), strong, dense_ms
    return PlotData(
        _ALL.get("curves", inputs, partial(_curves, trials, titles, strong, dense_ms)),
        dense_scores,
        dense_ms,
        dense_ms is not None,
        shown[-1] if shown else None,
    )


@remember_last
def dense_latency(trials: Sequence[Trial]) -> float | None:
    """Return the dense model's latency in ms: the median of what was measured.

    Parameters
    ----------
    trials
        With measurements, or not; None when there is no measurement.
    """
    known = [trial.latency.dense_ms for trial in trials if trial.latency is not None]
    return median(known) if known else None


def _curves(
    trials: Sequence[Trial],
    titles: Mapping[str, str],
    strong: Sequence[RequestKey],
    dense_ms: float | None,
) -> tuple[Curve, ...]:
    predict = predictor(trials)
    groups: dict[RequestKey, list[Trial]] = {}
    for trial in sorted(trials, key=lambda one: one.removed):
        groups.setdefault(trial.request.key(without=SPARSITY), []).append(trial)
    found = []
    for key in sorted(groups, key=lambda key: (key in strong, key in strong[-1:])):
        request = groups[key][0].request
        looks = style_of(request)
        name = series_name(request, titles)
        if request.heuristic == "random" and not request.model and key not in strong:
            name += " (baseline)"
        group = tuple(groups[key])
        predicted = tuple(predict(work_of(t.request, t.macs_left)) for t in group)
        look = looks.colour, looks.mark, looks.dash, looks.width, key in strong
        build = partial(_curve, key, name, group, predicted, dense_ms, look)
        inputs = name, look, dense_ms, predicted, group
        found.append(_CURVES.get(key, inputs, build))
    return tuple(found)


_ALL = KeptDrawing[tuple[Curve, ...]]()
_CURVES = KeptDrawing[Curve]()


def _curve(
    key: RequestKey,
    name: str,
    group: tuple[Trial, ...],
    predicted: tuple[float, ...],
    dense_ms: float | None,
    look: tuple[Rgb, Mark, Dash, float, bool],
) -> Curve:
    pairs = zip(group, predicted, strict=True)
    samples = tuple(_sample(trial, value, dense_ms) for trial, value in pairs)
    return Curve(key, name, samples, *look)


def _sample(trial: Trial, predicted: float, dense_ms: float | None) -> PlotSample:
    timed = trial.latency
    speedup = Reading(predicted, measured=False)
    if timed is not None:
        speedup = Reading(timed.speedup, drawn_interval(timed.interval))
    latency = to_latency(speedup, 1.0 if dense_ms is None else dense_ms)
    return PlotSample(
        trial.request,
        shares_removed(trial),
        {
            reference: {
                key: Reading(value, ends.get(key))
                for key, value in scores.items()
                if math.isfinite(value)
            }
            for reference, scores, ends in scores_by_reference(trial)
        },
        latency,
        speedup,
        partial(_tip, trial, speedup, latency, in_ms=dense_ms is not None),
    )


def scores_by_reference(
    trial: Trial,
) -> list[tuple[Reference, ScoreMap, Mapping[str, tuple[float, float]]]]:
    """Return scores and their intervals, for each reference that is known."""
    if not trial.dense_scores:
        return [(DENSE, trial.scores, trial.intervals)]
    return [(TRUTH, trial.scores, trial.intervals), (DENSE, trial.agreement, {})]


def shares_removed(trial: Trial) -> dict[str, float]:
    """Return the shares that are gone, 0 to 1, by what is counted."""
    dense, pruned = trial.dense, trial.pruned
    return {
        "params": 1 - pruned.params / max(dense.params, 1),
        "macs": 1 - pruned.macs / max(dense.macs, 1),
        "channels": 1 - pruned.channels / max(dense.channels, 1),
    }


def drawn_interval(interval: tuple[float, float]) -> tuple[float, float] | None:
    """Return an interval of a speed-up, unless an end is no number above 0."""
    low, high = interval
    return interval if low > 0 and math.isfinite(high) else None


def to_latency(speedup: Reading, dense: float) -> Reading:
    """Return a speed-up as a latency.

    Parameters
    ----------
    speedup
        Dense over pruned.
    dense
        Latency of the dense model, in the unit of the result.
    """
    ends = speedup.interval
    return Reading(
        dense / speedup.value,
        (dense / ends[1], dense / ends[0]) if ends else None,
        speedup.measured,
    )


def _tip(trial: Trial, speedup: Reading, latency: Reading, *, in_ms: bool) -> str:
    """Return what is written beside a point."""
    ask = trial.request
    scores = "   ".join(
        f"{METRICS[key].title} {_with_interval(trial, key)}"
        for key in trial.scores
        if key in METRICS and METRICS[key].usual
    )
    if trial.measured is not None:
        speed = describe_speedup(trial.measured)
    else:
        speed = f"{text.speedup(speedup.value)} (predicted)"
    time = f"{text.milliseconds(latency.value)}, " if in_ms else ""
    return (
        f"{ask.heuristic}, {ask.scope}, {ask.recovery}\n"
        f"{text.percent(trial.removed, 1)} of parameters removed, "
        f"{text.percent(trial.macs_left)} of MACs left\n{scores}\n"
        f"{time}{speed}   click to go there"
    )


def _with_interval(trial: Trial, key: str) -> str:
    """Return a score with its interval in brackets, where there is one."""
    score = text.score(trial.scores[key])
    if key not in trial.intervals:
        return score
    low, high = trial.intervals[key]
    return f"{score} ({text.score(low)} to {text.score(high)})"
