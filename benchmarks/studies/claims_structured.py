"""The claims of study 1, and those that go past it."""

from collections.abc import Sequence
from itertools import product

from benchmarks.studies.scale import Scale
from benchmarks.studies.statistics import (
    Entry,
    Interval,
    change_between,
    relative_change,
    share_interval,
)
from benchmarks.studies.structured_points import DEEP
from benchmarks.studies.tiles import DSB, TNBC
from benchmarks.studies.verdicts import (
    ALLOWED,
    FAILS,
    HOLDS,
    MISSING,
    OPEN,
    OURS,
    PAPER_1,
    TRAINED,
    Claim,
    beside_control,
    best_of,
    chosen,
    compared,
    dense_of,
    nearest,
    real_sources,
    recipes,
    settled,
    spoken,
    with_seeds,
    within,
)

_KEYS = ("heuristic", "mode", "recovery")
_PAPERS = {"heuristic": "l2", "mode": "iterative", "recovery": "finetune"}
_TEN_MINUTES = 600
_FREE = {"heuristic": "reconstruction", "mode": "one-shot", "recovery": "refit"}


def claims(entries: Sequence[Entry], scale: Scale) -> list[Claim]:
    """Judge every claim; those whose points are missing are marked as such.

    Parameters
    ----------
    entries
        Of the study's log.
    scale
        Of the run.
    """
    rows: list[Claim] = []
    for name in scale.networks:
        own = chosen(entries, network=name)
        dense = dense_of(own) or _NO_DENSE
        rows += _compression(name, dense, own, scale)
        rows += [_ninety(name, dense, own, scale), _five(name, dense, own, scale)]
        rows.append(_steps(name, own, scale))
        rows += _free(name, dense, own, scale)
        rows.append(_random(name, own, scale))
        if name == "unet-dsb":
            rows += _transfer(dense, own, scale)
        else:
            rows.append(_damage(name, own, scale))
    return [*settled(rows, scale), _RESNET]


_NO_DENSE: Entry = {"tiles": {}}
_RESNET = Claim(
    PAPER_1,
    "ResNet-18: 75 % of parameters removed, 3 times faster",
    "none",
    OPEN,
    "it needs labelled patches of tissue, and there are none among the tiles",
)


def _compression(
    name: str, dense: Entry, own: Sequence[Entry], scale: Scale
) -> list[Claim]:
    at = nearest(scale.sparsities, 0.7)
    real = real_sources(dense)
    paper = chosen(own, sparsity=at, **_PAPERS)
    change = relative_change(dense, paper, sources=real)
    verdict, why = within(change)
    why = beside_control(why, dense_of(own, "finetune"), paper)
    every = recipes(chosen(own, sparsity=at), _KEYS)
    recipe, best = best_of(dense, every, sources=real)
    other, reason = within(best)
    if every:
        if recipe and every[recipe][0]["recovery"] in TRAINED:
            reason = beside_control(reason, dense_of(own, "finetune"), every[recipe])
        reason += f"; the best of {len(every)} by these very tiles, so a little lucky"
    return [
        Claim(
            PAPER_1,
            f"{name}: {at:.0%} of parameters removed at negligible loss "
            "(iterative, L2, fine-tuned)",
            _aji(change),
            verdict,
            with_seeds(why, paper, len(scale.seeds)),
        ),
        Claim(
            PAPER_1,
            f"{name}: {at:.0%} of parameters removed at negligible loss, with the best "
            "recipe tried",
            f"{_aji(best)}, {spoken(recipe)}" if recipe else "none",
            other,
            reason,
            searches=True,
        ),
    ]


def _ninety(name: str, dense: Entry, own: Sequence[Entry], scale: Scale) -> Claim:
    at = nearest(scale.sparsities, 0.9)
    text = (
        f"{name}: {at:.0%} of parameters removed, 80 % lower latency, at the best point"
    )
    timed = [e for e in chosen(own, sparsity=at) if e.get("latency")]
    if not timed:
        return Claim(PAPER_1, text, "none", MISSING, "no latency was measured")
    change = {
        recipe: relative_change(dense, members, sources=real_sources(dense))
        for recipe, members in recipes(chosen(own, sparsity=at), _KEYS).items()
    }

    def rank(entry: Entry) -> tuple[float, float]:
        """Fast enough first, and of those the most accurate; else the fastest."""
        speed = round(entry["latency"]["speedup"], 1)
        loss = change[_recipe(entry)].value
        return min(speed, 5.0), loss if loss == loss else -1.0

    fast = max(timed, key=rank)
    loss = change[_recipe(fast)]
    saved = 1 - 1 / fast["latency"]["speedup"]
    number = f"{saved:.0%} lower latency, {_aji(loss)}, {spoken(_recipe(fast))}"
    verdict, why = within(loss)
    if saved < 0.8:
        work = fast.get("macs")
        counted = "" if work is None else f" (it removes {work:.0%} of the arithmetic)"
        verdict = FAILS
        why = f"the fastest point saves less than 80 % of the time{counted}"
    return Claim(PAPER_1, text, number, verdict, why, searches=True)


