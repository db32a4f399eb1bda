"""A whole accuracy curve against a straightforward Torch-Pruning script.

Run ``python -m benchmarks.bench_sweep FOLDER [MODEL] [tiles] [sparsities]`` with
the ``bench`` dependency group installed and a folder of ``images/*`` and
``labels/*``; prints one JSON object. Both sides do the same work in one run: 5
heuristics x 10 sparsities x 8 tiles, no repair, instances and all scores with
the same functions. Target: at least 3 times faster.
"""

import copy
import json
import shutil
import sys
import tempfile
import time
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


def peer_curve(
    model: LoadedModel, tiles: tuple[SweepTile, ...], sparsities: list[float]
) -> tuple[float, int]:
    """Score the same grid as a plain script would; returns seconds and trials."""
    start = time.perf_counter()
    dense = [predict(model, each.tile) for each in tiles]
    trials = 0
    for make in _PEERS.values():
        for sparsity in sparsities:
            wrapped = _Outputs(copy.deepcopy(model.module)).eval()
            heads = [
                layer
                for layer in wrapped.modules()
                if isinstance(layer, nn.Conv2d) and layer.out_channels <= 8
            ]
            pruner = tp.pruner.BasePruner(
                wrapped,
                to_input(model, tiles[0].tile),
                importance=make(),
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
            trials += 1
    return time.perf_counter() - start, trials


def own_curve(
    folder: Path, name: str, sparsities: list[float]
) -> tuple[float, int, int]:
    """Sweep the same grid; returns seconds, trials and how many were reused."""
    grid = Grid(
        models=(name,),
        data=folder,
        heuristics=tuple(_PEERS),
        sparsities=tuple(sparsities),
        recoveries=("none",),
        timing=None,
    )
    start = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as place,
        Store(Path(place) / "run.sqlite") as store,
    ):
        summary = run_sweep(grid, store)
    return time.perf_counter() - start, summary.done, summary.reused


def main(folder: str, name: str = "demo", tiles: int = 8, points: int = 10) -> None:
    """Measure and print."""
    sparsities = [round(0.09 * index, 2) for index in range(1, points + 1)]
    with tempfile.TemporaryDirectory() as place:
        part = Path(place)
        for kind in ("images", "labels"):
            (part / kind).mkdir()
            for path in sorted((Path(folder) / kind).iterdir())[:tiles]:
                shutil.copy(path, part / kind)
        model = load_model(name)
        own, trials, reused = own_curve(part, name, sparsities)
        peer, peer_trials = peer_curve(model, read_folder(part).tiles, sparsities)
    print(
        json.dumps(
            {
                "benchmark": "sweep",
                "model": name,
                "heuristics": list(_PEERS),
                "sparsities": sparsities,
                "tiles": tiles,
                "trials": {"own": trials, "peer": peer_trials, "reused": reused},
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


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(
            "usage: python -m benchmarks.bench_sweep FOLDER [MODEL] [TILES] [POINTS]"
        )
    main(*sys.argv[1:3], *map(int, sys.argv[3:5]))
