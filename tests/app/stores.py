"""Stores with plausible trials, written as a sweep writes them."""

from core.store import Record, TileResult, TrialIdentity, TrialStore
from core.types import Counts, PruneRequest

HEURISTICS = {"reconstruction": 0.12, "l2": 0.45, "random": 0.7}
DENSE = Counts(1_000_000, 5_000_000_000, 640)


def record(
    request, *, model="demo", machine="Intel(R) Xeon(R) CPU @ 2.10GHz", **changes
):
    """One finished trial; ``truth=False`` leaves only agreement."""
    truth = changes.pop("truth", True)
    loss = HEURISTICS[request.heuristic] * request.sparsity**2 + 0.01 * request.seed
    scores = {"aji": 0.62 - loss, "pq": 0.58 - loss, "dice": 0.88 - loss / 2, "f1": 0.8}
    dense = {"aji": 0.62, "pq": 0.58, "dice": 0.88, "f1": 0.8}
    speed = 1 / (1 - 0.7 * request.sparsity)
    latency = {
        "dense": {"median": 100.0, "p90": 104.0},
        "pruned": {"median": 100.0 / speed, "p90": 104.0 / speed},
        "speedup": speed,
        "interval": [speed * 0.96, speed * 1.05],
        "verdict": "faster",
    }
    left = 1 - request.sparsity
    values = {
        "trial": TrialIdentity(model, "w" * 16, "d" * 16, request, {"seconds": 3.0}),
        "status": "done",
        "created": "2026-01-02T03:04:05+00:00",
        "plan_hash": f"{request.heuristic}{request.sparsity}",
        "dense": DENSE,
        "pruned": Counts(
            round(DENSE.params * left), round(DENSE.macs * left**0.5), 400
        ),
        "tiles": (
            TileResult(
                "t",
                dense if truth else None,
                scores if truth else None,
                {name: value + 0.3 for name, value in scores.items()},
            ),
        ),
        "latency": latency,
        "provenance": {"processor": machine, "cores": 4},
    }
    return Record(**(values | changes))


def requests(heuristics=tuple(HEURISTICS), step=0.1, seeds=(0,)):
    return [
        PruneRequest(name, round(step * index, 3), seed=seed)
        for seed in seeds
        for name in heuristics
        for index in range(int(0.9 / step) + 1)
    ]


def write(path, asked=None, **changes):
    """Write a store; returns its path."""
    with TrialStore(path) as store:
        for request in requests() if asked is None else asked:
            store.add(record(request, **changes))
    return path
