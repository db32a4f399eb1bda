"""A whole accuracy curve against a straightforward Torch-Pruning script.

Run ``python -m benchmarks.bench_sweep FOLDER`` with the ``bench`` dependency group
installed and a folder of ``images/*`` and ``labels/*``; prints one JSON object.
Both sides do the same work: 5 heuristics x 10 sparsities x 8 tiles, no repair,
instances and all scores with the same functions. Target: at least 3 times faster.

With ``--work DIR`` it may be stopped at any moment and goes on when it is started
again with the same arguments.
"""

import argparse
import copy
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import torch
import torch_pruning as tp
from torch import nn

from core.latency import processor_name
from core.metrics import score_instances
from core.models import LoadedModel, load_model
from core.nuclei import predict, to_input
from core.store import Store
from core.sweep import Grid, SweepTile, read_folder, run_sweep
from core.types import Prediction

_PEERS = {
    "l1": lambda: tp.importance.GroupMagnitudeImportance(p=1),
    "l2": lambda: tp.importance.GroupMagnitudeImportance(p=2),
    "bn_scale": lambda: tp.importance.BNScaleImportance(),
    "fpgm": lambda: tp.importance.FPGMImportance(),
    "random": lambda: tp.importance.RandomImportance(),
}


class _Outputs(nn.Module):
    """The network with a tuple as output, which the peer can trace."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.inner = module

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(self.inner(x).values())


class Book:
    """Seconds of what is done, on disk after each piece.

    Parameters
    ----------
    folder
        Where the book and the store lie.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "seconds.json"
        self.store = folder / "run.sqlite"
        self.seconds: dict[str, float] = {}
        if self.path.is_file():
            self.seconds = json.loads(self.path.read_text(encoding="utf-8"))

    def add(self, key: str, seconds: float) -> None:
        """Write down how long a piece took; a piece done twice counts once."""
        self.seconds[key] = seconds
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(self.seconds, indent=1), encoding="utf-8")
        fresh.replace(self.path)

    def total(self, side: str) -> float:
        """Seconds of one side."""
        parts = [each for key, each in self.seconds.items() if key.startswith(side)]
        return sum(parts)


def peer_dense(
    model: LoadedModel, tiles: tuple[SweepTile, ...], book: Book
) -> list[Prediction]:
    """Find what the whole model finds, as a plain script does once."""
    start = time.perf_counter()
    dense = [predict(model, each.tile) for each in tiles]
    book.add("peer dense", time.perf_counter() - start)
    return dense


def peer_trial(
    model: LoadedModel,
    tiles: tuple[SweepTile, ...],
    dense: list[Prediction],
    name: str,
    sparsity: float,
) -> float:
    """Score one point as a plain script would; returns seconds."""
    start = time.perf_counter()
    wrapped = _Outputs(copy.deepcopy(model.module)).eval()
    heads = [
        layer
        for layer in wrapped.modules()
        if isinstance(layer, nn.Conv2d) and layer.out_channels <= 8
    ]
    pruner = tp.pruner.BasePruner(
        wrapped,
        to_input(model, tiles[0].tile),
        importance=_PEERS[name](),
        global_pruning=True,
        pruning_ratio=1 - (1 - sparsity) ** 0.5,  # parameters to channels
        ignored_layers=heads,
    )
    pruner.step()
    pruned = replace(model, module=wrapped.inner)
    for tile, before in zip(tiles, dense, strict=True):
        found = predict(pruned, tile.tile)
        score_instances(before.labels, found.labels)
        if tile.labels is not None:
            score_instances(tile.labels, found.labels)
    return time.perf_counter() - start


def own_curve(folder: Path, name: str, sparsities: list[float], book: Book) -> int:
    """Sweep the whole grid; returns how many trials took over another's scores.

    Everything counts, opening and tracing included. Stopped and started again, it
    opens and traces again, which counts as well.
    """
    grid = Grid(
        models=(name,),
        data=folder,
        heuristics=tuple(_PEERS),
        sparsities=tuple(sparsities),
        recoveries=("none",),
        timing=None,
    )
    earlier = book.total("own")
    start = time.perf_counter()
    with Store(book.store) as store:
        if all(trial_there(store, grid)):
            return reused(store)
        run_sweep(
            grid,
            store,
            on_record=lambda _: book.add(
                "own grid", earlier + time.perf_counter() - start
            ),
        )
        return reused(store)


def trial_there(store: Store, grid: Grid) -> Iterator[bool]:
    """Whether the store holds each point of the grid."""
    done = {record.trial.request for record in store.records()}
    return (request in done for _, request in grid.points())


def reused(store: Store) -> int:
    """How many trials had the same plan as an earlier one."""
    return sum("same_plan_as" in record.provenance for record in store.records())


def main(folder: Path, name: str, tiles: int, points: int, work: Path) -> None:
    """Measure and print."""
    sparsities = [round(0.09 * index, 2) for index in range(1, points + 1)]
    work.mkdir(parents=True, exist_ok=True)
    book = Book(work)
    part = work / "tiles"
    for kind in ("images", "labels"):
        (part / kind).mkdir(parents=True, exist_ok=True)
        for path in sorted((folder / kind).iterdir())[:tiles]:
            shutil.copy(path, part / kind)
    again = own_curve(part, name, sparsities, book)
    model, data = load_model(name), read_folder(part).tiles
    todo = [
        (heuristic, sparsity)
        for heuristic in _PEERS
        for sparsity in sparsities
        if f"peer {heuristic} {sparsity}" not in book.seconds
    ]
    if todo:
        dense = peer_dense(model, data, book)
        for heuristic, sparsity in todo:
            took = peer_trial(model, data, dense, heuristic, sparsity)
            book.add(f"peer {heuristic} {sparsity}", took)
            print(f"{heuristic} {sparsity}: {took:.1f} s", file=sys.stderr)
    own, peer = book.total("own"), book.total("peer")
    print(
        json.dumps(
            {
                "benchmark": "sweep",
                "model": name,
                "heuristics": list(_PEERS),
                "sparsities": sparsities,
                "tiles": len(data),
                "trials": {"each": len(_PEERS) * len(sparsities), "reused": again},
                "own_seconds": round(own, 2),
                "peer_seconds": round(peer, 2),
                "ratio": round(peer / own, 2),
                "target_ratio": 3,
                "peer": f"torch-pruning {version('torch-pruning')}",
                "processor": processor_name(),
            },
            indent=1,
        )
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_sweep")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--tiles", type=int, default=8)
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--work", type=Path, help="goes on there when stopped")
    return parser.parse_args()


if __name__ == "__main__":
    asked = _arguments()
    with tempfile.TemporaryDirectory() as fresh:
        main(
            asked.folder,
            asked.model,
            asked.tiles,
            asked.points,
            asked.work or Path(fresh),
        )
