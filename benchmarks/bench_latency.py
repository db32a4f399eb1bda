"""Whether a verdict of ``core.latency.compare`` holds on a busy machine.

Run ``python -m benchmarks.bench_latency [runs] [seconds]``; prints one JSON
object. One core is kept busy by another program all the while, which this one
starts and ends. Both networks are measured in turns within each run. Targets, of 100:
a network against its own copy gives ``no difference`` at least 95 times, and
one with 10 % fewer multiply-adds in its heaviest layers ``faster`` at least 90.
"""

import copy
import json
import subprocess
import sys
import time
from collections import Counter

import torch
from torch import nn

from core.latency import LatencyProcess, Settings, processor_name

_BUSY = "while True: pass"
_SIDE = 48


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


def main(runs: int = 100, seconds: float = 10.0) -> None:
    """Measure and print."""
    torch.manual_seed(0)
    example = torch.randn(1, 3, _SIDE, _SIDE)
    dense = network(160)
    sides = {"copy": copy.deepcopy(dense), "ten_percent_fewer_macs": network(144)}
    verdicts: dict[str, Counter[str]] = {name: Counter() for name in sides}
    speedups: dict[str, list[float]] = {name: [] for name in sides}
    clocks: Counter[str] = Counter()
    widths: list[float] = []
    busy = subprocess.Popen([sys.executable, "-c", _BUSY])
    start = time.monotonic()
    try:
        with LatencyProcess() as process:
            for run in range(runs):
                settings = Settings(seconds=seconds, seed=run)
                for name, pruned in sides.items():
                    found = process.compare(dense, pruned, example, settings=settings)
                    verdicts[name][found.verdict] += 1
                    speedups[name].append(round(found.speedup, 4))
                    clocks[found.clock] += 1
                    widths.append((found.interval[1] - found.interval[0]) / 2)
                    print(run + 1, name, found.verdict, file=sys.stderr)
    finally:
        busy.kill()
        busy.wait()
    result = {
        "benchmark": "latency",
        "runs": runs,
        "seconds_each": seconds,
        "targets_of_100": {"copy: no difference": 95, "fewer: faster": 90},
        "verdicts": {name: dict(each) for name, each in verdicts.items()},
        "speedups": {
            name: [min(each), sorted(each)[len(each) // 2], max(each)]
            for name, each in speedups.items()
        },
        "half_width_of_interval": round(sorted(widths)[len(widths) // 2], 4),
        "clocks": dict(clocks),
        "isolated": found.isolated,
        "threads": found.environment.threads,
        "load_after": found.environment.load_after,
        "processor": processor_name(),
        "seconds": round(time.monotonic() - start),
    }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(
        int(arguments[0]) if arguments else 100,
        float(arguments[1]) if len(arguments) > 1 else 10.0,
    )
