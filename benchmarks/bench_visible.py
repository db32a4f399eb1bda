"""What is on screen first: limits of the visible part, as ratios of one run.

Run ``python -m benchmarks.bench_visible TILE``, a tile of at least 512 pixels; prints
one JSON object. Times are those of the processor, of the worker without a window, so
that other programs change them little. Each is the least of three slider positions.

``part_of_large``
    A part of 500 x 500 pixels of a tile of 4000 x 4000, over a tile of 512 x 512.
``first_quarter``
    Until the middle quarter of 512 x 512 pixels is found, over until all of it is.
``first_patch``
    Until the first patch of HoVer-Net (fast, full width, random weights) is found, over
    one pass of its network.
"""

import argparse
import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from core.benchmark import Bench
from core.images import read_tile
from core.job import Cancelled, Job
from core.models import load_model
from core.results import Outcome
from core.types import LabelledTile, PruneRequest, Tile

_PART = (1750, 1750, 500, 500)
_POSITIONS = (0.5, 0.52, 0.54)


def enlarge(tile: Tile, side: int) -> Tile:
    """Return a tile repeated, every second time mirrored, up to a side in pixels."""
    pixels = tile.pixels
    both = np.concatenate([pixels, pixels[::-1]])
    both = np.concatenate([both, both[:, ::-1]], axis=1)
    times = -(-side // both.shape[0]), -(-side // both.shape[1]), 1
    large = np.tile(both, times)[:side, :side]
    return Tile(np.ascontiguousarray(large), tile.mpp, "large.png")


def open_bench(model: Any, tile: Tile, job: Job, before: Bench | None = None) -> Bench:
    """Open a tile, of a large one only what is looked at."""
    tiles = [LabelledTile("tile", tile)]
    calibration = [enlarge(tile, 512)] if before is None else None
    return Bench.open_tiles(
        model, tiles, job, calibration=calibration, before=before, first=True
    )


def measure_frames(bench: Bench, job: Job) -> tuple[float, float]:
    """Return seconds until something, and until all that is asked for, is found."""
    bench.prune(PruneRequest("l2", 0.48), job)  # statistics are read once
    found = [_time_frame(bench, job, position) for position in _POSITIONS]
    return min(first for first, _ in found), min(end for _, end in found)


def _time_frame(bench: Bench, job: Job, position: float) -> tuple[float, float]:
    start, seen = time.process_time(), []

    def live(_: Outcome) -> None:
        seen.append(time.process_time() - start)

    bench.prune(PruneRequest("l2", position), job, live)
    end = time.process_time() - start
    return (seen[0] if seen else end), end


def measure_first_patch(tile: Tile) -> tuple[float, float]:
    """Return seconds until HoVer-Net's first patch, and of its pruned network."""
    model, job = load_model("hovernet-fast"), Job()
    bench = open_bench(model, enlarge(tile, 600), job)
    request = PruneRequest("l2", 0.5, recovery="none")
    start, seen = time.process_time(), []

    def stop(_: Outcome) -> None:
        seen.append(time.process_time() - start)
        job.cancel()

    job.look(None, only=True)
    with contextlib.suppress(Cancelled):
        bench.prune(request, job, stop)
    module, _ = bench.pruned(request)
    side = model.spec.window[0]  # what a patch is fed with
    inputs = bench.example()[..., :side, :side].contiguous()
    return seen[0], _time(lambda: module(inputs))


def _time(call: Callable[[], object]) -> float:
    import torch

    start = time.process_time()
    with torch.inference_mode():
        call()
    return time.process_time() - start


def main() -> None:
    """Measure, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tile")
    parser.add_argument("--without-hovernet", action="store_true")
    given = parser.parse_args()
    tile = read_tile(given.tile)
    model, look = load_model("demo"), Job()
    small = open_bench(model, enlarge(tile, 512), Job())
    quarter, whole = measure_frames(small, Job())
    look.look(_PART, only=True)
    large = open_bench(model, enlarge(tile, 4000), look, small)
    _, part = measure_frames(large, look)
    found = {
        "seconds": {"quarter": quarter, "whole": whole, "part": part},
        "first_quarter": quarter / whole,
        "part_of_large": part / whole,
    }
    if not given.without_hovernet:
        first, own = measure_first_patch(tile)
        found["first_patch"] = first / own
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
