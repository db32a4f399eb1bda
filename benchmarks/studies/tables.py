"""Tables of a study's page: scores of the recipes, and what a latency target leaves."""

from collections.abc import Sequence

from benchmarks.studies.scale import Scale
from benchmarks.studies.statistics import (
    Entry,
    Interval,
    mean_score,
    relative_change,
)
from benchmarks.studies.verdicts import (
    chosen,
    dense_of,
    nearest,
    real_sources,
    recipes,
    spoken,
)

_KEYS = ("heuristic", "mode", "recovery")
_SPEEDS = (1.5, 2.0, 3.0, 5.0)
_WANTED = (0.7, 0.9)
_SCORES = ("aji", "pq", "dice", "f1")
_HEADS = ("AJI", "PQ", "Dice", "F1")


def structured_tables(entries: Sequence[Entry], scale: Scale) -> list[str]:
    """Return the tables of study 1 as lines of Markdown.

    Parameters
    ----------
    entries
        Of the study's log.
    scale
        Of the run.
    """
    lines: list[str] = []
    for name in scale.networks:
        own = chosen(entries, network=name)
        dense = dense_of(own)
        if dense is not None:
            lines += _scores(name, dense, own, scale)
            lines += _targets(name, dense, own)
    return lines


def _scores(
    name: str, dense: Entry, own: Sequence[Entry], scale: Scale
) -> Sequence[str]:
    """Tabulate the scores of every recipe at the sparsities of the claims."""
    types = list(dense.get("types", {}))
    real = real_sources(dense)
    heads = ["removed", "recipe", *_HEADS, *(f"F1 {t}" for t in types), "faster"]
    lines = [
        "",
        f"### Scores, {name}",
        "",
        f"Means over tiles ({' and '.join(real) or 'none'}) and seeds; F1 of types is "
        "that of the synthetic tiles, the only ones whose types are known.",
        "",
        f"| {' | '.join(heads)} |",
        f"|{' --- |' * len(heads)}",
        _row("0 %", "the whole network", [dense], types, real),
    ]
    for at in sorted({nearest(scale.sparsities, wanted) for wanted in _WANTED}):
        cut = [e for e in chosen(own, sparsity=at) if e["heuristic"] != "dense"]
        for recipe, members in recipes(cut, _KEYS).items():
            if members[0]["recovery"] != "none":
                lines.append(_row(f"{at:.0%}", spoken(recipe), members, types, real))
    return lines


def _row(
    removed: str,
    recipe: str,
    members: Sequence[Entry],
    types: Sequence[str],
    real: Sequence[str],
) -> str:
    scores = [mean_score(members, score, real) for score in _SCORES]
    scores += [_mean([e.get("types", {}).get(kind) for e in members]) for kind in types]
    faster = _speed(members)
    cells = [removed, recipe, *(_number(each) for each in scores)]
    return f"| {' | '.join([*cells, f'{faster:.1f}' if faster else ''])} |"


def _targets(name: str, dense: Entry, own: Sequence[Entry]) -> Sequence[str]:
    """Tabulate the most accurate recipe that meets each latency target."""
    cut = [e for e in own if e["heuristic"] != "dense"]
    found = best_under(dense, cut)
    if not found:
        return []
    lines = [
        "",
        f"### The best point under a latency target, {name}",
        "",
        "| at most this share of the latency | recipe | times faster | AJI |",
        "| --- | --- | --- | --- |",
    ]
    for speed, (recipe, reached, change) in found.items():
        words = f"{spoken(recipe)} | {reached:.1f} | {change}" if recipe else "none | |"
        lines.append(f"| {1 / speed:.0%} | {words} |")
    return lines


def best_under(
    dense: Entry, cut: Sequence[Entry]
) -> dict[float, tuple[str, float, Interval]]:
    """Return the recipe that loses least among those that are fast enough.

    Parameters
    ----------
    dense, cut
        Entries of one network.

    Returns
    -------
    dict
        Wanted speed-up -> recipe with its sparsity, its speed-up and the change of
        AJI on real tissue; the recipe is empty where nothing is as fast. Empty when
        no latency was measured.
    """
    timed = {}
    for recipe, members in recipes(cut, (*_KEYS, "sparsity")).items():
        speed = _speed(members)
        change = relative_change(dense, members, sources=real_sources(dense))
        if speed and change.value == change.value:
            timed[recipe] = speed, change
    if not timed:
        return {}
    found = {}
    for wanted in _SPEEDS:
        fast = {name: each for name, each in timed.items() if each[0] >= wanted}
        best = max(fast, key=lambda name: timed[name][1].value, default="")
        none = 0.0, Interval(float("nan"), float("nan"), float("nan"))
        found[wanted] = (best, *timed.get(best, none))
    return found


def _speed(members: Sequence[Entry]) -> float:
    """Return the speed-up, which the first seed measures; 0 when none did."""
    return max(
        (e["latency"]["speedup"] for e in members if e.get("latency")), default=0
    )


def _mean(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None and value == value]
    return sum(known) / len(known) if known else float("nan")


def _number(value: float) -> str:
    return f"{value:.3f}" if value == value else ""
