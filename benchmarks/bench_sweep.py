"""A whole accuracy curve against a straightforward Torch-Pruning script.

Run ``python -m benchmarks.bench_sweep FOLDER`` with the ``bench`` dependency group
installed and a folder of ``images/*`` and ``labels/*``; prints one JSON object.
Both sides do the same work: 5 heuristics x 10 sparsities x 8 tiles, no repair,
instances and all scores with the same functions. Target: at least 3 times faster.

The two take turns, point by point, so that what else runs on the machine hits both
alike. The ratio is given by the wall's clock, where this project's use of all cores
counts, and in processor time, where only the work that it saves does. ``--threads``
sets torch's for the peer; left out, they are torch's default.

With ``--work DIR`` it may be stopped at any moment and goes on when it is started
again with the same arguments.
"""

import argparse
import copy
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, Self

import torch
import torch_pruning as tp
from torch import nn

from core.latency import processor_name
from core.latency.environment import load_average
from core.metrics import score_instances
from core.models import LoadedModel, load_model
from core.nuclei import predict, to_input
from core.store import Record, TrialStore
from core.sweep import Grid, read_folder, run_sweep
from core.types import LabelledTile

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


class Clocks(NamedTuple):
    """Seconds by both clocks; processor time is that of all threads together."""

    wall: float
    processor: float

    @classmethod
    def now(cls) -> Self:
        """Both clocks, from any origin."""
        return cls(time.perf_counter(), time.process_time())

    def since(self, start: Self) -> "Clocks":
        """Seconds from an earlier time to this one."""
        return Clocks(self.wall - start.wall, self.processor - start.processor)

    def rounded(self) -> "Clocks":
        """To the hundredth."""
        return Clocks(round(self.wall, 2), round(self.processor, 2))


