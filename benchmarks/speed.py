"""Accuracy over measured speed-up: methods x shares of time removed, as a table.

    python -m benchmarks.recipes train --data ../shared/data --out runs
    python -m benchmarks.speed run demo runs/residual-unet.safetensors \
        ../shared/models/bioimageio_unet2d_nuclei_broad --data ../shared/data \
        --out benchmarks/results
    python -m benchmarks.speed distances demo --data ../shared/data --out .

``run`` prunes each network without labels and without a gradient step, scores it on
tiles that no training saw, and times it beside the dense network, in turns, at 256 and
512 pixels with one and two threads. Every point is a line of ``speed.jsonl``; what is
there already is not done again. Then ``speed.md`` and ``speed.png`` are written;
``report`` writes them alone. One thread is timed by the processor's own clock, which
holds on a busy machine; two threads by the wall's, which needs a quiet one:
``--threads 1`` leaves them out, ``--no-times`` all times, and a later run adds what is
missing. ``--tiles N`` scores on every so manyth tile only. ``--methods trained`` adds
what ``--minutes`` of training on labelled tiles make of a cut. ``distances`` compares
ways to weigh errors by how far the outputs move, in seconds and without a clock.
"""

import argparse
import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.speed_figure import draw
from benchmarks.speed_networks import Network, distances
from benchmarks.speed_report import write_report
from core.cache import digest, processor_name
from core.errors import PruningError
from core.latency import LatencyProcess, TimingSettings
from core.models import load_model
from core.pruning import Counter
from core.pruning.applying.masked import living_atoms
from core.pruning.planning.timed_plans import fingerprint
from core.types import Target

log = logging.getLogger(__name__)

SIDES, THREADS = (256, 512), (1, 2)
TIMED = TimingSettings(precision=0.02, confidence=0.95)
#: Heuristic, scope, what is counted, shares removed. All are refitted and then
#: repaired in sequence, and nothing else, so that they differ in what goes only.
METHODS: tuple[tuple[str, str, Target, tuple[float, ...]], ...] = (
    ("sensitivity", "network", "latency", (0.6, 0.7, 0.8, 0.5)),
    ("reconstruction", "network", "latency", (0.6, 0.7)),
    ("reconstruction", "network", "macs", (0.65,)),
    ("l2", "layer", "latency", (0.6, 0.4)),
    ("random", "layer", "latency", (0.6, 0.4)),
    ("bn_scale", "layer", "latency", (0.6,)),
    ("sensitivity", "network", "params", (0.92,)),
)
TRAINED = ("trained", "network", "latency", (0.8,))  # as `sensitivity`, then trained
PEER, PEER_RATIOS = "torch-pruning magnitude", (0.5, 0.3)
FREE = (*(name for name, *_ in METHODS), PEER)
"""Methods that need no training."""


def points() -> Iterator[tuple[str, str, str, float]]:
    """Yield method, scope, count and share.

    The dense network first, then the first share of every method, then the second: a
    run that is stopped early compares all of them.
    """
    yield "dense", "", "", 0.0
    ways = [
        *METHODS[:4],
        (PEER, "network", "channels", PEER_RATIOS),
        *METHODS[4:],
        TRAINED,
    ]
    for place in range(max(len(shares) for *_, shares in ways)):
        for heuristic, scope, count, shares in ways:
            if place < len(shares):
                yield heuristic, scope, count, shares[place]


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


