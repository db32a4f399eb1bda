"""Records to store."""

import math

import pytest

from core.store import Record, TileResult, TrialIdentity
from core.types import Counts, PruneRequest


def make_record(sparsity=0.5, seed=0, **changes):
    request = PruneRequest("l2", sparsity, seed=seed)
    scores = {"aji": 0.5, "pq": math.nan, "hits": 3}
    values = {
        "trial": TrialIdentity("demo", "w" * 16, "d" * 16, request, {"seconds": 2.0}),
        "status": "done",
        "created": "2026-01-02T03:04:05+00:00",
        "plan_hash": "abc",
        "dense": Counts(1000, 5000, 64),
        "pruned": Counts(500, 3000, 45),
        "tiles": (
            TileResult("a", scores, {**scores, "aji": 0.25}, {"aji": 0.75, "pq": 1.0}),
            TileResult("b", None, None, {"aji": math.nan, "pq": 0.5}),
        ),
        "latency": {
            "dense": {"median": 10.0, "p90": 11.0, "ms": [10.0, 11.0]},
            "pruned": {"median": 5.0, "p90": 6.0, "ms": [5.0, 6.0]},
            "speedup": 2.0,
            "interval": [1.9, 2.1],
            "verdict": "faster",
        },
        "seconds": {"network": 1.5},
        "peak_memory": 12345,
        "provenance": {"revision": "f00", "versions": {"torch": "2"}},
    }
    return Record(**(values | changes))


@pytest.fixture(name="make_record")
def _make_record():
    return make_record