class Book:
    """Seconds of what is done, on disk after each piece.

    Parameters
    ----------
    folder
        Where the book and the store lie.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "clocks.json"
        self.store = folder / "run.sqlite"
        self.pieces: dict[str, Clocks] = {}
        if self.path.is_file():
            found = json.loads(self.path.read_text(encoding="utf-8"))
            self.pieces = {key: Clocks(*each) for key, each in found.items()}

    def add(self, key: str, seconds: Clocks) -> None:
        """Write down how long a piece took; a piece done twice counts once."""
        self.pieces[key] = seconds
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(self.pieces, indent=1), encoding="utf-8")
        fresh.replace(self.path)

    def total(self, *words: str) -> Clocks:
        """Seconds of all pieces whose key has all these words."""
        found = [
            each for key, each in self.pieces.items() if set(words) <= set(key.split())
        ]
        return Clocks(sum(e.wall for e in found), sum(e.processor for e in found))

    def ratios(self, *words: str) -> Clocks:
        """How many times longer the peer took than this project."""
        peer, own = self.total("peer", *words), self.total("own", *words)
        ratio = Clocks(peer.wall / own.wall, peer.processor / own.processor)
        return ratio.rounded()


class Peer:
    """The plain script.

    Parameters
    ----------
    model, tiles
        As the other side has them.
    book
        Gets the seconds.
    threads
        Of torch, for the peer alone.
    """

    def __init__(
        self,
        model: LoadedModel,
        tiles: tuple[LabelledTile, ...],
        book: Book,
        threads: int,
    ) -> None:
        self.model, self.tiles, self.book, self.threads = model, tiles, book, threads
        # what is loaded late and once is neither side's
        predict(model, tiles[0].tile)
        start = Clocks.now()
        self.dense = [predict(model, each.tile) for each in tiles]
        book.add("peer dense", Clocks.now().since(start))

    def take_turn(self, name: str, sparsity: float) -> None:
        """Do one point, unless the book has it."""
        key = f"peer {name} {sparsity}"
        if key in self.book.pieces:
            return
        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        start = Clocks.now()
        self._trial(name, sparsity)
        took = Clocks.now().since(start)
        torch.set_num_threads(before)
        self.book.add(key, took)
        print(f"{name} {sparsity}: {took.wall:.1f} s", file=sys.stderr)

    def _trial(self, name: str, sparsity: float) -> None:
        wrapped = _Outputs(copy.deepcopy(self.model.module)).eval()
        heads = [
            layer
            for layer in wrapped.modules()
            if isinstance(layer, nn.Conv2d) and layer.out_channels <= 8
        ]
        pruner = tp.pruner.BasePruner(
            wrapped,
            to_input(self.model, self.tiles[0].tile),
            importance=_PEERS[name](),
            global_pruning=True,
            pruning_ratio=1 - (1 - sparsity) ** 0.5,  # parameters to channels
            ignored_layers=heads,
        )
        pruner.step()
        pruned = replace(self.model, module=wrapped.inner)
        for tile, before in zip(self.tiles, self.dense, strict=True):
            found = predict(pruned, tile.tile)
            score_instances(before.labels, found.labels)
            if tile.labels is not None:
                score_instances(tile.labels, found.labels)


def in_turns(grid: Grid, book: Book, peer: Peer) -> int:
    """Sweep the grid; the peer does each point just after this project has.

    Whatever else the machine does then hits both alike. Everything counts, opening
    and tracing included (in the first point's seconds). Stopped and started again,
    it opens and traces again, which counts as well.

    Returns
    -------
    reused
        How many trials took over another's scores.
    """
    start = Clocks.now()

    def turn(record: Record) -> None:
        nonlocal start
        request = record.trial.request
        key = f"own {request.heuristic} {request.sparsity}"
        book.add(key, Clocks.now().since(start))
        peer.take_turn(request.heuristic, request.sparsity)
        start = Clocks.now()

    with TrialStore(book.store) as store:
        if not all(trial_there(store, grid)):
            run_sweep(grid, store, on_record=turn)
            # what an earlier try began is in its points already
            book.add("own end", Clocks.now().since(start))
        for _, request in grid.points():  # stopped between the two sides of a point
            peer.take_turn(request.heuristic, request.sparsity)
        return reused(store)


def trial_there(store: TrialStore, grid: Grid) -> Iterator[bool]:
    """Whether the store holds each point of the grid."""
    done = {record.trial.request for record in store.records()}
    return (request in done for _, request in grid.points())


def reused(store: TrialStore) -> int:
    """How many trials had the same plan as an earlier one."""
    return sum("same_plan_as" in record.provenance for record in store.records())


def main(asked: argparse.Namespace, work: Path) -> None:
    """Measure and print."""
    sparsities = [round(0.09 * index, 2) for index in range(1, asked.points + 1)]
    work.mkdir(parents=True, exist_ok=True)
    book = Book(work)
    part = work / "tiles"
    for kind in ("images", "labels"):
        (part / kind).mkdir(parents=True, exist_ok=True)
        for path in sorted((asked.folder / kind).iterdir())[: asked.tiles]:
            shutil.copy(path, part / kind)
    grid = Grid(
        models=(asked.model,),
        data=part,
        heuristics=tuple(_PEERS),
        sparsities=tuple(sparsities),
        recoveries=("none",),
        timing=None,
    )
    threads = asked.threads or torch.get_num_threads()
    tiles = read_folder(part).tiles
    peer = Peer(load_model(asked.model), tiles, book, threads)
    again = in_turns(grid, book, peer)
    own, other, ratio = book.total("own"), book.total("peer"), book.ratios()
    result = {
        "benchmark": "sweep",
        "model": asked.model,
        "heuristics": list(_PEERS),
        "sparsities": sparsities,
        "tiles": len(tiles),
        "trials": {"each": len(_PEERS) * len(sparsities), "reused": again},
        "own_seconds": own.rounded()._asdict(),
        "peer_seconds": other.rounded()._asdict(),
        "ratio": ratio._asdict(),
        "ratio_by_heuristic": {name: book.ratios(name)._asdict() for name in _PEERS},
        "ratio_by_sparsity": {
            str(each): book.ratios(str(each))._asdict() for each in sparsities
        },
        "target_ratio": 3,
        "peer": f"torch-pruning {version('torch-pruning')}",
        "peer_threads": threads,
        "cores": os.cpu_count(),
        "load": round(load_average(), 2),
        "processor": processor_name(),
    }
    print(json.dumps(result, indent=1))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_sweep")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--tiles", type=int, default=8)
    parser.add_argument("--points", type=int, default=10)
    parser.add_argument("--threads", type=int, help="of torch, for the peer")
    parser.add_argument("--work", type=Path, help="goes on there when stopped")
    return parser.parse_args()


if __name__ == "__main__":
    asked = _arguments()
    with tempfile.TemporaryDirectory() as fresh:
        main(asked, asked.work or Path(fresh))
