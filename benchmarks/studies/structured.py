"""Study 1: whole channels, by heuristic, at once or in steps, with each recovery.

Adnan et al. 2024 (arXiv 2404.08831). To read this file, start from `Structured.run`.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.studies.log import Point
from benchmarks.studies.measure import Found, damage, measure
from benchmarks.studies.networks import network, slimmed, sources_of
from benchmarks.studies.recovery import recover, recover_longer
from benchmarks.studies.scale import Scale
from benchmarks.studies.structured_points import structured_points
from benchmarks.studies.tiles import Tiles
from benchmarks.studies.verdicts import TRAINED
from benchmarks.training.iterative import prune_and_recover
from core.benchmark import PrunableModel, calibration_inputs
from core.benchmark.model import to_inference_layout
from core.latency import LatencyProcess
from core.models import LoadedModel
from core.pruning import PruningPlan, Schedule
from core.types import PruneRequest, Recovery

_OPEN = 2  # prepared networks: as it is, and slimmed
# Scores that are sizes of weights. After a cut, repair and training make weights larger
# where inputs are missing; ranked over the whole network, the next cuts then go to
# the layers that lost nothing yet (L2 at 70 %: AJI 0.34, within each layer 0.60).
_SIZES = ("l1", "l2", "bn_scale")
_REPAIRS: dict[str, Recovery] = {
    "none": "none",
    "refit": "refit",
    "sequential": "sequential",
    "finetune": "refit",
    "longer": "sequential",
}


class Structured:
    """Runs the points of study 1.

    Parameters
    ----------
    tiles
        To learn from and to score.
    scale
        How much.
    cache
        Where trained networks are kept.
    """

    name = "structured"

    def __init__(self, tiles: Tiles, scale: Scale, cache: Path) -> None:
        self._tiles, self._scale, self._cache = tiles, scale, cache
        self._models: dict[str, LoadedModel] = {}
        self._dense: dict[str, Found] = {}
        self._prunable: dict[object, PrunableModel] = {}
        self._process: LatencyProcess | None = None
        self._timed: dict[tuple[object, ...], dict[str, Any] | None] = {}

    def session(self) -> AbstractContextManager[Any]:
        """Return what must be open while points run: the measuring process."""
        if self._scale.timing is None:
            return nullcontext()
        self._process = LatencyProcess()
        return self._process

    def points(self) -> Iterator[Point]:
        """Yield all points, those that every claim needs first."""
        return structured_points(self._scale)

    def run(self, point: Point) -> dict[str, Any]:
        """Prune, recover, and score one point.

        Parameters
        ----------
        point
            From `points`.
        """
        start = time.monotonic()
        name = point["network"]
        model = self._model(name)
        self._find_dense(name, model)
        if point["heuristic"] == "dense":
            return self._whole(model, point)
        started = self._start(point)
        prunable = self._prepared(started, point)
        module, plan = self._pruned(started, prunable, point)
        spent = time.monotonic() - start
        result, found = measure(module, model, self._tiles.test)
        dense, left = prunable.counts, prunable.sizes(plan)
        return {
            "params": 1 - left.params / dense.params,
            "macs": 1 - left.macs / dense.macs,
            **result,
            "damage": damage(self._dense[name], found),
            "latency": self._latency(model, module, point),
            "recovery_seconds": spent,
            "seconds": time.monotonic() - start,
        }

    def _whole(self, model: LoadedModel, point: Point) -> dict[str, Any]:
        """Score a network that is not cut, as it is or trained further."""
        start, module = time.monotonic(), model.module
        if point["recovery"] == "finetune":
            module = to_inference_layout(self._recover(module, point).module)
        spent = time.monotonic() - start
        result, _ = measure(module, model, self._tiles.test)
        seconds = {"recovery_seconds": spent, "seconds": time.monotonic() - start}
        return {"params": 0.0, "macs": 0.0, **result, **seconds}

    def _model(self, name: str) -> LoadedModel:
        if name not in self._models:
            model = network(name, self._tiles, self._scale, self._cache)
            to_inference_layout(model.module)
            self._models[name] = model
        return self._models[name]

    def _find_dense(self, name: str, model: LoadedModel) -> None:
        if name not in self._dense:
            self._dense[name] = measure(model.module, model, self._tiles.test)[1]

    def _start(self, point: Point) -> LoadedModel:
        """Return the network that is cut: slimming trains it first."""
        name = point["network"]
        model = self._model(name)
        if point["heuristic"] != "slimming":
            return model
        key = f"{name} slimmed"
        if key not in self._models:
            args = (model, name, self._tiles, self._scale, self._cache)
            self._models[key] = slimmed(*args)
            to_inference_layout(self._models[key].module)
        return self._models[key]

    def _prepared(self, model: LoadedModel, point: Point) -> PrunableModel:
        key = (point["network"], point["heuristic"] == "slimming", point["seed"])
        if key not in self._prunable:
            if len(self._prunable) == _OPEN:
                self._prunable.pop(next(iter(self._prunable)))
            inputs = self._inputs(model, point)
            self._prunable[key] = PrunableModel(model, inputs[0], inputs)
        return self._prunable[key]

    def _inputs(self, model: LoadedModel, point: Point) -> tuple[torch.Tensor, ...]:
        sources = sources_of(point["network"])
        calibration = self._tiles.calibration(sources, point["seed"])
        return calibration_inputs(model, calibration, len(calibration))

    def _pruned(
        self, model: LoadedModel, prunable: PrunableModel, point: Point
    ) -> tuple[nn.Module, PruningPlan]:
        heuristic = point["heuristic"].replace("slimming", "bn_scale")
        if point["mode"] == "iterative":
            return self._in_steps(model, heuristic, point)
        request = PruneRequest(
            heuristic,
            point["sparsity"],
            count=point.get("count", "params"),
            recovery=_REPAIRS[point["recovery"]],
            seed=point["seed"],
        )
        plan = prunable.plan(request)
        module = to_inference_layout(prunable.build(request, plan))
        if point["recovery"] in TRAINED:
            module = to_inference_layout(self._recover(module, point).module)
        return module, plan

    def _in_steps(
        self, model: LoadedModel, heuristic: str, point: Point
    ) -> tuple[nn.Module, PruningPlan]:
        cuts = self._scale.cuts
        request = {
            "heuristic": heuristic,
            "sparsity": point["sparsity"],
            "seed": point["seed"],
            "scope": "layer" if heuristic in _SIZES else "network",
        }
        found = prune_and_recover(
            model.module,
            self._inputs(model, point),
            request,
            lambda cut, _: self._recover(cut, point, 1 / cuts).module,
            Schedule(cuts),
        )
        return to_inference_layout(found.module), found.plan

    def _recover(self, module: nn.Module, point: Point, share: float = 1.0) -> Any:
        name = point["network"]
        model = self._model(name)
        args = (module, model, name, self._tiles, self._scale, point["seed"])
        if point["recovery"] == "longer":
            return recover_longer(*args)
        return recover(*args, share=share)

    def _latency(
        self, model: LoadedModel, module: nn.Module, point: Point
    ) -> dict[str, Any] | None:
        """Time a shape once: the first seed, and not again for each repair."""
        if point["seed"] or point["recovery"] == "none":
            return None
        shape = tuple(
            point.get(key)
            for key in ("network", "heuristic", "mode", "sparsity", "count")
        )
        if shape not in self._timed:
            self._timed[shape] = self._compare(model, module)
        return self._timed[shape]

    def _compare(self, model: LoadedModel, module: nn.Module) -> dict[str, Any] | None:
        timing = self._scale.timing
        if timing is None or self._process is None:
            return None
        side = min(model.spec.window[0], self._scale.side or 512)
        side = model.spec.window[0] if model.spec.reader == "hv" else side
        example = torch.zeros(1, 3, side, side)
        found = self._process.compare(model.module, module, example, settings=timing)
        return {
            "dense": found.dense.median,
            "pruned": found.pruned.median,
            "speedup": found.speedup,
            "interval": list(found.interval),
        }
