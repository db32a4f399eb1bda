"""A claim, our number, and what follows: the rules all verdicts share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.studies.log import Point
from benchmarks.studies.scale import Scale
from benchmarks.studies.statistics import Entry, Interval, relative_change
from benchmarks.studies.tiles import SYNTHETIC

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be tested here"
MISSING = "not measured"  # its points were not run, or not yet
ALLOWED = 0.02  # relative loss that counts as negligible
PAPER_1 = "Adnan et al. 2024, arXiv 2404.08831"
PAPER_2 = "Mahbod et al. 2022, arXiv 2206.07422"
OURS = "this project"
TRAINED = ("finetune", "longer")  # recoveries with gradients


@dataclass(frozen=True, slots=True)
class Claim:
    """One row of the table of verdicts.

    Parameters
    ----------
    paper, claim
        Who says what.
    number
        Ours, with its interval.
    verdict
        `HOLDS`, `FAILS`, `OPEN` or `MISSING`.
    why
        Half a sentence.
    searches
        Whether it asks for any point of its network that will do: that there is none
        can only be said when all of them were run.
    """

    paper: str
    claim: str
    number: str
    verdict: str
    why: str
    searches: bool = False


def within(change: Interval, allowed: float = ALLOWED) -> tuple[str, str]:
    """Judge whether a loss is at most what is allowed.

    Parameters
    ----------
    change
        Relative, negative for a loss.
    allowed
        Largest relative loss.

    Returns
    -------
    verdict, why
        Decided only when the whole interval is on one side.
    """
    if change.value != change.value:
        return MISSING, "none of its points was run"
    if change.low >= -allowed:
        return HOLDS, f"the whole interval loses at most {allowed:.0%}"
    if change.high < -allowed:
        return FAILS, f"the whole interval loses more than {allowed:.0%}"
    return OPEN, (
        f"the interval spans the limit of {allowed:.0%}: too few test tiles to tell"
    )


def compared(change: Interval, better: str, worse: str) -> tuple[str, str]:
    """Judge whether one recipe keeps more than another.

    Parameters
    ----------
    change
        From `worse` to `better`, on the same tiles (`change_between`).
    better, worse
        Their names: the first is claimed to keep more.
    """
    if change.value != change.value:
        return MISSING, "one side of the comparison was not run"
    number = f"{better} against {worse}, tile by tile: {change}"
    if change.low > 0:
        return HOLDS, number
    if change.high < 0:
        return FAILS, number
    return OPEN, f"{number}, which spans no difference"


def beside_control(
    why: str, control: Entry | None, found: Sequence[Entry], score: str = "aji"
) -> str:
    """Add to a reason what is lost against a dense network that was trained on, too.

    Parameters
    ----------
    why
        Of a claim about networks that were trained after the cut.
    control
        The dense network after as much training as they got, if it was run.
    found
        Entries of the recipe.
    score
        Name of the score; changes of errors are turned round.
    """
    if control is None or not found:
        return why
    change = relative_change(control, found, score, real_sources(control))
    if score == "branch_mse":
        change = Interval(-change.value, -change.high, -change.low)
    return f"{why}; against the dense network trained further, too: {change}"


def with_seeds(why: str, found: Sequence[Entry], planned: int) -> str:
    """Add to a reason that seeds are missing, where some are."""
    if not found or len(found) >= planned:
        return why
    return f"{why}; {len(found)} of {planned} seeds were run"


def settled(claims: Sequence[Claim], scale: Scale) -> list[Claim]:
    """Return the claims as a run of this size may publish them."""
    if scale.decides:
        return list(claims)
    why = f"a {scale.name} run: it shows that the study runs and judges nothing"
    return [
        claim if claim.verdict == MISSING else replace(claim, verdict=OPEN, why=why)
        for claim in claims
    ]


def chosen(entries: Sequence[Entry], **fields: object) -> list[Entry]:
    """Entries with these fields; numbers within a thousandth."""
    return [e for e in entries if all(_same(e.get(k), v) for k, v in fields.items())]


def dense_of(entries: Sequence[Entry], recovery: str = "none") -> Entry | None:
    """Return the entry of a network that lost nothing, if it is there.

    Parameters
    ----------
    entries
        Of one network, from either study.
    recovery
        ``"none"`` for the network as it is, ``"finetune"`` for the same network after
        as much training as all others got.
    """
    for entry in chosen(entries, recovery=recovery):
        if "dense" in (entry.get("heuristic"), entry.get("branch")):
            return entry
    return None


def real_sources(dense: Entry) -> tuple[str, ...]:
    """Sources of real tissue: synthetic tiles decide no claim about it."""
    return tuple(source for source in dense["tiles"] if source != SYNTHETIC)


def run_of(planned: Sequence[Entry], entries: Sequence[Entry]) -> list[Entry]:
    """Return the planned points that were run; a log may hold others, too."""
    return [point for point in planned if chosen(entries, **point)]


def _same(value: object, wanted: object) -> bool:
    if isinstance(value, float | int) and isinstance(wanted, float):
        return abs(value - wanted) < 1e-3
    return value == wanted


def recipes(entries: Sequence[Entry], keys: Sequence[str]) -> dict[str, list[Entry]]:
    """Group the entries of seeds: what is left is one recipe each."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(", ".join(str(entry[k]) for k in keys), []).append(entry)
    return groups


def best_of(
    dense: Entry,
    groups: dict[str, list[Entry]],
    score: str = "aji",
    sources: Sequence[str] = (),
) -> tuple[str, Interval]:
    """Return the recipe that loses least; empty when there is none."""
    found = {
        name: relative_change(dense, entries, score, sources)
        for name, entries in groups.items()
    }
    usable = {name: each for name, each in found.items() if each.value == each.value}
    if not usable:
        return "", Interval(float("nan"), float("nan"), float("nan"))
    name = max(usable, key=lambda n: usable[n].value)
    return name, usable[name]


def nearest(values: Sequence[float], wanted: float) -> float:
    """Return the sparsity of a study that is nearest to that of a claim."""
    return min(values, key=lambda value: abs(value - wanted))


_WORDS = {
    "one-shot, none": "one cut, nothing repaired",
    "one-shot, refit": "one cut, refitted",
    "one-shot, sequential": "one cut, refitted in sequence",
    "one-shot, finetune": "one cut, fine-tuned",
    "one-shot, longer": "one cut by multiplications, fine-tuned longer",
    "iterative, finetune": "cut in steps, fine-tuned",
    "l1": "L1 norm",
    "l2": "L2 norm",
    "bn_scale": "batch-norm scale",
}


def spoken(recipe: str) -> str:
    """Return a recipe in words: ``l2, one-shot, refit, 0.9``."""
    parts = recipe.split(", ")
    words = [_WORDS.get(parts[0], parts[0])]
    if len(parts) > 2:
        how = ", ".join(parts[1:3])
        words.append(_WORDS.get(how, how))
    words += [f"{float(part):.0%}" for part in parts[3:]]
    return ", ".join(words)


def label(point: Point) -> str:
    """A point in words, for progress."""
    return ", ".join(
        f"{v:.1%}" if isinstance(v, float) else str(v) for v in point.values()
    )
