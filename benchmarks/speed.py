"""Accuracy over measured speed-up: methods x shares of time removed, as a table.

    python -m benchmarks.recipes train --data ../shared/data --out runs
    python -m benchmarks.speed run demo runs/residual-unet.safetensors \
        runs/dual-decoder.safetensors --data ../shared/data --out benchmarks/results
    python -m benchmarks.speed distances demo --data ../shared/data --out .

``run`` prunes each network without labels and without a gradient step, scores it on
tiles that no training saw, and times it beside the dense network, in turns, at 256 and
512 pixels with one and two threads. Every point is a line of ``speed.jsonl``; what is
there already is not done again. Then ``speed.md`` is written; ``report`` writes it
alone. Times mean something on a quiet machine only: ``--no-times`` leaves them out, and
a later run adds them. ``distances`` compares ways to weigh errors by how far the
outputs move, in seconds and without a clock.
"""

import argparse
import copy
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from benchmarks.speed_report import write_report
from benchmarks.training.split import DSB_HELD_OUT, TNBC_HELD_OUT
from core.benchmark import calibration_inputs
from core.benchmark.model import to_inference_layout
from core.cache import digest, processor_name
from core.errors import PruningError
from core.latency import LatencyProcess, TimingSettings
from core.metrics import score_instances
from core.models import LoadedModel, load_model
from core.nuclei import predict
from core.pruning import (
    ChannelGraph,
    Counter,
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
from core.pruning.applying.masked import living_atoms
from core.pruning.planning.timed_plans import fingerprint
from core.pruning.scoring.heuristics.reconstruction import eliminate
from core.training.data import Example, read_folder
from core.types import Target, Tile

if TYPE_CHECKING:
    from core.pruning.scoring.heuristics.protocol import Weighing

log = logging.getLogger(__name__)

SIDES, THREADS = (256, 512), (1, 2)
TIMED = TimingSettings(seconds=12.0, precision=0.02, confidence=0.95)
#: Heuristic, scope, what is counted, shares removed. All are refitted and then
#: repaired in sequence, and nothing else, so that they differ in what goes only.
METHODS: tuple[tuple[str, str, Target, tuple[float, ...]], ...] = (
    ("sensitivity", "network", "latency", (0.6, 0.7, 0.75, 0.8, 0.85)),
    ("sensitivity", "network", "params", (0.92,)),
    ("reconstruction", "network", "latency", (0.6, 0.7, 0.75, 0.8)),
    ("reconstruction", "network", "params", (0.92,)),
    ("reconstruction", "network", "macs", (0.65, 0.8)),
    ("l2", "layer", "latency", (0.5, 0.7, 0.8)),
    ("bn_scale", "layer", "latency", (0.5, 0.7, 0.8)),
    ("random", "layer", "latency", (0.5, 0.7, 0.8)),
)
PEER, PEER_RATIOS = "torch-pruning magnitude", (0.3, 0.5, 0.7)
WAYS: "tuple[Weighing, ...]" = ("positions", "outputs", "gradients")
_CROP = 512  # of larger tiles


@dataclass
class Network:
    """One network with all that is worked out once."""

    name: str
    model: LoadedModel
    folder: Path

    @cached_property
    def module(self) -> nn.Module:
        """The dense module."""
        return to_inference_layout(self.model.module)

    @cached_property
    def inputs(self) -> tuple[Tensor, ...]:
        """Sixteen calibration tiles that training saw; labels are not looked at."""
        seen = _real(self.folder, held_out=False)
        tiles = [Tile(e.pixels) for e in [*seen[::5][:12], *seen[-4:]]]
        return calibration_inputs(self.model, tiles, len(tiles))

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
        return [*_real(self.folder, held_out=True), *map(_cropped, consep)]

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
        return [
            score_instances(e.labels, predict(model, Tile(e.pixels)).labels).aji
            for e in self.tiles
        ]


class _Outputs(nn.Module):
    """A network with a tuple as output, which the peer can trace."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> tuple[Any, ...]:
        """Run the network."""
        return tuple(tree_leaves(self.inner(x)))


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


def points() -> Iterator[tuple[str, str, str, float]]:
    """Yield method, scope, count and share; the dense network first."""
    yield "dense", "", "", 0.0
    for heuristic, scope, count, shares in METHODS:
        for share in shares:
            yield heuristic, scope, count, share
    for ratio in PEER_RATIOS:
        yield PEER, "network", "channels", ratio


class Log:
    """Points on disk, one JSON object a line; the last one of a key counts.

    Parameters
    ----------
    path
        Of the file; made when first written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: dict[str, dict[str, Any]] = {}
        if path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    row = json.loads(line)
                    self.rows[row["key"]] = row
                except (ValueError, LookupError, TypeError):
                    continue  # the line that a killed run was writing

    def write(self, row: dict[str, Any]) -> None:
        """Add or replace a point."""
        self.rows[row["key"]] = row
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def run(network: Network, book: Log, *, times: bool) -> None:
    """Do what is missing of one network."""
    weights = fingerprint(network.module)
    with LatencyProcess() as process:
        for method, scope, count, share in points():
            key = digest(
                network.name, weights, processor_name(), method, scope, count, share
            )
            row = book.rows.get(key)
            enough = not times or method == "dense"
            if row is not None and (enough or "failed" in row or "times" in row):
                continue
            base = {
                **{"key": key, "network": network.name, "method": method},
                **{"scope": scope, "count": count, "share": share},
                **{"machine": processor_name(), "torch": torch.__version__},
            }
            try:
                module, facts = _pruned(network, method, scope, count, share)
            except (PruningError, ImportError) as error:
                book.write({**base, "failed": str(error)})
                log.info("%s %s %s: %s", network.name, method, share, error)
                continue
            row = {**base, **facts}
            before = book.rows.get(key, {})
            row["aji"] = before.get("aji") or network.ajis(module)
            if times and method != "dense":
                row["times"] = _times(network, module, process)
            book.write(row)
            log.info("%s %s %s %s: AJI %.3f %s", network.name, method, count, share,
                     np.nanmean(row["aji"]), row.get("times", ""))  # fmt: skip


def _pruned(
    network: Network, method: str, scope: str, count: Any, share: float
) -> tuple[nn.Module, dict[str, Any]]:
    """Return a pruned module and what is left of the network."""
    if method == "dense":
        return network.module, {"params": 1.0, "macs": 1.0}
    if method == PEER:
        module = network.peer(share)
        sizes = [
            sum(p.numel() for p in m.parameters()) for m in (module, network.module)
        ]
        return module, {"params": sizes[0] / sizes[1], "macs": None}
    plan = network.plan(method, scope, count, share)
    alive = living_atoms(network.graph, plan)
    counter = Counter(network.graph)
    left, dense = counter.counts(alive), counter.dense
    facts = {"params": left.params / dense.params, "macs": left.macs / dense.macs,
             "predicted": plan.request.get("predicted_ms"),
             "predicted_dense": plan.request.get("predicted_dense_ms")}  # fmt: skip
    return network.repaired(plan), facts


def _times(
    network: Network, module: nn.Module, process: LatencyProcess
) -> dict[str, list[float]]:
    """Return speed-up and its interval by side and threads."""
    found = {}
    for side in SIDES:
        x = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
        for threads in THREADS:
            settings = replace(TIMED, threads=threads)
            c = process.compare(network.module, module, x, settings=settings)
            found[f"{side}/{threads}"] = [
                c.speedup, *c.interval, c.dense.median, c.pruned.median,
                c.environment.load_after,
            ]  # fmt: skip
    return found


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


def main() -> None:
    """Read the command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("run", "report", "distances"))
    parser.add_argument("models", nargs="*", default=["demo"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--no-times", action="store_true")
    given = parser.parse_args()
    # Plans aim at the time of one thread, whatever the machine would take.
    torch.set_num_threads(1)
    networks = [Network(Path(s).stem, load_model(s), given.data) for s in given.models]
    if given.command == "distances":
        for network in networks:
            for line in distances(network):
                print(line, flush=True)
        return
    book = Log(given.out / "speed.jsonl")
    for network in networks if given.command == "run" else ():
        run(network, book, times=not given.no_times)
    write_report(list(book.rows.values()), given.out)


if __name__ == "__main__":
    main()
