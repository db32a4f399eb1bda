"""Stores of sweeps to curves: pure functions, but for `read_results`.

To read this file, start from `read_results`, then `store_lines`.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from app.plots.curves import fronted
from app.plots.marks import DASHES
from app.plots.plot_values import Dot, Line
from app.plots.styles import series_name, style_of
from app.state.sweep_values import StoreContents
from app.text import format as text
from app.text.speed import describe_speedup
from app.views.widgets.legend import Entry
from core.results import Trial
from core.store import Record, read_store
from core.tables import METRICS
from core.types import SEEDS

Lines = tuple[tuple[Line, ...], tuple[Line, ...], tuple[Line, ...]]


def read_results(path: Path, before: StoreContents | None = None) -> StoreContents:
    """Read a store, or what was added to it since (worker thread).

    Parameters
    ----------
    path
        Of the store; nothing in it is changed.
    before
        What was read earlier.

    Raises
    ------
    StoreError
        When it cannot be read.
    """
    known = before or StoreContents(path)
    batch = read_store(path, known.last)
    done = [record for record in batch.records if record.status == "done"]
    failed = len(batch.records) - len(done)
    return replace(
        known,
        machine=known.machine or next(map(machine_of, batch.records), ""),
        trials=(*known.trials, *(record.to_trial() for record in done)),
        tiles=max([known.tiles, *(len(record.tiles) for record in done)]),
        impossible=known.impossible + failed,
        last=batch.last,
    )


def machine_of(record: Record) -> str:
    """Name the hardware of a record in a few words."""
    facts = record.provenance
    name = re.sub(r"\((R|TM|r|tm)\)|\bCPU\b|\bProcessor\b|@.*", "", _words(facts))
    cores = facts.get("cores")
    parts = [" ".join(name.split()) or "unknown machine"]
    if cores:
        parts.append(text.counted(int(cores), "core"))
    return ", ".join(parts)


def _words(facts: Mapping[str, object]) -> str:
    return str(facts.get("processor", ""))


def store_lines(
    results: Sequence[StoreContents], metric: str, order: tuple[str, ...] = ()
) -> Lines:
    """Return the curves of all stores for the three plots.

    Colours tell heuristics and marks recoveries. With one store the line tells
    the scope; with several, it tells the store.

    Parameters
    ----------
    results
        Of each store; an empty one keeps its place.
    metric
        Score on the vertical axis.
    order
        Names of the heuristics, for their colours.

    Returns
    -------
    accuracy, latency, trade
        Accuracy over sparsity, latency over sparsity, accuracy over latency.
    """
    order = _order(results, order)
    plots: tuple[list[Line], list[Line], list[Line]] = ([], [], [])
    for number, store in enumerate(results):
        dash = DASHES[number % len(DASHES)] if len(results) > 1 else None
        dense_ms = _dense_ms(store)
        for group in curves_of(store):
            looks = style_of(group[0][0].request, order)
            dots = [_dots(same, metric, dense_ms, store) for same in group]
            for index, lines in enumerate(plots):
                found = tuple(dot for each in dots if (dot := each[index]) is not None)
                lines.append(
                    Line(
                        found,
                        looks.colour,
                        joined=index < 2,
                        shape=looks.shape,
                        dash=looks.dash if dash is None else dash,
                        bars=index == 1,
                    )
                )
    return tuple(plots[0]), tuple(plots[1]), fronted(plots[2])


def store_legend(
    results: Sequence[StoreContents], titles: Mapping[str, str]
) -> list[Entry]:
    """Return the curves by name, each once whatever the number of stores."""
    order = _order(results, tuple(titles))
    entries: dict[str, Entry] = {}
    models = {point.identity.weights for store in results for point in store.trials}
    for store in results:
        for group in curves_of(store):
            place = group[0][0].identity
            looks = style_of(place.request, order)
            name = series_name(place.request, titles)
            if len(models) > 1:
                name += f", {Path(place.model).stem}"
            entries.setdefault(name, Entry(name, looks.colour, looks.shape))
    return list(entries.values())


def dense_level(results: Sequence[StoreContents], metric: str) -> float | None:
    """Return the dense model's score when all stores agree on it."""
    levels = {
        round(point.dense_scores.get(metric, 1.0), 6)
        for store in results
        for point in store.trials
    }
    level = levels.pop() if len(levels) == 1 else math.nan
    return level if math.isfinite(level) else None


def curves_of(store: StoreContents) -> list[list[tuple[Trial, ...]]]:
    """Sort points into curves, and trials that differ by the seed into one point.

    Returns
    -------
    curves
        Each from the largest model to the smallest.
    """
    groups: dict[tuple[object, ...], dict[float, list[Trial]]] = {}
    for point in store.trials:
        curve = point.identity.weights, point.request.key(without=SEEDS)
        sparsity = point.request.sparsity
        groups.setdefault(curve, {}).setdefault(sparsity, []).append(point)
    return [
        [tuple(found[sparsity]) for sparsity in sorted(found)]
        for found in groups.values()
    ]


def _order(results: Sequence[StoreContents], known: tuple[str, ...]) -> tuple[str, ...]:
    """Name all heuristics: those of the open model first, in its order."""
    names = {p.request.heuristic for store in results for p in store.trials}
    return (*known, *sorted(names - set(known)))


def _dense_ms(store: StoreContents) -> float:
    known = sorted(p.latency.dense_ms for p in store.trials if p.latency is not None)
    return known[len(known) // 2] if known else math.nan


def _dots(
    same: tuple[Trial, ...], metric: str, dense_ms: float, store: StoreContents
) -> tuple[Dot | None, Dot | None, Dot | None]:
    """Return trials that differ by the seed as a point of each plot."""
    first = same[0]
    values = [point.scores[metric] for point in same if metric in point.scores]
    times = [dense_ms / point.latency.speedup for point in same if point.latency]
    words, key = partial(tip, same, store), first.identity
    score = accuracy = latency = None
    if values:
        score = sum(values) / len(values)
        band = (min(values), max(values)) if len(values) > 1 else None
        accuracy = Dot(first.removed, score, key, words, up=band)
    if times:
        time = sum(times) / len(times)
        span = _span(first, dense_ms) if len(times) == 1 else (min(times), max(times))
        latency = Dot(first.removed, time, key, words, up=span)
        if score is not None:
            return (
                accuracy,
                latency,
                Dot(time, score, key, words, across=span, up=band),
            )
    return accuracy, latency, None


def _span(trial: Trial, dense_ms: float) -> tuple[float, float] | None:
    """Return the interval of a measured latency, in ms."""
    if trial.latency is None:
        return None
    slow, fast = trial.latency.interval
    return dense_ms / fast, dense_ms / slow


def tip(same: tuple[Trial, ...], store: StoreContents) -> str:
    """Return what is written at a point under the mouse."""
    first = same[0]
    ask = first.request
    scores = "   ".join(
        f"{METRICS[name].title} {text.score(value)}"
        for name, value in first.scores.items()
        if METRICS[name].usual
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
