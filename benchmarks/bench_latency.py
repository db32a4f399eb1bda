"""Whether a verdict of ``core.latency.compare`` holds on a busy machine.

Run ``python -m benchmarks.bench_latency [runs] [seconds]``; prints one JSON
object. One core is kept busy by another program all the while, which this one
starts and ends. Both networks are measured in turns within each run. Targets, of 100:
a network against its own copy gives ``no difference`` at least 95 times, and
one with 10 % fewer multiply-adds in its heaviest layers ``faster`` at least 90.

With ``--work FILE`` each run is written there at once, and what is there already is
not run again: it may be stopped at any moment. Where it runs at a raised priority,
its load runs at the normal one; both are part of the result. ``--threads`` sets
torch's; left out, each run finds out whether one or all are better, as anywhere.
"""

import argparse
import copy
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from core.latency import LatencyProcess, TimingSettings, processor_name

# ends by itself when nobody is left to end it
_BUSY = """
import os
parent = os.getppid()
while os.getppid() == parent:
    for _ in range(1_000_000):
        pass
"""
_SIDE = 48
_TOGETHER = 10  # runs of one process: the next finds threads and layout anew
_TARGETS = {
    "copy": ("no difference", 95),
    "ten_percent_fewer_macs": ("faster", 90),
}

Row = dict[str, Any]


def network(inner: int) -> nn.Sequential:
    """Two heavy 3 x 3 convolutions around a middle of ``inner`` channels."""
    return nn.Sequential(
        nn.Conv2d(3, 160, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(160, inner, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(inner, 160, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(160, 3, 1),
    ).eval()


@contextmanager
def busy_core() -> Iterator[int | None]:
    """Keep one core busy, at most at normal priority; yields its niceness."""
    with subprocess.Popen([sys.executable, "-c", _BUSY]) as busy:
        try:
            nice = None
            if sys.platform != "win32":
                nice = max(os.getpriority(os.PRIO_PROCESS, 0), 0)
                os.setpriority(os.PRIO_PROCESS, busy.pid, nice)
            yield nice
        finally:
            busy.kill()


class Log:
    """Runs, on disk as they come.

    Parameters
    ----------
    path
        One JSON object a line; None keeps them in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.rows: list[Row] = []
        if path is not None and path.is_file():
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    self.rows.append(json.loads(line))
                except ValueError:  # killed while it was written: run again
                    continue

    def add(self, row: Row) -> None:
        """Keep one run."""
        self.rows.append(row)
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                # a line that a kill cut short must not swallow this one
                file.write("\n" + json.dumps(row) + "\n")

    def holds(self, run: int, name: str, seconds: float) -> bool:
        """Whether this run is there."""
        wanted = (run, name, seconds)
        return any((r["run"], r["side"], r["seconds"]) == wanted for r in self.rows)


def measure(log: Log, runs: int, asked: TimingSettings) -> None:
    """Run what the log does not hold."""
    torch.manual_seed(0)
    example = torch.randn(1, 3, _SIDE, _SIDE)
    dense = network(160)
    sides = {"copy": copy.deepcopy(dense), "ten_percent_fewer_macs": network(144)}
    todo = [
        (run, name)
        for run in range(runs)
        for name in sides
        if not log.holds(run, name, asked.seconds)
    ]
    own = os.getpriority(os.PRIO_PROCESS, 0) if sys.platform != "win32" else None
    with busy_core() as load_nice:
        for first in range(0, len(todo), 2 * _TOGETHER):
            with LatencyProcess() as process:
                for run, name in todo[first : first + 2 * _TOGETHER]:
                    found = process.compare(
                        dense,
                        sides[name],
                        example,
                        settings=replace(asked, seed=run),
                    )
                    log.add(
                        {
                            "run": run,
                            "side": name,
                            "seconds": asked.seconds,
                            "took": round(found.seconds, 2),
                            "verdict": found.verdict,
                            "speedup": round(found.speedup, 4),
                            "interval": [round(each, 4) for each in found.interval],
                            "blocks": len(found.blocks),
                            "median_ms": round(found.dense.median, 3),
                            "wall_median_ms": round(found.dense.wall_median, 3),
                            "clock": found.clock,
                            "isolated": found.isolated,
                            "threads": found.environment.threads,
                            "load": round(found.environment.load_after, 2),
                            "nice": own,
                            "nice_of_load": load_nice,
                            "time": time.strftime("%FT%TZ", time.gmtime()),
                        }
                    )
                    print(run + 1, name, found.verdict, file=sys.stderr)


def summary(rows: list[Row]) -> Row:
    """What the runs say."""

    def spread(key: str, rows: list[Row]) -> list[float]:
        """Smallest, median and largest."""
        values = sorted(float(row[key]) for row in rows)
        return [values[0], values[len(values) // 2], values[-1]]

    def counts(key: str) -> dict[str, int]:
        return dict(Counter(str(row[key]) for row in rows))

    sides = {}
    for name, (verdict, target) in _TARGETS.items():
        mine = [row for row in rows if row["side"] == name]
        verdicts = Counter(row["verdict"] for row in mine)
        sides[name] = {
            "runs": len(mine),
            "verdicts": dict(verdicts),
            "target_of_100": f"{verdict}: {target}",
            "held": verdicts[verdict] * 100 >= target * len(mine),
            "speedup": spread("speedup", mine),
        }
    widths = [
        {"half": round((row["interval"][1] - row["interval"][0]) / 2, 4)}
        for row in rows
    ]
    return {
        "benchmark": "latency",
        "seconds_each": spread("took", rows),
        "sides": sides,
        "half_width_of_interval": spread("half", widths),
        "blocks": spread("blocks", rows),
        "median_ms": spread("median_ms", rows),
        "wall_median_ms": spread("wall_median_ms", rows),
        "load": spread("load", rows),
        "clocks": counts("clock"),
        "threads": counts("threads"),
        "isolated": counts("isolated"),
        "nice": counts("nice"),
        "nice_of_load": counts("nice_of_load"),
        "from_to": [min(row["time"] for row in rows), max(row["time"] for row in rows)],
        "processor": processor_name(),
        "torch": torch.__version__,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_latency")
    parser.add_argument("runs", type=int, nargs="?", default=100)
    parser.add_argument("seconds", type=float, nargs="?", default=10.0)
    parser.add_argument("--threads", type=int, help="of torch")
    parser.add_argument("--work", type=Path, help="goes on there when stopped")
    asked = parser.parse_args()
    log = Log(asked.work)
    settings = TimingSettings(seconds=asked.seconds, threads=asked.threads)
    measure(log, asked.runs, settings)
    rows = [row for row in log.rows if row["seconds"] == asked.seconds]
    print(json.dumps(summary(rows), indent=1))


if __name__ == "__main__":
    main()