def run(
    network: Network,
    book: Log,
    *,
    threads: Sequence[int] = THREADS,
    sides: Sequence[int] = SIDES,
    seconds: float = 12.0,
    methods: Sequence[str] = (),
) -> None:
    """Do what is missing of one network.

    Parameters
    ----------
    network, book
        What, and what is known of it.
    threads
        To time with; none leaves times out.
    sides
        Of inputs, in pixels.
    seconds
        For each time.
    methods
        Those that are run beside the dense network; all when empty.
    """
    weights = fingerprint(network.module)
    with LatencyProcess() as process:
        for method, scope, count, share in points():
            if method not in ("dense", *(methods or FREE)):
                continue
            key = digest(
                *(network.name, weights, processor_name(), method, scope, count),
                *(share, len(network.tiles)),
            )
            row = book.rows.get(key)
            missing = [] if method == "dense" else _missing(row, sides, threads)
            if row is not None and ("failed" in row or not missing):
                continue
            base = {
                **{"key": key, "network": network.name, "weights": weights},
                **{"method": method, "scope": scope, "count": count, "share": share},
                **{"machine": processor_name(), "torch": torch.__version__},
                **{"simd": torch.backends.cpu.get_cpu_capability()},
                **{"inverted": network.inverted, "loads": (row or {}).get("loads", [])},
            }
            try:
                module, facts = _pruned(network, method, scope, count, share)
            except Exception as error:  # the peer fails in any way
                if method != PEER and not isinstance(error, PruningError):
                    raise
                book.write({**base, "failed": f"{type(error).__name__}: {error}"})
                log.info("%s %s %s: %s", network.name, method, share, error)
                continue
            before = row or {}
            row = {**base, **facts, "times": before.get("times", {})}
            row["aji"] = before.get("aji") or network.ajis(module)
            row["loads"] = [*row["loads"], os.getloadavg()[0]]
            for side, many in missing:
                row["times"][f"{side}/{many}"] = _time(
                    network, module, process, (side, many, seconds)
                )
            book.write(row)
            log.info("%s %s %s %s: AJI %.3f %s", network.name, method, count, share,
                     np.nanmean(row["aji"]), row["times"])  # fmt: skip


def _missing(
    row: dict[str, Any] | None, sides: Sequence[int], threads: Sequence[int]
) -> list[tuple[int, int]]:
    known = (row or {}).get("times", {})
    asked = [(side, many) for side in sides for many in threads]
    return [(s, t) for s, t in asked if f"{s}/{t}" not in known]


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
    heuristic = "sensitivity" if method == TRAINED[0] else method
    plan = network.plan(heuristic, scope, count, share)
    alive = living_atoms(network.graph, plan)
    counter = Counter(network.graph)
    left, dense = counter.counts(alive), counter.dense
    facts = {"params": left.params / dense.params, "macs": left.macs / dense.macs,
             "predicted": plan.request.get("predicted_ms"),
             "predicted_dense": plan.request.get("predicted_dense_ms")}  # fmt: skip
    module = network.repaired(plan)
    if method == TRAINED[0]:
        facts["minutes"] = network.minutes
        module = network.trained(module)
    return module, facts


def _time(
    network: Network,
    module: nn.Module,
    process: LatencyProcess,
    how: tuple[int, int, float],
) -> list[float]:
    """Return the speed-up, its interval, both medians in ms and the load."""
    side, threads, seconds = how
    x = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    settings = replace(TIMED, threads=threads, seconds=seconds)
    x = x[:, : network.inputs[0].shape[1]]
    c = process.compare(network.module, module, x, settings=settings)
    return [
        c.speedup, *c.interval, c.dense.median, c.pruned.median,
        c.environment.load_after,
    ]  # fmt: skip


def main() -> None:
    """Read the command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("run", "report", "distances"))
    parser.add_argument("models", nargs="*", default=["demo"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--no-times", action="store_true")
    parser.add_argument("--threads", type=int, nargs="*", default=list(THREADS))
    parser.add_argument("--sides", type=int, nargs="*", default=list(SIDES))
    parser.add_argument("--seconds", type=float, default=12.0, help="of each time")
    parser.add_argument("--methods", nargs="*", default=[], help="all when left out")
    parser.add_argument("--tiles", type=int, default=0, help="all when left out")
    parser.add_argument("--minutes", type=float, default=9.0, help="of training")
    given = parser.parse_args()
    # Plans aim at the time of one thread, whatever the machine would take.
    torch.set_num_threads(1)
    networks = [
        Network(Path(s).stem, load_model(s), given.data, given.tiles, given.minutes)
        for s in given.models
    ]
    if given.command == "distances":
        for network in networks:
            for line in distances(network):
                print(line, flush=True)
        return
    book = Log(given.out / "speed.jsonl")
    for network in networks if given.command == "run" else ():
        threads = () if given.no_times else given.threads
        run(
            network,
            book,
            threads=threads,
            sides=given.sides,
            seconds=given.seconds,
            methods=given.methods,
        )
    rows = list(book.rows.values())
    write_report(rows, given.out)
    draw(rows, given.out / "speed.png")


if __name__ == "__main__":
    main()
