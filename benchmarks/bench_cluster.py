"""A sweep on up to 1,000 workers, played with recorded durations of real trials.

Run ``python -m benchmarks.bench_cluster RUN.sqlite``, a store of any sweep; prints one
JSON object. Trials are handed out in the order of the grid to whoever is free. The
command that runs the sweep is one queue: each trial costs it the time to hand out and
to receive (dask's own overhead, about a millisecond) and to store a record, which is
measured here. Sending a model to the workers goes from worker to worker, so it doubles
its reach with each step.

``efficiency`` is the time of all trials over workers times duration. It falls when
there are fewer trials than workers, when the last trials are long, and when the queue
of the one command is longer than a trial.
"""

import argparse
import heapq
import json
import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.store import Record, TrialStore, read_store

_TASK = 0.001  # seconds of dask's scheduler for a task, as its documentation says
_NETWORK = 1e8  # bytes a second between two machines
_WORKERS = (1, 10, 100, 1000)


@dataclass(frozen=True, slots=True)
class ClusterCosts:
    """What a cluster costs beside the trials.

    Parameters
    ----------
    handling
        Seconds of the one command for each trial.
    sending
        Seconds to send model, tiles and statistics once.
    """

    handling: float
    sending: float


def play(durations: Sequence[float], workers: int, costs: ClusterCosts) -> float:
    """Return the seconds until the last record is stored.

    Parameters
    ----------
    durations
        Seconds of each trial, in the order in which they are handed out.
    workers
        How many.
    costs
        See `ClusterCosts`.
    """
    steps = math.ceil(math.log2(workers + 1))
    ready = [costs.sending * steps] * workers
    heapq.heapify(ready)
    finished: list[float] = []
    handed = 0.0
    for duration in durations:
        free = heapq.heappop(ready)
        handed = max(handed + costs.handling / 2, 0.0)
        end = max(free, handed) + duration
        heapq.heappush(ready, end)
        finished.append(end)
    stored = 0.0
    for end in sorted(finished):
        stored = max(stored, end) + costs.handling / 2
    return stored


def measure_storing(records: Sequence[Record], folder: Path) -> float:
    """Return seconds to store one record, the median of all."""
    times = []
    with TrialStore(folder / "times.sqlite") as store:
        for record in records:
            text = record.to_json()
            start = time.perf_counter()
            store.add(Record.from_json(text))
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Play and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", help="RUN.sqlite of a sweep")
    parser.add_argument(
        "--megabytes", type=float, default=200.0, help="of model, tiles, statistics"
    )
    asked = parser.parse_args()
    records = [each for each in read_store(asked.store).records if each.seconds]
    recorded = [sum(each.seconds.values()) for each in records]
    if not recorded:
        raise SystemExit(f"{asked.store} holds no trial that was computed")
    with tempfile.TemporaryDirectory() as folder:
        storing = measure_storing(records, Path(folder))
    costs = ClusterCosts(_TASK + storing, asked.megabytes * 1e6 / _NETWORK)
    found = {}
    for trials in (len(recorded), 10_000):
        durations = [recorded[n % len(recorded)] for n in range(trials)]
        rows = {}
        for workers in _WORKERS:
            seconds = play(durations, workers, costs)
            ideal = play(durations, workers, replace(costs, handling=0.0, sending=0.0))
            rows[workers] = {
                "seconds": round(seconds, 3),
                "efficiency": round(sum(durations) / workers / seconds, 4),
                "without costs": round(sum(durations) / workers / ideal, 4),
            }
        found[f"{trials} trials"] = rows
    mean = statistics.mean(recorded)
    limits = {"workers that one command keeps busy": round(mean / costs.handling)}
    about = {
        "trials recorded": len(recorded),
        "seconds a trial": {"mean": mean, "longest": max(recorded)},
        "costs": {"handling": costs.handling, "sending": costs.sending},
    }
    print(json.dumps({**about, **limits, "workers": found}, indent=2))


if __name__ == "__main__":
    main()
