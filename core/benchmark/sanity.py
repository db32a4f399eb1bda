"""Whether a tile is like what a model knows: a sentence where it does not seem so.

Judged by what the dense model finds alone: no labels, no other model. How often that
is right is measured by ``python -m benchmarks.unlike``. To read this file, start from
`describe_doubt`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import Prediction

MOST_COVERED = 0.55  # of the tile by nuclei; dense tumours reach 0.45
LARGEST = 0.10  # of the tile by one nucleus, 0.05 on the smallest tiles at hand
LEAST_CONFIDENT = 0.74  # mean foreground probability in nuclei, 0.75 and more at hand
MOST_UNSURE = 0.40  # of the tile with a probability of 0.2 to 0.8, 0.33 at hand
_FEW_PIXELS = 128 * 128  # a nucleus may fill a smaller tile


@dataclass(frozen=True, slots=True)
class Signs:
    """What a model's answer on one tile says of the tile.

    Parameters
    ----------
    count
        Nuclei.
    covered, largest
        Share of the tile that all nuclei, and the largest one, cover.
    confidence
        Mean foreground probability inside nuclei; nan without any.
    unsure
        Share of the tile with a probability of 0.2 to 0.8.
    pixels
        Of the tile.
    """

    count: int
    covered: float
    largest: float
    confidence: float
    unsure: float
    pixels: int


def find_signs(prediction: Prediction, maps: Mapping[str, NDArray[np.uint8]]) -> Signs:
    """Return the signs of one answer.

    Parameters
    ----------
    prediction
        Nuclei of a tile.
    maps
        From `core.nuclei.quantised.quantised`: ``np`` uint8 (height, width).
    """
    labels, foreground = prediction.labels, maps.get("np")
    areas = np.bincount(labels.ravel())[1:]
    inside = labels > 0
    confidence, unsure = float("nan"), 0.0
    if foreground is not None and foreground.shape == labels.shape:
        unsure = float(((foreground > 51) & (foreground < 204)).mean())
        if inside.any():
            confidence = float(foreground[inside].mean()) / 255
    return Signs(
        count=prediction.count,
        covered=float(inside.mean()),
        largest=float(areas.max(initial=0)) / labels.size,
        confidence=confidence,
        unsure=unsure,
        pixels=labels.size,
    )


def describe_doubt(signs: Signs) -> str:
    """Return why a result on a tile is not to be trusted; empty where nothing is odd.

    Parameters
    ----------
    signs
        Of the dense model's answer.
    """
    why = _reason(signs)
    if not why:
        return ""
    return (
        f"{why}: this tile may be unlike what the model was trained on. Do not rely on "
        "its nuclei and scores; check stain, focus and pixel size."
    )


def _reason(signs: Signs) -> str:
    if not signs.count:
        return "The model finds no nucleus"
    if signs.largest > LARGEST and signs.pixels > _FEW_PIXELS:
        return f'One "nucleus" covers {signs.largest:.0%} of the tile'
    if signs.covered > MOST_COVERED:
        return f"Nuclei cover {signs.covered:.0%} of the tile"
    if signs.confidence < LEAST_CONFIDENT:
        return f"The model is unsure of its nuclei (mean {signs.confidence:.2f})"
    if signs.unsure > MOST_UNSURE:
        return f"The model is unsure of {signs.unsure:.0%} of the tile"
    return ""
