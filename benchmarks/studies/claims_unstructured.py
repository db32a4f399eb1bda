"""The claims of study 2."""

from collections.abc import Sequence

from benchmarks.studies.scale import Scale
from benchmarks.studies.statistics import (
    Entry,
    Interval,
    change_between,
    mean_score,
    relative_change,
)
from benchmarks.studies.unstructured_points import SEEDS
from benchmarks.studies.verdicts import (
    ALLOWED,
    FAILS,
    HOLDS,
    MISSING,
    OURS,
    PAPER_2,
    Claim,
    beside_control,
    chosen,
    compared,
    dense_of,
    nearest,
    real_sources,
    settled,
    with_seeds,
    within,
)

_LOSSES = (
    ("segmentation", "branch_dice", 0.9375, "the segmentation branch (Dice)"),
    ("distance", "branch_mse", 0.95, "the distance branch (squared error)"),
    ("both", "aji", 0.80, "final instances (AJI)"),
)


def claims(entries: Sequence[Entry], scale: Scale) -> list[Claim]:
    """Judge every claim, with and without fine-tuning.

    Parameters
    ----------
    entries
        Of the study's log.
    scale
        Of the run.
    """
    dense = dense_of(entries) or _NO_DENSE
    rows: list[Claim] = []
    ways = {
        "cut in steps, fine-tuned": ("iterative", "finetune"),
        "not trained again": ("one-shot", "none"),
    }
    for words, (mode, recovery) in ways.items():
        own = chosen(entries, mode=mode, recovery=recovery)
        # without training nothing is random: one seed is all there is
        seeds = len(scale.seeds[:SEEDS]) if recovery == "finetune" else 1
        for branch, score, wanted, what in _LOSSES:
            at = nearest(scale.weights, wanted)
            found = chosen(own, branch=branch, ranking="layer", sparsity=at)
            change = change_of(dense, found, score)
            verdict, why = within(change)
            text = f"under 2 % loss of {what} at {at:.2%}, layer-wise, {words}"
            if recovery == "finetune":
                why = beside_control(why, dense_of(entries, recovery), found, score)
            why = with_seeds(why, found, seeds)
            rows.append(Claim(PAPER_2, text, str(change), verdict, why))
        rows += _rankings(own, scale, words)
        rows.append(_breaks_first(dense, own, scale, words))
    return settled([*rows, _steps(entries, scale)], scale)


_NO_DENSE: Entry = {"tiles": {}}


def change_of(dense: Entry, entries: Sequence[Entry], score: str) -> Interval:
    """Relative change on real tissue, negative for the worse; errors turned round."""
    change = relative_change(dense, entries, score, real_sources(dense))
    if score == "branch_mse":
        return Interval(-change.value, -change.high, -change.low)
    return change


def _rankings(own: Sequence[Entry], scale: Scale, words: str) -> list[Claim]:
    rows = []
    for wanted, better in ((0.5, "layer"), (0.95, "network")):
        at = nearest(scale.weights, wanted)
        other = "network" if better == "layer" else "layer"
        both = chosen(own, branch="both", sparsity=at)
        first, second = (chosen(both, ranking=ranking) for ranking in (better, other))
        real = real_sources(second[0]) if second else ()
        change = change_between(second, first, sources=real)
        verdict, why = compared(change, f"{better}-wise", f"{other}-wise")
        text = f"{better}-wise is better at {at:.2%}, {words}"
        number = f"AJI {change} against {other}-wise"
        if verdict == MISSING:
            number = "none"
            kept = mean_score(first, sources=real)
            if kept > 0 and mean_score(second, sources=real) == 0:
                verdict, why = HOLDS, f"{other}-wise, not one nucleus is left"
                number = f"AJI {kept:.3f} against 0"
        rows.append(Claim(PAPER_2, text, number, verdict, why))
    return rows


def _breaks_first(
    dense: Entry, own: Sequence[Entry], scale: Scale, words: str
) -> Claim:
    """Compare the largest sparsity of each result that loses at most 2 %."""
    text = f"final instances break before either branch, layer-wise, {words}"
    reach = {
        what: reach_of(dense, chosen(own, branch=branch, ranking="layer"), score, scale)
        for branch, score, _, what in _LOSSES
    }
    if any(value != value for value in reach.values()):
        why = "some sparsities below the first that loses 2 % were not run"
        return Claim(PAPER_2, text, "none", MISSING, why)
    number = "within 2 % up to: " + ", ".join(
        f"{what} {value:.2%}" if value else f"{what} nowhere"
        for what, value in reach.items()
    )
    *branches, final = reach.values()
    if final < min(branches):
        why = "the instances reach their limit at a lower sparsity than both branches"
        return Claim(PAPER_2, text, number, HOLDS, why)
    why = "a branch alone loses 2 % no later than the instances of the whole"
    return Claim(PAPER_2, text, number, FAILS, why)


def _steps(entries: Sequence[Entry], scale: Scale) -> Claim:
    """Compare steps with one cut that is trained for as long as they are together."""
    at = nearest(scale.weights, 0.8)
    same = {"branch": "both", "ranking": "layer", "recovery": "finetune", "seed": 0}
    once, steps = (
        chosen(entries, mode=mode, sparsity=at, **same)
        for mode in ("one-shot", "iterative")
    )
    real = real_sources(once[0]) if once else ()
    change = change_between(once, steps, sources=real)
    verdict, why = compared(change, "in steps", "at once")
    text = f"cutting in steps keeps more than one cut ({at:.0%}, layer-wise, one seed)"
    number = "none" if verdict == MISSING else f"AJI {change}"
    return Claim(OURS, text, number, verdict, why)


def reach_of(dense: Entry, own: Sequence[Entry], score: str, scale: Scale) -> float:
    """Return the largest sparsity up to which no more than 2 % is lost.

    Returns
    -------
    float
        0 when the lowest one loses more, nan when one that is needed was not run.
    """
    reached = 0.0
    for sparsity in sorted(scale.weights):
        change = change_of(dense, chosen(own, sparsity=sparsity), score)
        if change.value != change.value:
            return float("nan")
        if change.value < -ALLOWED:
            break
        reached = sparsity
    return reached
