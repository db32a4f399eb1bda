"""Instance scores against one ``numpy.bincount`` over the same pixels.

Run ``python -m benchmarks.bench_metrics``; prints one JSON object. Target:
``ratio`` at most 5 for every dtype. Both sides alternate in one run.
"""

import json
import platform
import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from core.metrics import nucleus_changes, score_instances

_SIDE, _NUCLEI, _REPEATS = 1000, 1000, 40


def crowd(seed: int, shift: int) -> NDArray[np.int32]:
    """Draw about a thousand ellipses, each moved by up to ``shift`` pixels."""
    shape, move = np.random.default_rng(1), np.random.default_rng(seed)
    labels = np.zeros((_SIDE, _SIDE), np.int32)
    for number in range(_NUCLEI):
        row, col = divmod(number, 32)
        place = np.array([col, row]) * 31 + 15 + shape.integers(-3, 4, 2)
        place += move.integers(-shift, shift + 1, 2)
        axes = shape.integers(7, 14, 2)
        angle = float(shape.integers(0, 180))
        centre = (int(place[0]), int(place[1]))
        size = (int(axes[0]), int(axes[1]))
        cv2.ellipse(labels, centre, size, angle, 0, 360, number + 1, -1)
    return labels


def alternate(*calls: Callable[[], object]) -> list[float]:
    """Median milliseconds of each call, taken in turns."""
    times = np.empty((_REPEATS, len(calls)))
    for call in calls:
        call()
    for turn in range(_REPEATS):
        for index, call in enumerate(calls):
            start = time.perf_counter()
            call()
            times[turn, index] = time.perf_counter() - start
    return [float(each) for each in np.median(times, axis=0) * 1e3]


def main() -> None:
    """Measure and print."""
    rows = {}
    true, pred = crowd(0, 0), crowd(1, 4)
    for dtype in ("uint16", "int32", "int64"):
        first, second = true.astype(dtype), pred.astype(dtype)
        count, score, change = alternate(
            lambda first=first: np.bincount(first.ravel()),
            lambda first=first, second=second: score_instances(first, second),
            lambda first=first, second=second: nucleus_changes(first, second),
        )
        rows[dtype] = {
            "bincount_ms": round(count, 3),
            "scores_ms": round(score, 3),
            "changes_ms": round(change, 3),
            "ratio": round(score / count, 2),
        }
    scores = score_instances(true, pred)
    print(
        json.dumps(
            {
                "benchmark": "metrics",
                "pixels": _SIDE * _SIDE,
                "n_true": scores.n_true,
                "n_pred": scores.n_pred,
                "pq": round(scores.pq, 4),
                "target_ratio": 5,
                "by_dtype": rows,
                "numpy": np.__version__,
                "machine": platform.machine(),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
