"""The claims of study 1, and those that go past it."""

from collections.abc import Sequence

from benchmarks.studies.scale import Scale
from benchmarks.studies.statistics import Entry, relative_change
from benchmarks.studies.tiles import DSB, SYNTHETIC, TNBC
from benchmarks.studies.verdicts import (
    ALLOWED,
    FAILS,
    HOLDS,
    OPEN,
    OURS,
    PAPER_1,
    Claim,
    best_of,
    chosen,
    nearest,
    recipes,
    settled,
    within,
)

_KEYS = ("heuristic", "mode", "recovery")
_PAPERS = {"heuristic": "l2", "mode": "iterative", "recovery": "finetune"}
_FREE = {"heuristic": "reconstruction", "mode": "one-shot", "recovery": "refit"}


def claims(entries: Sequence[Entry], scale: Scale) -> list[Claim]:
    """Judge every claim.

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
        dense = chosen(own, heuristic="dense")
        if not dense:
            continue
        rows += _compression(name, dense[0], own, scale)
        rows += _latency(name, dense[0], own, scale)
        rows += _steps(name, dense[0], own, scale)
        rows += _free(name, dense[0], own, scale)
        if name == "unet-dsb":
            rows += _transfer(dense[0], own, scale)
        else:
            rows += _damage(name, own, scale)
    rows.append(
        Claim(
            PAPER_1,
            "ResNet-18: 75 % of parameters removed, 3 times faster",
            "none",
            OPEN,
            "no labelled patches are at hand",
        )
    )
    return [*settled(rows[:-1], scale), rows[-1]]


def _compression(
    name: str, dense: Entry, own: Sequence[Entry], scale: Scale
) -> list[Claim]:
    at = nearest(scale.sparsities, 0.7)
    real = _real(dense)
    paper = chosen(own, sparsity=at, **_PAPERS)
    change = relative_change(dense, paper, sources=real)
    verdict, why = within(change)
    every = recipes(chosen(own, sparsity=at), _KEYS)
    recipe, best = best_of(dense, every, sources=real)
    other, reason = within(best)
    return [
        Claim(
            PAPER_1,
            f"{name}: {at:.0%} of parameters removed at negligible loss "
            "(iterative, L2, fine-tuned)",
            f"AJI {change}",
            verdict,
            why,
        ),
        Claim(
            PAPER_1,
            f"{name}: the same with the best recipe tried",
            f"AJI {best}, {recipe}",
            other,
            f"{reason}; chosen on the test tiles, so a little too good",
        ),
    ]


def _latency(
    name: str, dense: Entry, own: Sequence[Entry], scale: Scale
) -> list[Claim]:
    at = nearest(scale.sparsities, 0.9)
    timed = [e for e in chosen(own, sparsity=at) if e.get("latency")]
    fast = max(timed, key=lambda e: e["latency"]["speedup"], default=None)
    rows = [_ninety(name, at, dense, own, fast)]
    groups = recipes(
        [e for e in own if e["heuristic"] != "dense"], (*_KEYS, "sparsity")
    )
    usable = {}
    for recipe, members in groups.items():
        speeds = [e["latency"]["speedup"] for e in members if e.get("latency")]
        quick = all(e.get("recovery_seconds", 0) <= 600 for e in members)
        loss = relative_change(dense, members, sources=_real(dense))
        if speeds and quick and loss.value >= -ALLOWED:
            usable[recipe] = max(speeds), loss
    if not usable:
        words, verdict = "no recipe loses so little", FAILS
        rows.append(Claim(OURS, _FIVE.format(name), words, verdict, "see the curves"))
        return rows
    recipe = max(usable, key=lambda r: usable[r][0])
    speed, loss = usable[recipe]
    verdict, why = within(loss)
    if speed < 5:
        verdict, why = FAILS, "nothing that loses so little is fast enough"
    number = f"{speed:.1f} times, AJI {loss}, {recipe}"
    rows.append(Claim(OURS, _FIVE.format(name), number, verdict, why))
    return rows


_FIVE = (
    "{}: at least 5 times faster on the processor at a loss of at most 2 % after at "
    "most 10 minutes of recovery"
)


def _ninety(
    name: str, at: float, dense: Entry, own: Sequence[Entry], fast: Entry | None
) -> Claim:
    text = (
        f"{name}: {at:.0%} of parameters removed, 80 % lower latency, at the best point"
    )
    if fast is None:
        return Claim(PAPER_1, text, "none", OPEN, "no latency was measured")
    keys = {k: fast[k] for k in (*_KEYS, "sparsity")}
    loss = relative_change(dense, chosen(own, **keys), sources=_real(dense))
    saved = 1 - 1 / fast["latency"]["speedup"]
    number = f"{saved:.0%} lower latency, AJI {loss}"
    verdict, why = within(loss)
    if saved < 0.8:
        verdict, why = FAILS, "the fastest point saves less than 80 % of the time"
    return Claim(PAPER_1, text, number, verdict, why)


def _steps(name: str, dense: Entry, own: Sequence[Entry], scale: Scale) -> list[Claim]:
    """Iterative pruning against one cut, with the same time for training."""
    at = nearest(scale.sparsities, 0.9)
    same = {"heuristic": "l2", "recovery": "finetune", "sparsity": at}
    once = relative_change(dense, chosen(own, mode="one-shot", **same))
    steps = relative_change(dense, chosen(own, mode="iterative", **same))
    number = f"in steps {steps}, at once {once}"
    text = f"{name}: iterative pruning keeps more than one cut ({at:.0%}, L2)"
    if steps.value != steps.value or once.value != once.value:
        return [Claim(PAPER_1, text, number, OPEN, "no such points were measured")]
    if steps.low > once.high:
        return [Claim(PAPER_1, text, number, HOLDS, "the intervals are apart")]
    if steps.high < once.low:
        return [Claim(PAPER_1, text, number, FAILS, "one cut keeps more")]
    why = "the intervals overlap, with as many training steps for both"
    return [Claim(PAPER_1, text, number, OPEN, why)]


def _free(name: str, dense: Entry, own: Sequence[Entry], scale: Scale) -> list[Claim]:
    rows = []
    for wanted in (0.7, 0.9):
        at = nearest(scale.sparsities, wanted)
        found = chosen(own, sparsity=at, **_FREE)
        change = relative_change(dense, found, sources=_real(dense))
        verdict, why = within(change)
        text = (
            f"{name}: {at:.0%} removed at negligible loss without a gradient and "
            "without labels (reconstruction, refit)"
        )
        rows.append(Claim(OURS, text, f"AJI {change}", verdict, why))
    return rows


def _transfer(dense: Entry, own: Sequence[Entry], scale: Scale) -> list[Claim]:
    rows = []
    at = nearest(scale.sparsities, 0.7)
    for words, how in (("refitted", _FREE), ("fine-tuned in steps", _PAPERS)):
        found = chosen(own, sparsity=at, **how)
        seen = relative_change(dense, found, sources=(DSB,))
        unseen = relative_change(dense, found, sources=(TNBC,))
        text = (
            f"unet-dsb, {words}: {at:.0%} removed costs no more on tissue that neither "
            "training nor calibration saw"
        )
        number = f"unseen {unseen}, seen {seen}"
        verdict, why = OPEN, "the intervals overlap: two unseen tiles are few"
        if unseen.low >= seen.value:
            verdict, why = HOLDS, "unseen tissue loses no more"
        elif unseen.high < seen.low:
            verdict, why = FAILS, "unseen tissue loses more"
        rows.append(Claim(OURS, text, number, verdict, why))
    return rows


def _damage(name: str, own: Sequence[Entry], scale: Scale) -> list[Claim]:
    at = nearest(scale.sparsities, 0.9)
    kept = group_shares(chosen(own, sparsity=at, **_FREE))
    sizes = {k: v for k, v in kept.items() if k.startswith("size")}
    if not sizes:
        return []
    worst = min(sizes, key=lambda k: sizes[k])
    number = ", ".join(f"{k} {v:.0%}" for k, v in sorted(kept.items()))
    text = f"{name}: small nuclei are lost first ({at:.0%}, reconstruction, refit)"
    small = worst == "size: small"
    why = f"{worst} keeps least of its nuclei"
    return [Claim(OURS, text, f"kept: {number}", HOLDS if small else FAILS, why)]


def group_shares(entries: Sequence[Entry]) -> dict[str, float]:
    """Share of nuclei still found, by group, over all entries."""
    totals: dict[str, list[int]] = {}
    for entry in entries:
        for group, (kept, count) in entry.get("damage", {}).items():
            total = totals.setdefault(group, [0, 0])
            total[0] += kept
            total[1] += count
    return {group: kept / count for group, (kept, count) in totals.items() if count}


def _real(dense: Entry) -> tuple[str, ...]:
    """Sources of real tissue: synthetic tiles decide no claim about it."""
    return tuple(source for source in dense["tiles"] if source != SYNTHETIC)
