"""The first lines of a study's page, in plain words."""

from collections import Counter
from collections.abc import Sequence

from benchmarks.studies.claims_structured import within_reach
from benchmarks.studies.claims_unstructured import reach_of
from benchmarks.studies.scale import Scale
from benchmarks.studies.statistics import Entry, relative_change
from benchmarks.studies.verdicts import (
    ALLOWED,
    FAILS,
    HOLDS,
    MISSING,
    OPEN,
    TRAINED,
    Claim,
    chosen,
    dense_of,
    real_sources,
    recipes,
    run_of,
    spoken,
)

_KEYS = ("heuristic", "mode", "recovery")
_VERDICTS = {
    HOLDS: ("holds", "hold"),
    FAILS: ("does not hold", "do not hold"),
    OPEN: ("cannot be tested here", "cannot be tested here"),
    MISSING: ("is not measured", "are not measured"),
}


def summary(
    study: str,
    entries: Sequence[Entry],
    rows: Sequence[Claim],
    planned: Sequence[Entry],
    scale: Scale,
) -> list[str]:
    """Say what was run, what came of it, and which claims stand.

    Parameters
    ----------
    study
        ``"structured"`` or ``"unstructured"``.
    entries
        Of its log.
    rows
        Its claims.
    planned
        All its points.
    scale
        Of the run.

    Returns
    -------
    list of str
        Lines of Markdown.
    """
    lines = [
        "## In short",
        "",
        f"- {_progress(len(run_of(planned, entries)), len(planned))}",
    ]
    if not scale.decides:
        words = f"This is a {scale.name} run: it shows that everything runs, no more."
        return [*lines, f"- {words}"]
    count = Counter(row.verdict for row in rows)
    said = [
        f"{count[v]} {words[count[v] > 1]}"
        for v, words in _VERDICTS.items()
        if count[v]
    ]
    lines.append(f"- Of {len(rows)} claims {', '.join(said)}.")
    facts = _structured if study == "structured" else _unstructured
    lines += [f"- {fact}" for fact in facts(entries, scale)]
    for verdict in (HOLDS, FAILS):
        named = [row for row in rows if row.verdict == verdict]
        if named:
            lines += ["", f"What {verdict}:", ""]
            lines += [f"- {row.claim} ({row.number})" for row in named]
    return lines


def _progress(done: int, planned: int) -> str:
    if done >= planned:
        return f"All {planned} planned points were run."
    return (
        f"**{done} of {planned} planned points were run; the study was stopped before "
        "its end.** Claims whose points are missing are marked as not measured. The "
        "same command goes on where it stopped."
    )


def _structured(entries: Sequence[Entry], scale: Scale) -> list[str]:
    lines = []
    for name in scale.networks:
        own = chosen(entries, network=name)
        dense = dense_of(own)
        cut = [e for e in own if e["heuristic"] != "dense"]
        if dense is None or not cut:
            lines.append(f"{name}: not run yet.")
            continue
        said = [_furthest(dense, cut, trained=trained) for trained in (False, True)]
        fast = within_reach(dense, cut)
        if fast:
            recipe = max(fast, key=lambda each: fast[each][0])
            said.append(
                f"the fastest that stays within 2 % is {fast[recipe][0]:.1f} times as "
                f"fast as the whole network ({spoken(recipe)})"
            )
        said += [_chance(dense, cut), _control(dense, own, scale)]
        lines.append(f"{name}: {'; '.join(each for each in said if each)}.")
    return lines


def _furthest(dense: Entry, cut: Sequence[Entry], *, trained: bool) -> str:
    """Say how much can go within 2 %, with or without training afterwards."""
    words = "with training" if trained else "without any training"
    own = [
        e
        for e in cut
        if (e["recovery"] in TRAINED or e["heuristic"] == "slimming") == trained
    ]
    found = {}
    for recipe, members in recipes(own, (*_KEYS, "sparsity")).items():
        change = relative_change(dense, members, sources=real_sources(dense))
        if change.value >= -ALLOWED:
            removed = members[0].get("params", members[0]["sparsity"])
            found[recipe] = removed, change
    if not own:
        return f"{words}, nothing was measured yet"
    if not found:
        return f"{words}, no recipe stays within 2 % of the mean AJI"
    recipe = max(found, key=lambda each: (found[each][0], found[each][1].value))
    return (
        f"{words}, up to {found[recipe][0]:.0%} of the parameters go within 2 % of the "
        f"mean AJI ({spoken(recipe)}: {found[recipe][1]})"
    )


def _chance(dense: Entry, cut: Sequence[Entry]) -> str:
    own = chosen(cut, heuristic="random", recovery="refit")
    if not own:
        return ""
    most = max(e["sparsity"] for e in own)
    change = relative_change(
        dense, chosen(own, sparsity=most), sources=real_sources(dense)
    )
    return f"channels drawn at random, refitted, at {most:.0%}: AJI {change}"


def _control(dense: Entry, own: Sequence[Entry], scale: Scale) -> str:
    """What training alone changes is no merit, and no fault, of pruning."""
    further = dense_of(own, "finetune")
    if further is None:
        return ""
    change = relative_change(dense, [further], sources=real_sources(dense))
    return f"the whole network after {scale.recover_steps} further steps: AJI {change}"


def _unstructured(entries: Sequence[Entry], scale: Scale) -> list[str]:
    dense = dense_of(entries)
    if dense is None:
        return ["Not run yet."]
    control = _control(dense, entries, scale)
    lines = [f"{control[0].upper()}{control[1:]}."] if control else []
    ways = {
        "Not trained again": ("one-shot", "none"),
        "Cut in steps, fine-tuned": ("iterative", "finetune"),
    }
    for words, (mode, recovery) in ways.items():
        own = chosen(entries, recovery=recovery, branch="both", mode=mode)
        reach = {
            ranking: reach_of(dense, chosen(own, ranking=ranking), "aji", scale)
            for ranking in ("layer", "network")
        }
        if any(value != value for value in reach.values()):
            lines.append(f"{words}: not all sparsities were run.")
            continue
        said = [f"{value:.2%} {ranking}-wise" for ranking, value in reach.items()]
        lines.append(
            f"{words}: the share of weights that may go before the instances lose 2 % "
            f"of their mean AJI is {' and '.join(said)}."
        )
    return lines
