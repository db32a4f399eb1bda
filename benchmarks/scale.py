"""How much a model loses on tiles of coarser pixels, with and without resampling.

``python -m benchmarks.scale --data ../shared/data``: test tiles of CoNSeP are shrunk to
0.5 and 1.0 µm per pixel, their labels with them, and scored on their own pixels.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from core.images import read_labels, read_tile
from core.metrics import score_instances
from core.models import load_model
from core.nuclei import predict
from core.types import Tile

_FACTORS = (1, 2, 4)


def main() -> None:
    """Print mean AJI and counts for each pixel size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--tiles", type=int, default=4)
    asked = parser.parse_args()
    model = load_model(asked.model)
    folder = asked.data / "consep" / "test"
    rows = []
    for path in sorted((folder / "images").iterdir())[: asked.tiles]:
        labels = read_labels(next((folder / "labels").glob(f"{path.stem}.*")))
        pixels = read_tile(path).pixels
        rows.append([_score(model, pixels, labels, factor) for factor in _FACTORS])
    found = np.array(rows).mean(axis=0)
    for factor, (aji, count, plain, left) in zip(_FACTORS, found, strict=True):
        print(
            f"{0.25 * factor:4g} µm  AJI {aji:.3f} ({aji / found[0, 0]:.2f} of that at "
            f"0.25), {count:.0f} nuclei ({count / found[0, 1]:.2f}); "
            f"not resampled: AJI {plain:.3f}, {left:.0f} nuclei"
        )


def _score(
    model: object, pixels: np.ndarray, labels: np.ndarray, factor: int
) -> tuple[float, ...]:
    size = labels.shape[1] // factor, labels.shape[0] // factor
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    truth = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT)
    scores: list[float] = []
    tile = Tile(small, 0.25 * factor)
    for each in (tile, replace(tile, rescale=False)):
        found = predict(model, each)
        scores += [score_instances(truth, found.labels).aji, found.count]
    return tuple(scores)


if __name__ == "__main__":
    main()
