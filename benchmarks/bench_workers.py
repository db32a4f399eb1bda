"""Fifty trials on two workers of this machine against one, and the same results.

Run ``python -m benchmarks.bench_workers DATA``, a folder of tiles; prints one JSON
object. Latency is left out, as trials that are timed run alone. Wanted: two workers
take at most 0.6 of the time of one, with the same plan hashes and scores.
The machine has to do nothing else, and needs two cores.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from core.cluster import ClusterSettings, run_cluster_sweep
from core.store import TrialStore
from core.sweep import Grid

_COMPARED = ("status", "plan_hash", "pruned", "tiles", "overall")


def make_grid(model: str, data: Path, trials: int) -> Grid:
    """Return a grid of so many trials: two heuristics, evenly spaced sparsities."""
    shares = np.linspace(0.0, 0.95, max(trials // 2, 1)).round(4).tolist()
    heuristics = ("reconstruction", "l2")
    return Grid((model,), data, heuristics, tuple(shares), timing=None)


def run(grid: Grid, workers: int, folder: Path) -> tuple[float, dict[str, Any]]:
    """Return seconds, from the start of the workers on, and results by trial."""
    with TrialStore(folder / f"{workers}.sqlite") as store:
        start = time.perf_counter()
        run_cluster_sweep(grid, store, ClusterSettings(workers=workers))
        seconds = time.perf_counter() - start
        found = {}
        for record in store.records():
            data = json.loads(record.to_json())
            found[record.trial.key] = {name: data[name] for name in _COMPARED}
    return seconds, found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--trials", type=int, default=50)
    asked = parser.parse_args()
    grid = make_grid(asked.model, asked.data, asked.trials)
    with tempfile.TemporaryDirectory() as folder:
        one, first = run(grid, 1, Path(folder))
        two, second = run(grid, 2, Path(folder))
    result = {
        "trials": len(grid),
        "seconds": {"one worker": one, "two workers": two},
        "targets": {"ratio at most 0.6": two / one, "same results": first == second},
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
