"""Trials to the curves of the three plots: pure functions."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from app.plots.plot_values import BEST, Dot, Line
from app.plots.styles import style_of
from app.state.trials import front, predictor, work_of
from app.text import format as text
from app.text.speed import describe_speedup
from core.results import Trial
from core.tables import METRICS
from core.types import SPARSITY, PruneRequest, RequestKey


def _grouped(trials: Sequence[Trial]) -> Mapping[RequestKey, list[Trial]]:
    """Return the trials of each curve, from the largest model to the smallest."""
    groups: dict[RequestKey, list[Trial]] = {}
    for trial in sorted(trials, key=lambda one: one.removed):
        groups.setdefault(trial.request.key(without=SPARSITY), []).append(trial)
    return groups


def latencies(trials: Sequence[Trial], dense_ms: float) -> list[float]:
    """Return the latency of each trial in ms: measured, or else predicted."""
    predict = predictor(trials)
    return [
        dense_ms
        / (
            trial.latency.speedup
            if trial.latency
            else predict(work_of(trial.request, trial.macs_left))
        )
        for trial in trials
    ]


def dense_latency(trials: Sequence[Trial], guess: float) -> float:
    """Return the dense model's latency in ms: the median of what was measured.

    Parameters
    ----------
    trials
        With measurements, or not.
    guess
        Used while there is none, in ms.
    """
    known = sorted(t.latency.dense_ms for t in trials if t.latency is not None)
    return known[len(known) // 2] if known else guess


def tip(trial: Trial, latency: float) -> str:
    """Return what is written at a point under the mouse."""
    ask = trial.request
    scores = "   ".join(
        f"{METRICS[key].title} {_with_interval(trial, key)}"
        for key in trial.scores
        if METRICS[key].usual
    )
    said = f"{text.milliseconds(latency)} (predicted)"
    if trial.latency is not None:
        said = f"{text.milliseconds(latency)}, {describe_speedup(trial.latency)}"
    elif trial.measured is not None:
        said = trial.measured.verdict
    return (
        f"{ask.heuristic}, {ask.scope}, {ask.recovery}\n"
        f"{text.percent(trial.removed, 1)} of parameters removed, "
        f"{text.percent(trial.macs_left)} of MACs left\n{scores}\n"
        f"{said}   click to go there"
    )


def _with_interval(trial: Trial, key: str) -> str:
    """Return a score with its interval in brackets, where there is one."""
    score = text.score(trial.scores[key])
    if key not in trial.intervals:
        return score
    low, high = trial.intervals[key]
    return f"{score} ({text.score(low)} to {text.score(high)})"


def curves(
    trials: Sequence[Trial],
    *,
    metric: str,
    dense_ms: float,
    now: PruneRequest,
    order: tuple[str, ...],
    beside: Sequence[PruneRequest] = (),
) -> tuple[tuple[Line, ...], tuple[Line, ...], tuple[Line, ...]]:
    """Return the lines of the three plots.

    Parameters
    ----------
    trials
        Every point.
    metric
        Score on the vertical axis.
    dense_ms
        Latency of the dense model.
    now
        Its curve is drawn last.
    order
        Names of the heuristics, for their colours.
    beside
        What the other panes show; their curves are drawn as strongly.

    Returns
    -------
    accuracy, latency, trade
        Accuracy over sparsity, latency over sparsity, accuracy over latency.
    """
    plots: tuple[list[Line], list[Line], list[Line]] = ([], [], [])
    times = dict(zip(map(id, trials), latencies(trials, dense_ms), strict=True))
    shown = [ask.key(without=SPARSITY) for ask in (*beside, now)]
    present_last = sorted(
        _grouped(trials).items(),
        key=lambda item: (item[0] in shown, item[0] == shown[-1]),
    )
    for series, group in present_last:
        looks = style_of(group[0].request, order)
        strong = series in shown
        dots: tuple[list[Dot], list[Dot], list[Dot]] = ([], [], [])
        for trial in group:
            for found, dot in zip(
                dots, _dots(trial, metric, times[id(trial)], dense_ms), strict=True
            ):
                if dot is not None:
                    found.append(dot)
        for index, lines in enumerate(plots):
            lines.append(
                Line(
                    tuple(dots[index]),
                    looks.colour,
                    strong,
                    joined=index < 2,
                    shape=looks.shape,
                    dash=looks.dash,
                    bars=index == 1,
                )
            )
    return tuple(plots[0]), tuple(plots[1]), fronted(plots[2])


def _dots(
    trial: Trial, metric: str, latency: float, dense_ms: float
) -> tuple[Dot | None, Dot | None, Dot | None]:
    """Return a trial as a point of each plot; None where it has no score."""
    value = trial.scores.get(metric, math.nan)
    # Written when it is asked for: there may be hundreds.
    words, sure = partial(tip, trial, latency), trial.latency is not None
    span, key = _span(trial, dense_ms), trial.request
    timed = Dot(trial.removed, latency, key, words, sure, up=span)
    if not math.isfinite(value):
        return None, timed, None
    return (
        Dot(trial.removed, value, key, words, up=trial.intervals.get(metric)),
        timed,
        Dot(latency, value, key, words, sure, across=span),
    )


def _span(trial: Trial, dense_ms: float) -> tuple[float, float] | None:
    """Return the interval of a measured latency, in ms."""
    if trial.latency is None:
        return None
    slow, fast = trial.latency.interval
    return dense_ms / fast, dense_ms / slow


def fronted(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Return curves over latency whose points on the front are marked as such.

    Parameters
    ----------
    lines
        Latency across, score up. A point alone has nothing to beat.
    """
    dots = [dot for line in lines for dot in line.dots]
    if len(dots) < 2:
        return tuple(lines)
    chosen = {id(dots[index]) for index in front([(dot.x, dot.y) for dot in dots])}
    return tuple(
        replace(
            line,
            dots=tuple(
                replace(dot, best=True, tip=partial(_best_tip, dot.tip))
                if id(dot) in chosen
                else dot
                for dot in line.dots
            ),
        )
        for line in lines
    )


def _best_tip(tip: Callable[[], str]) -> str:
    return f"{tip()}\n{BEST}"
