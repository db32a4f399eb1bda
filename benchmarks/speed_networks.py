"""The networks of `benchmarks.speed`: what is worked out once, and ways to prune them.

Start with `Network`.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from benchmarks.training.split import DSB_HELD_OUT, TNBC_HELD_OUT
from core.benchmark import calibration_inputs
from core.benchmark.model import to_inference_layout
from core.metrics import score_instances
from core.models import LoadedModel
from core.nuclei import predict
from core.pruning import (
    ChannelGraph,
    PruningPlan,
    ScoringContext,
    Selector,
    Statistics,
    apply_plan,
    calibrate,
    make_plan,
    plan_of,
    recalibrate_batch_norm,
    refit_in_sequence,
    trace,
)
from core.pruning.scoring.heuristics.reconstruction import eliminate
from core.training import Callbacks, train
from core.training.data import Example, read_folder
from core.training.finetune import settings_for
from core.types import FineTune, Target, Tile

if TYPE_CHECKING:
    from core.pruning.scoring.heuristics.protocol import Weighing

WAYS: "tuple[Weighing, ...]" = ("positions", "outputs", "gradients")
_CROP = 512  # of larger tiles


@dataclass
class Network:
    """One network with all that is worked out once.

    Parameters
    ----------
    name
        On the page.
    model
        Dense.
    folder
        With `dsb2018_stained`, `tnbc_naylor` and `consep`.
    limit
        Tiles that are scored, spread evenly; 0 for all.
    minutes
        Of training, where a method trains.
    """

    name: str
    model: LoadedModel
    folder: Path
    limit: int = 0
    minutes: float = 9.0

    @cached_property
    def module(self) -> nn.Module:
        """The dense module."""
        return to_inference_layout(self.model.module)

    @cached_property
    def inputs(self) -> tuple[Tensor, ...]:
        """Sixteen calibration tiles that training saw; labels are not looked at."""
        tiles = [Tile(self._shown(e)) for e in self._seen()]
        return calibration_inputs(self.model, tiles, len(tiles))

    @cached_property
    def inverted(self) -> bool:
        """Whether it sees brightness inverted: some know fluorescence only.

        Decided by the dense network on four of the calibration tiles.
        """
        few = self._seen()[::4]
        found = [
            np.nanmean([_aji(self.model, e, inverted=way) for e in few])
            for way in (False, True)
        ]
        return bool(found[1] > found[0])

    def _seen(self) -> list[Example]:
        seen = _real(self.folder, held_out=False)
        return [*seen[::5][:12], *seen[-4:]]

    def _shown(self, example: Example) -> NDArray[Any]:
        return _inverted(example.pixels) if self.inverted else example.pixels

    @cached_property
    def graph(self) -> ChannelGraph:
        """Its trace, at 256 pixels."""
        return trace(self.module, self.inputs[0])

    @cached_property
    def statistics(self) -> Statistics:
        """Of the calibration tiles."""
        return calibrate(self.module, self.graph, self.inputs)

    @cached_property
    def tiles(self) -> list[Example]:
        """Tiles that no training saw, DSB 2018, TNBC and CoNSeP's test part."""
        consep = read_folder(self.folder / "consep" / "test")
        found = [*_real(self.folder, held_out=True), *map(_cropped, consep)]
        if not 0 < self.limit < len(found):
            return found
        places = np.linspace(0, len(found) - 1, self.limit).round().astype(int)
        return [found[place] for place in places]

    def plan(
        self, heuristic: str, scope: str, count: Target, sparsity: float
    ) -> PruningPlan:
        """Make a plan; time is that of one thread at 256 pixels."""
        return make_plan(
            self.module,
            self.graph,
            heuristic,
            sparsity,
            scope=scope,
            count=count,
            statistics=self.statistics,
        )

    def repaired(self, plan: PruningPlan) -> nn.Module:
        """Cut, refit, repair in sequence."""
        cut = apply_plan(self.module, plan, statistics=self.statistics)
        batches = [(x,) for x in self.inputs]
        found = refit_in_sequence(
            self.module, to_inference_layout(cut), plan, self.graph, batches
        )
        return to_inference_layout(found)

    def trained(self, pruned: nn.Module) -> nn.Module:
        """Train a pruned module on labelled tiles and the dense outputs.

        None of the tiles that are scored is among them. The last weights count.
        """
        spec = self.model.spec
        options = FineTune(minutes=self.minutes, rate=3e-3, batch=4, crop=160)
        settings = replace(settings_for(spec, options), patience=0)
        data, teacher = _real(self.folder, held_out=False), self.module
        found = train(pruned, spec, data, settings, None, Callbacks(teacher=teacher))
        return to_inference_layout(found.module.eval())

    def peer(self, ratio: float) -> nn.Module:
        """Prune by Torch-Pruning's magnitude, network-wide, and recalibrate."""
        import torch_pruning as tp

        wrapped = _Outputs(copy.deepcopy(self.module))
        heads = {n for n in self.graph.reasons if "output" in self.graph.reasons[n]}
        kept = [m for n, m in wrapped.inner.named_modules() if n in heads]
        tp.pruner.MetaPruner(
            wrapped,
            self.inputs[0],
            importance=tp.importance.GroupMagnitudeImportance(p=2),
            global_pruning=True,
            pruning_ratio=ratio,
            round_to=8,
            ignored_layers=kept,
        ).step()
        recalibrate_batch_norm(wrapped.inner, [(x,) for x in self.inputs])
        return to_inference_layout(wrapped.inner)

    def ajis(self, module: nn.Module) -> list[float]:
        """Return the AJI of every held-out tile."""
        model = replace(self.model, module=module)
        return [_aji(model, e, inverted=self.inverted) for e in self.tiles]


