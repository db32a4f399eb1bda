"""Tiles with ground truth to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images import read_labels, read_tile
from core.images.synthetic import Stain, synthetic_tile


@dataclass(frozen=True, slots=True)
class Example:
    """One tile and its ground truth.

    Parameters
    ----------
    name
        File stem, or ``synthetic SEED``.
    pixels
        uint8 (h, w, 3).
    labels
        int32 (h, w), 0 = background.
    classes
        int64 (n,), 1-based type of nucleus ``i + 1``, or None when unknown.
    weight
        How often it is drawn, relative to the others.
    since
        First step at which it is drawn.
    """

    name: str
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int32]
    classes: NDArray[np.int64] | None = None
    weight: float = 1.0
    since: int = 0


def read_folder(folder: Path, weight: float = 1.0) -> list[Example]:
    """Read every tile of a folder that has a label image of the same stem.

    Parameters
    ----------
    folder
        Holds ``images/*`` and ``labels/*``.
    weight
        Given to each example.

    Raises
    ------
    InputError
        When nothing is found.
    """
    found = []
    truths = {path.stem: path for path in sorted((folder / "labels").glob("*"))}
    for path in sorted((folder / "images").glob("*")):
        if path.stem in truths:
            pixels = read_tile(path).pixels
            labels = read_labels(truths[path.stem])
            found.append(Example(path.stem, pixels, labels, None, weight))
    if not found:
        raise InputError(
            f"{folder} holds no tiles with ground truth: it needs images/ and labels/ "
            "with the same file stems."
        )
    return found


def synthetic_examples(
    seeds: range, size: int = 256, stain: Stain = "he"
) -> list[Example]:
    """Make synthetic tiles with exact instances and types.

    Parameters
    ----------
    seeds
        One tile each.
    size
        Side in pixels.
    stain
        ``"he"`` at 40x, or ``"ihc"`` at 15x to 40x.
    """
    made = []
    for seed in seeds:
        scale = 1.0 if stain == "he" else 0.4 + 0.6 * ((seed * 0.618034) % 1)
        tile, labels, classes = synthetic_tile(size, seed, scale=scale, stain=stain)
        made.append(Example(tile.source, tile.pixels, labels, classes))
    return made


def draw(examples: Sequence[Example], step: int, rng: np.random.Generator) -> Example:
    """Pick one example with probability in proportion to its weight.

    Parameters
    ----------
    examples
        At least one must be drawn at this step.
    step
        Of the training run, from 0.
    rng
        Source of randomness.
    """
    weights = np.array([e.weight if e.since <= step else 0.0 for e in examples])
    return examples[int(rng.choice(len(examples), p=weights / weights.sum()))]
