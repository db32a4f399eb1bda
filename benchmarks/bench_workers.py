"""Fifty trials on two workers of this machine against one, and the same results.

Run ``python -m benchmarks.bench_workers DATA``, a folder of tiles; prints one JSON
object. Latency is left out, as trials that are timed run alone. Wanted: two workers
take at most 0.6 of the time of one, with the same plan hashes and scores.
A worker uses one core. The machine has to do nothing else, and needs two. With
``--only 1 --out DIR`` and ``--only 2 --out DIR`` the two are run by two commands; the
second prints both.
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


def run(grid: Grid, workers: int, folder: Path) -> tuple[dict[str, float], Any]:
    """Return seconds of the sweep and of its parts, and results by trial."""
    with TrialStore(folder / f"{workers}.sqlite") as store:
        start = time.perf_counter()
        stored: list[float] = []
        run_cluster_sweep(
            grid,
            store,
            ClusterSettings(workers=workers),
            on_record=lambda _: stored.append(time.perf_counter() - start),
        )
        whole = time.perf_counter() - start
        seconds = {
            "whole": whole,
            "until the first record": stored[0],
            "after the last record": whole - stored[-1],
        }
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
    parser.add_argument("--only", type=int, help="so many workers, in this command")
    parser.add_argument("--out", type=Path, help="folder that keeps what was found")
    asked = parser.parse_args()
    grid = make_grid(asked.model, asked.data, asked.trials)
    counts = [asked.only] if asked.only else [1, 2]
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for workers in counts:
            with tempfile.TemporaryDirectory() as stores:
                found = run(grid, workers, Path(stores))
            folder.joinpath(f"{workers}.json").write_text(json.dumps(found))
        files = sorted(folder.glob("?.json"))
        runs = {file.stem: json.loads(file.read_text()) for file in files}
    result: dict[str, Any] = {
        "trials": len(grid),
        "seconds": {
            f"{count} workers": seconds for count, (seconds, _) in runs.items()
        },
    }
    if runs.keys() >= {"1", "2"}:
        (one, first), (two, second) = runs["1"], runs["2"]
        result["targets"] = {
            "ratio at most 0.6": two["whole"] / one["whole"],
            "same results": first == second,
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
