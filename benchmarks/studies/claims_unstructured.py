"""The claims of study 2."""

from collections.abc import Sequence

from benchmarks.studies.scale import Scale
from benchmarks.studies.statistics import Entry, Interval, relative_change
from benchmarks.studies.verdicts import (
    ALLOWED,
    FAILS,
    HOLDS,
    OPEN,
    PAPER_2,
    Claim,
    chosen,
    nearest,
    settled,
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
    dense = chosen(entries, branch="dense")
    if not dense:
        return []
    rows: list[Claim] = []
    for recovery, words in (("finetune", "fine-tuned"), ("none", "not trained again")):
        own = chosen(entries, recovery=recovery)
        for branch, score, wanted, what in _LOSSES:
            at = nearest(scale.weights, wanted)
            change = change_of(
                dense[0],
                chosen(own, branch=branch, ranking="layer", sparsity=at),
                score,
            )
            verdict, why = within(change)
            text = f"under 2 % loss of {what} at {at:.2%}, layer-wise, {words}"
            rows.append(Claim(PAPER_2, text, str(change), verdict, why))
        rows += _rankings(dense[0], own, scale, words)
        rows.append(_breaks_first(dense[0], own, scale, words))
    return settled(rows, scale)


def change_of(dense: Entry, entries: Sequence[Entry], score: str) -> Interval:
    """Relative change, negative for the worse; errors are turned round."""
    change = relative_change(dense, entries, score)
    if score == "branch_mse":
        return Interval(-change.value, -change.high, -change.low)
    return change


def _rankings(
    dense: Entry, own: Sequence[Entry], scale: Scale, words: str
) -> list[Claim]:
    rows = []
    for wanted, better in ((0.5, "layer"), (0.95, "network")):
        at = nearest(scale.weights, wanted)
        found = {
            ranking: change_of(
                dense, chosen(own, branch="both", ranking=ranking, sparsity=at), "aji"
            )
            for ranking in ("layer", "network")
        }
        other = "network" if better == "layer" else "layer"
        first, second = found[better], found[other]
        verdict, why = OPEN, "the intervals overlap"
        if first.value != first.value or second.value != second.value:
            why = "no such points were measured"
        elif first.low > second.high:
            verdict, why = HOLDS, "the intervals are apart"
        elif first.high < second.low:
            verdict, why = FAILS, f"{other}-wise keeps more"
        text = f"{better}-wise is better at {at:.2%}, {words}"
        number = f"AJI layer-wise {found['layer']}, network-wise {found['network']}"
        rows.append(Claim(PAPER_2, text, number, verdict, why))
    return rows


def _breaks_first(
    dense: Entry, own: Sequence[Entry], scale: Scale, words: str
) -> Claim:
    """Compare the largest sparsity of each result that loses at most 2 %."""
    reach = {
        what: _reach(dense, chosen(own, branch=branch, ranking="layer"), score, scale)
        for branch, score, _, what in _LOSSES
    }
    final = reach["final instances (AJI)"]
    branches = [value for what, value in reach.items() if not what.startswith("final")]
    number = ", ".join(f"{what} {value:.2%}" for what, value in reach.items())
    text = f"final instances break before either branch, layer-wise, {words}"
    if not own:
        return Claim(PAPER_2, text, "none", OPEN, "no such points were measured")
    if final < min(branches):
        return Claim(PAPER_2, text, number, HOLDS, "largest sparsity within 2 %")
    why = "a branch alone loses 2 % no later than the instances of the whole"
    return Claim(PAPER_2, text, number, FAILS, why)


def _reach(dense: Entry, own: Sequence[Entry], score: str, scale: Scale) -> float:
    reached = 0.0
    for sparsity in sorted(scale.weights):
        change = change_of(dense, chosen(own, sparsity=sparsity), score)
        if not change.value >= -ALLOWED:
            break
        reached = sparsity
    return reached
