"""Which points study 1 runs, and in which order.

The whole product of its axes would train for days. Free points are run for every
heuristic and sparsity. Trainings are run where a claim rests on them: for every
heuristic at 70 and 90 %, for the first network along the whole curve, and for
further seeds with the three heuristics that the claims compare.
"""

from collections.abc import Iterator
from itertools import product

from benchmarks.studies.log import Point
from benchmarks.studies.scale import Scale
from benchmarks.studies.verdicts import nearest

_COMPARED = ("random", "l2", "reconstruction")
_UNTRAINED = ("bn_scale",)  # "slimming" is the same ranking, trained for it
_CLAIMED = (0.7, 0.9)


def structured_points(scale: Scale) -> Iterator[Point]:
    """Yield all points, those that most claims need first.

    Parameters
    ----------
    scale
        Sizes of the study.
    """
    for name in scale.networks:
        yield _point(name, "dense", "one-shot", "none", 0.0, 0)
        yield from _untrained(name, scale)
        yield from _first_seed(name, scale)
        yield from _further_seeds(name, scale)


def _untrained(name: str, scale: Scale) -> Iterator[Point]:
    for sparsity in sorted(scale.sparsities, key=lambda s: abs(s - 0.7)):
        for heuristic in scale.heuristics:
            for recovery in ("none", "refit"):
                yield _point(name, heuristic, "one-shot", recovery, sparsity, 0)


def _first_seed(name: str, scale: Scale) -> Iterator[Point]:
    claimed = _claimed(scale)
    first = name == scale.networks[0]
    trained = [h for h in scale.heuristics if h not in _UNTRAINED]
    for sparsity in claimed:
        for heuristic in trained if first else _compared(scale):
            yield from _trained(name, heuristic, sparsity, 0)
    for sparsity in scale.sparsities:
        if first and sparsity not in claimed:
            for heuristic in trained:
                yield _point(name, heuristic, "one-shot", "finetune", sparsity, 0)


def _further_seeds(name: str, scale: Scale) -> Iterator[Point]:
    for seed, sparsity in product(scale.seeds[1:], _claimed(scale)):
        for heuristic in _compared(scale):
            for recovery in ("none", "refit"):
                yield _point(name, heuristic, "one-shot", recovery, sparsity, seed)
            yield from _trained(name, heuristic, sparsity, seed)


def _claimed(scale: Scale) -> list[float]:
    return sorted({nearest(scale.sparsities, wanted) for wanted in _CLAIMED})


def _compared(scale: Scale) -> list[str]:
    return [h for h in scale.heuristics if h in _COMPARED]


def _trained(name: str, heuristic: str, sparsity: float, seed: int) -> Iterator[Point]:
    for mode in ("one-shot", "iterative"):
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
