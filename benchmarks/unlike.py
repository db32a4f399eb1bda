"""How often the sanity line is right: ``python -m benchmarks.unlike [DATA]``.

Tiles with ground truth on which the dense model does well (AJI of at least 0.3) should
get no word; made-up tiles that no model can know, and tiles on which it fails, should.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.benchmark.sanity import describe_doubt, find_signs
from core.benchmark.tasks.nuclei import NucleiTask
from core.metrics import score_instances
from core.models import load_model
from core.sweep import read_folder
from core.types import LabelledTile, Tile

SIDE = 512
GOOD = 0.3  # AJI of the dense model
FOLDERS = ("dsb2018_stained", "tnbc", "tnbc_naylor", "consep/test")
Pixels = NDArray[np.uint8]


def spoiled(pixels: Pixels) -> Iterator[tuple[str, Pixels]]:
    """Yield versions of a tile that no model of nuclei can do well on."""
    yield "white", np.full_like(pixels, 255)
    yield "grey", np.full_like(pixels, 200)
    yield "black", np.zeros_like(pixels)
    for share in (0.25, 0.1):
        yield f"dark {share:g}", (pixels * share).astype(np.uint8)
    yield "blurred", np.asarray(cv2.GaussianBlur(pixels, (0, 0), 8.0), np.uint8)
    yield "inverted", 255 - pixels
    height, width = pixels.shape[:2]
    for name, colour in (("blue", (20, 40, 160)), ("green", (30, 90, 40))):
        marked = pixels.copy()
        cv2.line(marked, (0, height // 3), (width, height // 2), colour, height // 4)
        yield f"{name} pen", marked


def tiles(data: Path, most: int) -> Iterator[tuple[str, LabelledTile]]:
    """Yield evenly spaced tiles of every folder that is there."""
    for name in FOLDERS:
        if not (data / name).is_dir():
            continue
        found = read_folder(data / name).tiles
        for one in found[:: max(len(found) // most, 1)][:most]:
            yield name, one


def cut(one: LabelledTile) -> LabelledTile:
    """Return the first corner of a tile, large ones would only take longer."""
    pixels = np.ascontiguousarray(one.tile.pixels[:SIDE, :SIDE])
    labels = None if one.labels is None else one.labels[:SIDE, :SIDE].copy()
    return LabelledTile(one.name, Tile(pixels, one.tile.mpp), labels)


def main(data: Path, most: int = 6) -> int:
    """Print what is said of each kind of tile, and how often that is right."""
    model = load_model("demo")

    def judge(one: LabelledTile) -> tuple[str, float]:
        answer = NucleiTask(model, [one], keep_maps=True).predict(model.module, 0)
        aji = float("nan")
        if one.labels is not None:
            aji = score_instances(one.labels, answer.prediction.labels).aji
        return describe_doubt(find_signs(answer.prediction, answer.maps)), aji

    quiet, warned, failed = [0, 0], [0, 0], [0, 0]
    for folder, whole in tiles(data, most):
        one = cut(whole)
        said, aji = judge(one)
        row = quiet if aji >= GOOD else failed
        row[0] += bool(said) == (aji < GOOD)
        row[1] += 1
        print(f"{folder:<16} {one.name[:24]:<24} AJI {aji:.2f}  {said[:60]}")
        if whole is one or row is failed or row[1] % 2:
            continue
        for name, pixels in spoiled(one.tile.pixels):
            said, _ = judge(LabelledTile(name, Tile(pixels, one.tile.mpp)))
            warned[0] += bool(said)
            warned[1] += 1
            print(f"{'':<16} {name:<24} {'':<9} {said[:60]}")
    for words, (right, total) in (
        ("good tiles without a word", quiet),
        ("spoiled tiles with one", warned),
        ("tiles that the model fails on, with one", failed),
    ):
        print(f"{words}: {right} of {total}")
    return 0


if __name__ == "__main__":
    place = sys.argv[1] if len(sys.argv) > 1 else "../shared/data"
    sys.exit(main(Path(place)))