class _Outputs(nn.Module):
    """A network with a tuple as output, which the peer can trace."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> tuple[Any, ...]:
        """Run the network."""
        return tuple(tree_leaves(self.inner(x)))


def _aji(model: LoadedModel, example: Example, *, inverted: bool) -> float:
    pixels = _inverted(example.pixels) if inverted else example.pixels
    return score_instances(example.labels, predict(model, Tile(pixels)).labels).aji


def _inverted(pixels: NDArray[Any]) -> NDArray[Any]:
    return np.iinfo(pixels.dtype).max - pixels


def _real(folder: Path, *, held_out: bool) -> list[Example]:
    held = {*DSB_HELD_OUT, *TNBC_HELD_OUT}
    found = [
        *read_folder(folder / "dsb2018_stained"),
        *read_folder(folder / "tnbc_naylor"),
    ]
    return [e for e in found if (e.name in held) == held_out]


def _cropped(example: Example) -> Example:
    """Take the middle of a large tile."""
    height, width = example.labels.shape
    top, left = max(height - _CROP, 0) // 2, max(width - _CROP, 0) // 2
    part = (slice(top, top + _CROP), slice(left, left + _CROP))
    return replace(
        example,
        pixels=np.ascontiguousarray(example.pixels[part]),
        labels=np.ascontiguousarray(example.labels[part]),
        classes=None,
    )


def distances(network: Network) -> Iterator[str]:
    """Yield lines of a table: how far outputs move by how errors are weighed."""
    held = [Tile(e.pixels) for e in _real(network.folder, held_out=True)]
    tiles = calibration_inputs(network.model, held, len(held))
    targets: tuple[tuple[Target, float], ...] = (
        ("macs", 0.5), ("macs", 0.65), ("macs", 0.8), ("macs", 0.88),
        ("params", 0.5), ("params", 0.75), ("params", 0.92), ("params", 0.96),
    )  # fmt: skip
    yield (
        "| weight of errors | "
        + " | ".join(f"{s:.0%} of {c}" for c, s in targets)
        + " |"
    )
    yield "| --- |" + " --- |" * len(targets)
    selector = Selector(network.graph)
    for way in WAYS:  # the first is what was used before errors were summed
        row = []
        for count, share in targets:
            assert count != "latency"
            ask = ScoringContext(
                network.module, network.graph, network.statistics, 0, count
            )
            alive = selector.select(eliminate(ask, way), share, "network", count)
            plan = plan_of(network.graph, alive, {})
            cut = apply_plan(network.module, plan, statistics=network.statistics)
            row.append(
                f"{_distance(network.module, to_inference_layout(cut), tiles):.4f}"
            )
        yield f"| {way} | " + " | ".join(row) + " |"


def _distance(dense: nn.Module, pruned: nn.Module, tiles: Sequence[Tensor]) -> float:
    total = 0.0
    with torch.inference_mode():
        for x in tiles:
            for a, b in zip(tree_leaves(pruned(x)), tree_leaves(dense(x)), strict=True):
                spread = float(b.var(correction=0)) + 1e-12
                total += float((a - b).square().mean()) / spread
    return total / len(tiles)