def _recipe(entry: Entry) -> str:
    return ", ".join(str(entry[key]) for key in _KEYS)


def _aji(change: Interval) -> str:
    return f"AJI {change}" if change.value == change.value else "none"


def _five(name: str, dense: Entry, own: Sequence[Entry], scale: Scale) -> Claim:
    text = (
        f"{name}: at least 5 times faster on the processor at a loss of at most 2 % "
        "after at most 10 minutes of recovery"
    )
    cut = [e for e in own if e["heuristic"] != "dense"]
    if not any(e.get("latency") for e in cut):
        return Claim(OURS, text, "none", MISSING, "no latency was measured")
    usable = within_reach(dense, cut)
    if not usable:
        count = len(recipes(cut, (*_KEYS, "sparsity")))
        words = f"no recipe of {count} loses so little"
        why = f"see the curves{_nearest_miss(dense, own)}"
        return Claim(OURS, text, words, FAILS, why, searches=True)
    recipe = max(usable, key=lambda r: usable[r][0])
    speed, loss = usable[recipe]
    verdict, why = within(loss)
    if speed < 5:
        verdict, why = FAILS, "nothing that loses so little is fast enough"
        why += _nearest_miss(dense, own)
    number = f"{speed:.1f} times, {_aji(loss)}, {spoken(recipe)}"
    return Claim(OURS, text, number, verdict, why, searches=True)


def _nearest_miss(dense: Entry, own: Sequence[Entry]) -> str:
    """Say what the recipe that aims at speed came to."""
    aimed = [e for e in chosen(own, recovery="longer") if e.get("latency")]
    if not aimed:
        return ""
    first = aimed[0]
    change = relative_change(dense, aimed, sources=real_sources(dense))
    return (
        f"; without {first['macs']:.0%} of its multiplications and after "
        f"{first['recovery_seconds'] / 60:.0f} minutes it is "
        f"{first['latency']['speedup']:.1f} times as fast at {_aji(change)}"
    )


def within_reach(
    dense: Entry, cut: Sequence[Entry]
) -> dict[str, tuple[float, Interval]]:
    """Return recipes that lose at most 2 % after at most 10 minutes of recovery.

    Parameters
    ----------
    dense, cut
        Entries of one network.

    Returns
    -------
    dict
        Recipe with its sparsity -> how many times faster, and the change of AJI.
    """
    found = {}
    for recipe, members in recipes(cut, (*_KEYS, "sparsity")).items():
        speeds = [e["latency"]["speedup"] for e in members if e.get("latency")]
        quick = all(e.get("recovery_seconds", 0) <= _TEN_MINUTES for e in members)
        loss = relative_change(dense, members, sources=real_sources(dense))
        if speeds and quick and loss.value >= -ALLOWED:
            found[recipe] = max(speeds), loss
    return found


def _steps(name: str, own: Sequence[Entry], scale: Scale) -> Claim:
    """Iterative pruning against one cut, with the same time for training."""
    at = nearest(scale.sparsities, 0.9)
    same = {"heuristic": "l2", "recovery": "finetune", "sparsity": at}
    once, steps = (chosen(own, mode=m, **same) for m in ("one-shot", "iterative"))
    change = change_between(once, steps, sources=_all_real(once))
    verdict, why = compared(change, "in steps", "at once")
    text = (
        f"{name}: iterative pruning keeps more than one cut ({at:.0%}, L2, as many "
        "training steps for both)"
    )
    why = with_seeds(why, min(once, steps, key=len), len(scale.seeds))
    return Claim(PAPER_1, text, _aji(change), verdict, why)


