"""Study 2: single weights of a dual-decoder network, by branch and by ranking.

Mahbod et al. 2022 (arXiv 2206.07422). To read this file, start from
`Unstructured.run`.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.studies.log import Point
from benchmarks.studies.measure import Found, damage, measure
from benchmarks.studies.networks import network
from benchmarks.studies.recovery import recover
from benchmarks.studies.scale import MINIATURE, Scale
from benchmarks.studies.tiles import Tiles
from core.benchmark.model import tidy
from core.models import LoadedModel
from core.pruning import ChannelGraph, MaskPlan, apply_masks, make_masks, trace

BRANCHES = {
    "segmentation": ("decoder.np",),
    "distance": ("decoder.dist",),
    "both": ("encoder", "decoder.np", "decoder.dist"),
}
BRANCHES_CLAIMED = {
    "both": (0.5, 0.8, 0.95),
    "segmentation": (0.9375,),
    "distance": (0.95,),
}
RANKINGS = ("layer", "network")
_MOST = 0.995  # of a branch's weights


class Unstructured:
    """Runs the points of study 2.

    Parameters
    ----------
    tiles
        To learn from and to score.
    scale
        How much.
    cache
        Where trained networks are kept.
    """

    name = "unstructured"

    def __init__(self, tiles: Tiles, scale: Scale, cache: Path) -> None:
        self._tiles, self._scale, self._cache = tiles, scale, cache
        self._network = "dual-mini" if scale == MINIATURE else "dual-decoder"
        self._model: LoadedModel | None = None
        self._graph: ChannelGraph | None = None
        self._dense: Found = {}

    def session(self) -> AbstractContextManager[Any]:
        """Return what must be open while points run: nothing."""
        return nullcontext()

    def points(self) -> Iterator[Point]:
        """Yield all points, the training-free ones first: they do not vary."""
        yield self._point("dense", "layer", "none", 0.0, 0)
        for branch in BRANCHES:
            for ranking in RANKINGS:
                for sparsity in self._scale.weights:
                    yield self._point(branch, ranking, "none", sparsity, 0)
        yield self._point("dense", "layer", "finetune", 0.0, 0)  # what training gains
        for seed in self._scale.seeds:
            for branch, ranking in product(BRANCHES_CLAIMED, RANKINGS):
                for sparsity in self._scale.weights:
                    # training takes long: whole curves are drawn once, where a
                    # claim compares them, and seeds added where a claim rests on one
                    curve = not seed and (branch == "both" or ranking == "layer")
                    if curve or _claimed(branch, sparsity):
                        yield self._point(branch, ranking, "finetune", sparsity, seed)

    def _point(
        self, branch: str, ranking: str, recovery: str, sparsity: float, seed: int
    ) -> Point:
        return {
            "network": self._network,
            "branch": branch,
            "ranking": ranking,
            "recovery": recovery,
            "sparsity": sparsity,
            "seed": seed,
        }

    def run(self, point: Point) -> dict[str, Any]:
        """Set weights to zero, perhaps train the others, and score.

        Parameters
        ----------
        point
            From `points`.
        """
        start = time.monotonic()
        model, graph = self._opened()
        if point["branch"] == "dense":
            return self._whole(model, point)
        if not self._dense:
            self._dense = measure(model.module, model, self._tiles.test)[1]
        parts, ranking = BRANCHES[point["branch"]], point["ranking"]
        masks = branch_masks(model.module, graph, parts, ranking, point["sparsity"])
        module = apply_masks(model.module, masks).eval()
        if point["recovery"] == "finetune":
            module = self._recover(module, model, masks, point["seed"])
        spent = time.monotonic() - start
        result, found = measure(module, model, self._tiles.test)
        return {
            "weights": masks.sparsity,
            **result,
            "damage": damage(self._dense, found),
            "recovery_seconds": spent,
            "seconds": time.monotonic() - start,
        }

    def _whole(self, model: LoadedModel, point: Point) -> dict[str, Any]:
        """Score a network that keeps its weights, as it is or trained further."""
        start, module = time.monotonic(), model.module
        if point["recovery"] == "finetune":
            module = self._recover(module, model, None, point["seed"])
        spent = time.monotonic() - start
        result, found = measure(module, model, self._tiles.test)
        if point["recovery"] == "none":
            self._dense = found
        seconds = {"recovery_seconds": spent, "seconds": time.monotonic() - start}
        return {"weights": 0.0, **result, **seconds}

    def _opened(self) -> tuple[LoadedModel, ChannelGraph]:
        if self._model is None or self._graph is None:
            model = network(self._network, self._tiles, self._scale, self._cache)
            tidy(model.module)
            self._graph = trace(model.module, torch.zeros(1, 3, 64, 64))
            self._model = model
        return self._model, self._graph

    def _recover(
        self, module: nn.Module, model: LoadedModel, masks: MaskPlan | None, seed: int
    ) -> nn.Module:
        name, tiles, scale = self._network, self._tiles, self._scale
        trained = recover(module, model, name, tiles, scale, seed, masks=masks)
        return tidy(trained.module)


def _claimed(branch: str, sparsity: float) -> bool:
    return any(abs(sparsity - each) < 0.01 for each in BRANCHES_CLAIMED[branch])


def branch_masks(
    module: nn.Module,
    graph: ChannelGraph,
    parts: tuple[str, ...],
    ranking: str,
    sparsity: float,
) -> MaskPlan:
    """Decide which weights of a branch go.

    Parameters
    ----------
    module, graph
        The network and its trace.
    parts
        Prefixes of the branch's layers.
    ranking
        ``"layer"`` (the same share of every layer) or ``"network"`` (one ranking
        over the whole branch).
    sparsity
        Share of the branch's weights, biases left out.
    """
    params = sum(p.numel() for p in module.parameters())
    sizes = {
        layer.name: module.get_parameter(layer.weight).numel()
        for layer in graph.makers
        if layer.weight is not None and layer.name.startswith(parts)
    }
    if ranking == "network":
        return _ranked_together(module, graph, parts, sum(sizes.values()), sparsity)
    masks = MaskPlan({}, params)
    for name, size in sizes.items():
        share = min(sparsity, _MOST) * size / params
        masks = masks.then(make_masks(module, graph, "magnitude", share, scope=name))
    return masks


def _ranked_together(
    module: nn.Module,
    graph: ChannelGraph,
    parts: tuple[str, ...],
    size: int,
    sparsity: float,
) -> MaskPlan:
    params = sum(p.numel() for p in module.parameters())
    share = min(sparsity, _MOST) * size / params
    scope = parts[0] if len(parts) == 1 else "network"
    return make_masks(module, graph, "magnitude", share, scope=scope)
