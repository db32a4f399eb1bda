"""Which points study 2 runs, and in which order.

Points without training come first: they do not vary. Fine-tuned ones are cut in steps,
each level going on from the weights that the level below was left with, as iterative
magnitude pruning does: one cut to 90 % leaves a network without batch norm in which no
signal arrives, and a short training does not bring it back. One point shows that.
"""

from collections.abc import Iterator

from benchmarks.studies.log import Point
from benchmarks.studies.scale import Scale
from benchmarks.studies.verdicts import nearest

BRANCHES = {
    "segmentation": ("decoder.np",),
    "distance": ("decoder.dist",),
    "both": ("encoder", "decoder.np", "decoder.dist"),
}
RANKINGS = ("layer", "network")
# what further seeds are run for: the claims of each branch
_CLAIMED = {"both": 0.8, "segmentation": 0.9375, "distance": 0.95}
SEEDS = 2  # each is trained for half an hour
_AT_ONCE = 0.8


def unstructured_points(network: str, scale: Scale) -> Iterator[Point]:
    """Yield all points.

    Parameters
    ----------
    network
        Name of the network.
    scale
        Sizes of the study.
    """

    def point(
        branch: str, ranking: str, how: tuple[str, str], sparsity: float, seed: int = 0
    ) -> Point:
        return {
            "network": network,
            "branch": branch,
            "ranking": ranking,
            "mode": how[0],
            "recovery": how[1],
            "sparsity": sparsity,
            "seed": seed,
        }

    free, once, steps = (
        ("one-shot", "none"),
        ("one-shot", "finetune"),
        ("iterative", "finetune"),
    )
    yield point("dense", "layer", free, 0.0)
    for branch in BRANCHES:
        for ranking in RANKINGS:
            for sparsity in scale.weights:
                yield point(branch, ranking, free, sparsity)
    yield point("dense", "layer", once, 0.0)  # what training alone gains
    for branch, ranking in (*((b, "layer") for b in _CLAIMED), ("both", "network")):
        for sparsity in scale.weights:
            yield point(branch, ranking, steps, sparsity)
    yield point("both", "layer", once, nearest(scale.weights, _AT_ONCE))
    for seed in scale.seeds[1:SEEDS]:
        for branch, claimed in _CLAIMED.items():
            at = nearest(scale.weights, claimed)
            yield point(branch, "layer", steps, at, seed)


def levels(scale: Scale, sparsity: float) -> list[float]:
    """Return the sparsities of the steps up to one, that one included.

    Parameters
    ----------
    scale
        Sizes of the study.
    sparsity
        Of a point.
    """
    return sorted(each for each in scale.weights if each <= sparsity + 1e-6)
