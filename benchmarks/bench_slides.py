"""How long the window takes to show a slide of 100,000 x 100,000 pixels.

Run ``python -m benchmarks.bench_slides [--side 100000] [--rounds 5]``. A pyramidal
TIFF is written lazily (its tiles are all alike), then read the way the window reads
it: the overview, and a part as a tile. Prints JSON: seconds of wall clock and of the
processor, and the memory that reading added to the process.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import psutil
import tifffile

from app.worker.reading import read_tile_first
from app.worker.slides import SlideMaps
from core.sources import Source, TileRegion

_TILE = 1024
_MPP = 0.25


def write_pyramid(path: Path, side: int) -> None:
    """Write a pyramidal TIFF whose tiles are all alike; each is packed once."""
    rng = np.random.default_rng(0)
    block = rng.integers(120, 240, (_TILE, _TILE, 3), np.uint8)
    packed = imagecodecs.jpeg_encode(block, level=60)
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        level = side
        while level >= _TILE // 2:
            tiff.write(
                iter([packed] * (-(-level // _TILE)) ** 2),
                shape=(level, level, 3),
                dtype=np.uint8,
                tile=(_TILE, _TILE),
                photometric="ycbcr",
                compression="jpeg",
                metadata=None,
                subfiletype=int(level < side),
                resolution=(1e4 / _MPP * level / side,) * 2,
                resolutionunit=3,
            )
            level //= 2


def timed(call: Callable[[], object], rounds: int) -> dict[str, float]:
    """Return median and spread of a call, in seconds."""
    walls, cpus = [], []
    for _ in range(rounds):
        wall, cpu = time.monotonic(), time.process_time()
        call()
        walls.append(time.monotonic() - wall)
        cpus.append(time.process_time() - cpu)
    return {
        "wall_median": round(statistics.median(walls), 3),
        "wall_max": round(max(walls), 3),
        "cpu_median": round(statistics.median(cpus), 3),
        "cpu_max": round(max(cpus), 3),
    }


def main() -> None:
    """Write the slide, read it, print what that took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "slide.tif"
        write_pyramid(path, asked.side)
        middle = asked.side // 2
        whole = Source("file", str(path))
        part = replace(whole, view=TileRegion((middle, middle, 2048, 2048)))
        read_tile_first(
            replace(whole, view=TileRegion((0, 0, 8, 8)))
        )  # imports are not what is measured
        process = psutil.Process()
        before = process.memory_info().rss
        overview = timed(lambda: SlideMaps().find(whole), asked.rounds)
        shown = process.memory_info().rss
        tile = timed(lambda: read_tile_first(part), asked.rounds)
        found = {
            "side": asked.side,
            "file_mb": round(path.stat().st_size / 1e6),
            "overview": overview,
            "overview_mb": round((shown - before) / 1e6),
            "tile_2048": tile,
            "both_mb": round((process.memory_info().rss - before) / 1e6),
        }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
