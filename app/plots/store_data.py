"""Stores of sweeps as the data of charts: pure functions."""

import math
from collections.abc import Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.plots.data import Curve, PlotData, PlotSample, Reading
from app.plots.marks import DASHES, Dash
from app.plots.styles import series_name, style_of
from app.plots.trial_data import (
    dense_latency,
    drawn_interval,
    scores_by_reference,
    shares_removed,
    to_latency,
)
from app.state.sweep_values import StoreContents
from app.text import format as text
from app.text.speed import describe_speedup
from core.results import Trial
from core.tables import METRICS
from core.types import SEEDS

if TYPE_CHECKING:
    from app.state.plot_settings import Reference

Same = tuple[Trial, ...]
"""Trials that differ in the seed only."""


def store_dash(number: int, stores: int) -> Dash | None:
    """Return the dash of a store's curves; None where the scope decides."""
    return DASHES[number % len(DASHES)] if stores > 1 else None


def store_data(results: Sequence[StoreContents], titles: Mapping[str, str]) -> PlotData:
    """Return the data of charts for the trials of stores.

    Colours and marks tell heuristics. With several stores, the line tells the store.

    Parameters
    ----------
    results
        Of each store; an empty one keeps its place.
    titles
        Titles of heuristics by name, those of the open model, in its order.
    """
    weights = {t.identity.weights for store in results for t in store.trials}
    found = []
    for number, store in enumerate(results):
        dash = store_dash(number, len(results))
        for key, group in groups_of(store).items():
            place = group[0][0].identity
            looks = style_of(place.request)
            name = series_name(place.request, titles)
            if len(weights) > 1:
                name += f", {Path(place.model).stem}"
            if len(results) > 1:
                name += f", {store.path.name}"
            found.append(
                Curve(
                    (number, key),
                    name,
                    tuple(_sample(same, store) for same in group),
                    looks.colour,
                    looks.mark,
                    dash or looks.dash,
                    looks.width,
                )
            )
    known = [ms for store in results if (ms := dense_latency(store.trials)) is not None]
    dense_ms = known[0] if len(known) == 1 else None
    return PlotData(tuple(found), _dense_scores(results), dense_ms, bool(known))


def groups_of(store: StoreContents) -> dict[Hashable, list[Same]]:
    """Return trials by curve, those that differ in the seed together.

    Returns
    -------
    dict
        Each curve from the largest model to the smallest.
    """
    groups: dict[Hashable, dict[float, list[Trial]]] = {}
    for trial in store.trials:
        curve = trial.identity.weights, trial.request.key(without=SEEDS)
        alike = groups.setdefault(curve, {})
        alike.setdefault(trial.request.sparsity, []).append(trial)
    return {
        curve: [tuple(found[sparsity]) for sparsity in sorted(found)]
        for curve, found in groups.items()
    }


def _dense_scores(results: Sequence[StoreContents]) -> dict[str, float]:
    """Return scores of the dense model where all trials agree on them."""
    maps = [trial.dense_scores for store in results for trial in store.trials]
    found = {}
    for key in METRICS:
        levels = {round(each[key], 6) for each in maps if key in each}
        level = levels.pop() if len(levels) == 1 else math.nan
        if math.isfinite(level):
            found[key] = level
    return found


def _sample(same: Same, store: StoreContents) -> PlotSample:
    """Return trials that differ in the seed as one sample: means, with their range."""
    first = same[0]
    found: dict[Reference, dict[str, list[float]]] = {}
    for trial in same:
        for reference, scores, _ in scores_by_reference(trial):
            for key, value in scores.items():
                if math.isfinite(value):
                    known = found.setdefault(reference, {})
                    known.setdefault(key, []).append(value)
    speedup = _speedup(same)
    dense_ms = dense_latency(store.trials)
    return PlotSample(
        first.identity,
        shares_removed(first),
        {
            reference: {key: _mean(values) for key, values in scores.items()}
            for reference, scores in found.items()
        },
        to_latency(speedup, dense_ms) if speedup and dense_ms else None,
        speedup,
        partial(store_tip, same, store),
    )


def _speedup(same: Same) -> Reading | None:
    """Return the measured speed-up: its interval, or the range over seeds."""
    timed = [trial.latency for trial in same if trial.latency is not None]
    if len(timed) == 1:
        return Reading(timed[0].speedup, drawn_interval(timed[0].interval))
    return _mean([each.speedup for each in timed]) if timed else None


def _mean(values: Sequence[float]) -> Reading:
    ends = (min(values), max(values)) if len(values) > 1 else None
    return Reading(sum(values) / len(values), ends)


def store_tip(same: Same, store: StoreContents) -> str:
    """Return what is written beside a point."""
    first = same[0]
    ask = first.request
    scores = "   ".join(
        f"{METRICS[name].title} {text.score(value)}"
        for name, value in first.scores.items()
        if name in METRICS and METRICS[name].usual
    )
    lines = [
        f"{ask.heuristic}, {ask.scope}, {ask.recovery}",
        f"{text.percent(first.removed, 1)} of parameters removed, "
        f"{text.percent(first.macs_left)} of MACs left",
        scores,
    ]
    if first.measured is not None:
        lines.append(describe_speedup(first.measured))
    if len(same) > 1:
        lines.append(f"{len(same)} seeds; scores of the first, band over all")
    lines.append(f"{store.path.name}, {store.machine}   click to go there")
    return "\n".join(lines)
