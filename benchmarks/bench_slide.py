"""A slide of any size from end to end: time by stage, and peak memory.

Run ``python -m benchmarks.bench_slide --side 20000``; makes a pyramidal slide out of
a tissue tile (mirrored on, with glass around it), runs ``prunescope slide`` in a
process of its own and prints one JSON object. Targets on two cores with the demo
model: the network takes at least 85 % of the time of all stages, and memory stays
below 2 GB whatever the side. The slide of 20,000 pixels takes hours with both models
(about 2,700 patches): name a folder with ``--out``, and a run that was stopped goes on
there. Every nucleus of the GeoJSON is read again, one at a time.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import tifffile
from numpy.typing import NDArray

from core.images import read_tile

_TILE = 512
_GLASS = 245
_BORDER = 0.04  # of the side, on each side
_LEVELS = 4
_EVERY = 0.05  # seconds between two looks at the memory
_NOTED = 1_000_000  # bytes by which the largest memory grows before it is written


def mosaic(
    tissue: NDArray[np.uint8], side: int, corner: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return one tile of a slide made of a mirrored tissue tile."""
    border = int(side * _BORDER)
    lines = []
    for start, period in zip(corner, tissue.shape[:2], strict=True):
        place = np.arange(start, start + _TILE)
        glass = (place < border) | (place >= side - border)
        turn, rest = np.divmod(place, period)
        lines.append((np.where(turn % 2 == 0, rest, period - 1 - rest), glass))
    (rows, above), (columns, before) = lines
    found = tissue[rows][:, columns].copy()
    found[above] = _GLASS
    found[:, before] = _GLASS
    return found


def write_slide(path: Path, tissue: NDArray[np.uint8], side: int, mpp: float) -> None:
    """Write a pyramid, tile by tile."""

    def tiles(small: NDArray[np.uint8], length: int) -> Iterator[NDArray[np.uint8]]:
        for y in range(0, length, _TILE):
            for x in range(0, length, _TILE):
                yield mosaic(small, length, (y, x))

    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        for level in range(_LEVELS):
            step = 2**level
            height, width = (length // step for length in tissue.shape[:2])
            small = cv2.resize(tissue, (width, height), interpolation=cv2.INTER_AREA)
            length = side // step
            tiff.write(
                tiles(np.asarray(small, np.uint8), length),
                shape=(length, length, 3),
                dtype=np.uint8,
                tile=(_TILE, _TILE),
                photometric="rgb",
                compression="jpeg",
                compressionargs={"level": 90},
                metadata=None,
                subfiletype=int(level > 0),
                resolution=(1e4 / (mpp * step),) * 2,
                resolutionunit="CENTIMETER",
            )


def run(command: list[str], kept: Path) -> tuple[float, float]:
    """Run a command; returns seconds and the largest memory in bytes.

    The largest memory is kept in a file, so that it counts the parts of a run that
    was stopped.
    """
    start = time.perf_counter()
    peak = int(kept.read_text()) if kept.is_file() else 0
    child = psutil.Popen(command, stdout=subprocess.DEVNULL)
    while child.poll() is None:
        try:
            now = child.memory_info().rss
        except psutil.Error:
            break
        if now > peak + _NOTED:
            kept.write_text(str(now))
        peak = max(peak, now)
        time.sleep(_EVERY)
    if child.wait():
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return time.perf_counter() - start, peak


def read_nuclei(path: Path, side: int) -> int:
    """Count the nuclei of a GeoJSON, one line at a time, and check each.

    Raises
    ------
    SystemExit
        When one is no closed polygon on the slide, or two have the same name.
    """
    names: set[str] = set()
    with path.open(encoding="utf-8") as file:
        next(file)
        for line in file:
            if line.startswith("]}"):
                return len(names)
            feature = json.loads(line.rstrip().rstrip(","))
            shape = feature["geometry"]
            single = shape["type"] == "Polygon"
            parts = [shape["coordinates"]] if single else shape["coordinates"]
            right = all(_is_ring(ring, side) for part in parts for ring in part)
            if not right or feature["id"] in names:
                raise SystemExit(f"{path} holds a wrong nucleus: {line[:200]}")
            names.add(feature["id"])
    raise SystemExit(f"{path} has no end")


def _is_ring(ring: list[list[float]], side: int) -> bool:
    outline = np.array(ring)
    inside = outline.min() >= 0 and outline.max() <= side
    return len(outline) > 3 and inside and np.array_equal(outline[0], outline[-1])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=20_000)
    parser.add_argument("--tissue", default="../shared/data/tiles/he_breast_1000.png")
    parser.add_argument("--model", default="demo")
    parser.add_argument("--plan", default="demo-90", help="or none")
    parser.add_argument("--threads", type=int, default=0, help="0: as torch decides")
    parser.add_argument("--out", help="where slide and results are kept")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(asked, Path(asked.out or folder)), indent=2))


def measure(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run a slide, or go on with it, and return what is printed."""
    folder.mkdir(parents=True, exist_ok=True)
    slide, out = folder / f"slide{asked.side}.tif", folder / "out"
    if not slide.is_file():
        part = slide.with_name(f"part-{slide.name}")
        write_slide(part, read_tile(asked.tissue).pixels, asked.side, 0.25)
        part.replace(slide)
    command = [sys.executable, "-m", "app", "slide", "--model", asked.model]
    command += ["--slide", str(slide), "--out", str(out)]
    command += [] if asked.plan == "none" else ["--plan", asked.plan]
    command += ["--threads", str(asked.threads)] if asked.threads else []
    seconds, peak = run(command, folder / "peak_memory.txt")
    found = json.loads((out / "summary.json").read_text())
    written = [
        read_nuclei(out / f"{name}.geojson", asked.side)
        for name, _ in zip(("dense", "pruned"), found["models"], strict=False)
    ]
    nuclei = [each["nuclei"] for each in found["models"]]
    return {
        "side": asked.side,
        "slide_mb": slide.stat().st_size / 1e6,
        "seconds": seconds,
        "peak_memory_mb": peak / 1e6,
        "log_mb": (out / "run.sqlite").stat().st_size / 1e6,
        "patches": found["patches"],
        "nuclei": nuclei,
        "nuclei read from GeoJSON": written,
        "time": found["time"],
        "targets": {
            "network share at least 0.85": found["time"]["shares"]["network"],
            "memory below 2000 MB": peak / 1e6,
        },
    }


if __name__ == "__main__":
    main()