def _free(name: str, dense: Entry, own: Sequence[Entry], scale: Scale) -> list[Claim]:
    rows = []
    ways = {"refit": "refit", "sequential": "refit in sequence"}
    if name in DEEP:  # where it is not run
        del ways["sequential"]
    for wanted, (recovery, words) in product((0.7, 0.9), ways.items()):
        at = nearest(scale.sparsities, wanted)
        found = chosen(own, sparsity=at, **{**_FREE, "recovery": recovery})
        change = relative_change(dense, found, sources=real_sources(dense))
        verdict, why = within(change)
        text = (
            f"{name}: {at:.0%} removed at negligible loss without a gradient and "
            f"without labels (reconstruction, {words})"
        )
        why = with_seeds(why, found, len(scale.seeds))
        rows.append(Claim(OURS, text, _aji(change), verdict, why))
    return rows


def _random(name: str, own: Sequence[Entry], scale: Scale) -> Claim:
    """A choice that no better than chance is no choice."""
    at = nearest(scale.sparsities, 0.9)
    found = chosen(own, sparsity=at, **_FREE)
    chance = chosen(own, sparsity=at, **{**_FREE, "heuristic": "random"})
    change = change_between(chance, found, sources=_all_real(chance))
    verdict, why = compared(change, "reconstruction", "random")
    text = (
        f"{name}: reconstruction keeps more than channels drawn at random ({at:.0%}, "
        "refit)"
    )
    why = with_seeds(why, min(chance, found, key=len), len(scale.seeds))
    return Claim(OURS, text, _aji(change), verdict, why)


def _transfer(dense: Entry, own: Sequence[Entry], scale: Scale) -> list[Claim]:
    rows = []
    at = nearest(scale.sparsities, 0.7)
    count = len(dense["tiles"].get(TNBC, {}))
    for words, how in (("refitted", _FREE), ("fine-tuned in steps", _PAPERS)):
        found = chosen(own, sparsity=at, **how)
        seen = relative_change(dense, found, sources=(DSB,))
        unseen = relative_change(dense, found, sources=(TNBC,))
        text = (
            f"unet-dsb, {words}: {at:.0%} removed costs no more on tissue that neither "
            "training nor calibration saw"
        )
        number = f"AJI on unseen tissue {unseen}, on seen {seen}"
        verdict, why = OPEN, f"the intervals overlap: {count} unseen tiles are few"
        if unseen.value != unseen.value or seen.value != seen.value:
            verdict, why = MISSING, "none of its points was run"
        elif unseen.low >= seen.value:
            verdict, why = HOLDS, f"unseen tissue loses no more, on {count} tiles"
        elif unseen.high < seen.low:
            verdict, why = FAILS, f"unseen tissue loses more, on {count} tiles"
        rows.append(Claim(OURS, text, number, verdict, why))
    return rows


def _damage(name: str, own: Sequence[Entry], scale: Scale) -> Claim:
    at = nearest(scale.sparsities, 0.9)
    text = f"{name}: small nuclei are lost first ({at:.0%}, reconstruction, refit)"
    counts = group_counts(chosen(own, sparsity=at, **_FREE))
    shares = {k: share_interval(*v) for k, v in sorted(counts.items())}
    sizes = {k: v for k, v in shares.items() if k.startswith("size")}
    if len(sizes) < 2 or "size: small" not in sizes:
        return Claim(OURS, text, "none", MISSING, "none of its points was run")
    number = ", ".join(f"{k} {v.value:.0%}" for k, v in shares.items())
    small = sizes.pop("size: small")
    worst = min(sizes, key=lambda k: sizes[k].value)
    verdict, why = OPEN, "the intervals of the sizes overlap"
    if small.high < sizes[worst].low:
        verdict, why = HOLDS, "small nuclei are kept least, the intervals are apart"
    elif sizes[worst].high < small.low:
        verdict, why = FAILS, f"{worst.removeprefix('size: ')} ones are kept least"
    return Claim(OURS, text, f"still found: {number}", verdict, why)


def group_counts(entries: Sequence[Entry]) -> dict[str, tuple[int, int]]:
    """Nuclei still found, and all of them, by group, over all entries."""
    totals: dict[str, tuple[int, int]] = {}
    for entry in entries:
        for group, (kept, count) in entry.get("damage", {}).items():
            before = totals.get(group, (0, 0))
            totals[group] = before[0] + kept, before[1] + count
    return {group: each for group, each in totals.items() if each[1]}


def _all_real(entries: Sequence[Entry]) -> tuple[str, ...]:
    return real_sources(entries[0]) if entries else ()
