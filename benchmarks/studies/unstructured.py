"""Study 2: single weights of a dual-decoder network, by branch and by ranking.

Mahbod et al. 2022 (arXiv 2206.07422). To read this file, start from
`Unstructured.run`.
"""

import copy
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from benchmarks.studies.log import Point
from benchmarks.studies.measure import Found, damage, measure
from benchmarks.studies.networks import network
from benchmarks.studies.recovery import recover
from benchmarks.studies.scale import MINIATURE, Scale
from benchmarks.studies.tiles import Tiles
from benchmarks.studies.unstructured_points import (
    BRANCHES,
    levels,
    unstructured_points,
)
from core.benchmark.model import to_inference_layout
from core.models import LoadedModel
from core.pruning import ChannelGraph, MaskPlan, apply_masks, make_masks, trace

_OUTPUT = ".head"
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
        return unstructured_points(self._network, self._scale)

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
        module, masks = self._cut(model, graph, point)
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
            module = self._recover(module, model, None, point["seed"], 1)
        spent = time.monotonic() - start
        result, found = measure(module, model, self._tiles.test)
        if point["recovery"] == "none":
            self._dense = found
        seconds = {"recovery_seconds": spent, "seconds": time.monotonic() - start}
        return {"weights": 0.0, **result, **seconds}

    def _opened(self) -> tuple[LoadedModel, ChannelGraph]:
        if self._model is None or self._graph is None:
            model = network(self._network, self._tiles, self._scale, self._cache)
            to_inference_layout(model.module)
            self._graph = trace(model.module, torch.zeros(1, 3, 64, 64))
            self._model = model
        return self._model, self._graph

    def _cut(
        self, model: LoadedModel, graph: ChannelGraph, point: Point
    ) -> tuple[nn.Module, MaskPlan]:
        """Set weights to zero at once or in steps, and perhaps train the others."""
        if point["mode"] == "iterative":
            return self._in_steps(model, graph, point)
        masks = self._masks(model.module, graph, point)
        module = apply_masks(model.module, masks).eval()
        if point["recovery"] == "finetune":
            # for as long as the steps that lead there are trained together
            count = len(levels(self._scale, point["sparsity"]))
            module = self._recover(module, model, masks, point["seed"], count)
        return module, masks

    def _in_steps(
        self, model: LoadedModel, graph: ChannelGraph, point: Point
    ) -> tuple[nn.Module, MaskPlan]:
        """Go on from the level below; what every level is left with is kept."""
        module = copy.deepcopy(model.module)
        masks = MaskPlan({}, sum(p.numel() for p in module.parameters()))
        for level in levels(self._scale, point["sparsity"]):
            step = {**point, "sparsity": level}
            masks = self._masks(module, graph, step)
            module = apply_masks(module, masks).eval()
            path = self._kept(step)
            if path.is_file():
                module.load_state_dict(load_file(path))
                # the level was cut from the same weights, so these are its masks
                continue
            module = self._recover(module, model, masks, point["seed"], 1)
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            state = module.state_dict()
            save_file({name: each.contiguous() for name, each in state.items()}, part)
            part.replace(path)
        return module, masks

    def _kept(self, point: Point) -> Path:
        names = ("network", "branch", "ranking", "sparsity", "seed")
        words = "-".join(str(point[name]) for name in names)
        return self._cache / f"steps-{self._scale.name}" / f"{words}.safetensors"

    def _masks(self, module: nn.Module, graph: ChannelGraph, point: Point) -> MaskPlan:
        parts = BRANCHES[point["branch"]]
        return branch_masks(module, graph, parts, point["ranking"], point["sparsity"])

    def _recover(
        self,
        module: nn.Module,
        model: LoadedModel,
        masks: MaskPlan | None,
        seed: int,
        times: int,
    ) -> nn.Module:
        args = (module, model, self._network, self._tiles, self._scale, seed)
        return to_inference_layout(recover(*args, share=times, masks=masks).module)


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
        Share of the branch's weights, biases left out. Layer by layer the output
        layers keep theirs: of 16 weights one would be left to draw the whole map.
    """
    params = sum(p.numel() for p in module.parameters())
    sizes = {
        layer.name: module.get_parameter(layer.weight).numel()
        for layer in graph.producing_layers
        if layer.weight is not None and layer.name.startswith(parts)
    }
    if ranking == "network":
        return _ranked_together(module, graph, parts, sum(sizes.values()), sparsity)
    masks = MaskPlan({}, params)
    for name, size in sizes.items():
        if name.endswith(_OUTPUT):
            continue
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
