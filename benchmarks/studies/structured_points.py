"""Which points study 1 runs, and in which order.

The whole product of its axes would train for days. Free points are run for every
heuristic and sparsity. Trainings are run where a claim rests on them: at 70 and 90 %,
for the first network with every heuristic, and at the end of the curve and for further
seeds with the heuristics that the claims compare. One point of the first network aims
at speed: it removes multiplications instead of parameters, and is trained for as long
as the claim about speed allows. The dense network is trained for as long as all others
are: what that alone gains is no merit of pruning.
"""

from collections.abc import Iterator, Sequence
from itertools import product

from benchmarks.studies.log import Point
from benchmarks.studies.scale import Scale
from benchmarks.studies.verdicts import nearest

_COMPARED = ("random", "l2", "reconstruction")
_TRAINED_AGAIN = ("l2", "reconstruction")
_UNTRAINED = ("bn_scale",)  # "slimming" is the same ranking, trained for it
_CLAIMED = (0.7, 0.9)
_BEST = "reconstruction"
DEEP = ("hovernet-narrow",)  # repair in sequence and training take minutes a point


def structured_points(scale: Scale) -> Iterator[Point]:
    """Yield all points, those that most claims need first.

    Parameters
    ----------
    scale
        Sizes of the study.
    """
    for name in scale.networks:
        yield _point(name, "dense", "one-shot", "none", 0.0, 0)
        claimed = _claimed(scale)
        yield from _untrained(name, scale, claimed)
        yield _point(name, "dense", "one-shot", "finetune", 0.0, 0)
        yield from _fast(name, scale)
        yield from _at_claims(name, scale)
        yield from _further_seeds(name, scale)
        rest = [each for each in scale.sparsities if each not in claimed]
        rest = [rest[0], rest[-1]] if rest and name in DEEP else rest
        yield from _untrained(name, scale, rest)
        yield from _end_of_curve(name, scale)


def _untrained(name: str, scale: Scale, sparsities: Sequence[float]) -> Iterator[Point]:
    first, claimed = name == scale.networks[0], _claimed(scale)
    for sparsity in sparsities:
        for heuristic in scale.heuristics:
            bare = first or sparsity in claimed
            for recovery in _repairs(name, heuristic, bare=bare):
                yield _point(name, heuristic, "one-shot", recovery, sparsity, 0)


def _at_claims(name: str, scale: Scale) -> Iterator[Point]:
    chosen = _compared(scale)
    if name == scale.networks[0]:
        chosen = [h for h in scale.heuristics if h not in _UNTRAINED]
    elif name in DEEP:
        chosen = [h for h in scale.heuristics if h in _TRAINED_AGAIN]
    for sparsity in _claimed(scale):
        for heuristic in chosen:
            both = name not in DEEP or heuristic != _BEST
            yield from _trained(name, heuristic, sparsity, 0, in_steps=both)


def _end_of_curve(name: str, scale: Scale) -> Iterator[Point]:
    most = max(scale.sparsities)
    if name == scale.networks[0] and most not in _claimed(scale):
        for heuristic in _compared(scale):
            yield _point(name, heuristic, "one-shot", "finetune", most, 0)


def _fast(name: str, scale: Scale) -> Iterator[Point]:
    if name != scale.networks[0]:
        return
    for share in scale.fast:  # one seed: each takes ten minutes
        point = _point(name, _BEST, "one-shot", "longer", share, 0)
        yield {**point, "count": "macs"}


def _further_seeds(name: str, scale: Scale) -> Iterator[Point]:
    first = name == scale.networks[0]
    seeds = scale.seeds[1:2] if name in DEEP else scale.seeds[1:]
    for seed, sparsity in product(seeds, _claimed(scale)):
        for heuristic in _compared(scale):
            for recovery in _repairs(name, heuristic, bare=first):
                yield _point(name, heuristic, "one-shot", recovery, sparsity, seed)
            if first and heuristic in _TRAINED_AGAIN:
                yield from _trained(name, heuristic, sparsity, seed)


def _repairs(name: str, heuristic: str, *, bare: bool) -> Sequence[str]:
    """Return what is done without training; the slow one only for the best heuristic.

    Parameters
    ----------
    name, heuristic
        Of the points.
    bare
        Whether the cut alone is scored, too.
    """
    pays = heuristic == _BEST and name not in DEEP
    slow = ("sequential",) if pays else ()
    return (*(("none",) if bare else ()), "refit", *slow)


def _claimed(scale: Scale) -> list[float]:
    return sorted({nearest(scale.sparsities, wanted) for wanted in _CLAIMED})


def _compared(scale: Scale) -> list[str]:
    return [h for h in scale.heuristics if h in _COMPARED]


def _trained(
    name: str, heuristic: str, sparsity: float, seed: int, *, in_steps: bool = True
) -> Iterator[Point]:
    for mode in ("one-shot", "iterative") if in_steps else ("one-shot",):
        yield _point(name, heuristic, mode, "finetune", sparsity, seed)


def _point(
    network: str, heuristic: str, mode: str, recovery: str, sparsity: float, seed: int
) -> Point:
    return {
        "network": network,
        "heuristic": heuristic,
        "mode": mode,
        "recovery": recovery,
        "sparsity": sparsity,
        "seed": seed,
    }
