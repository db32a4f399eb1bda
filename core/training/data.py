"""Tiles with ground truth to learn from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images import frame_of, read_labels, read_tile
from core.images.synthetic import Stain, synthetic_tile
from core.nuclei import labels_to_model_grid, to_model_grid
from core.training.targets import UNKNOWN
from core.types import ModelSpec, Tile


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
        int64 (n,), 1-based type of nucleus ``i + 1`` or `UNKNOWN`, or None when no
        nucleus has a type.
    weight
        How often it is drawn, relative to the others.
    since
        First step at which it is drawn.
    known
        Whether there is ground truth. Without it `labels` is all background and
        the tile is learned from a teacher's outputs only.
    patch
        Class of the whole tile, from 0, for patch classifiers; `UNKNOWN` for all
        others.
    """

    name: str
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int32]
    classes: NDArray[np.int64] | None = None
    weight: float = 1.0
    since: int = 0
    known: bool = True
    patch: int = UNKNOWN


def read_folder(
    folder: Path, weight: float = 1.0, spec: ModelSpec | None = None
) -> list[Example]:
    """Read every tile of a folder that has a label image of the same stem.

    Parameters
    ----------
    folder
        Holds ``images/*`` and ``labels/*``, and perhaps ``types/*.csv``: the type of
        each nucleus, from 1, a line for each label in turn.
    weight
        Given to each example.
    spec
        Of the model that learns: tiles of another pixel size, and their labels, are
        resampled to its own.

    Raises
    ------
    InputError
        When nothing is found, a label image has another size than its tile, or
        types do not fit their labels.
    """
    found = []
    truths = {path.stem: path for path in sorted((folder / "labels").glob("*"))}
    for path in sorted((folder / "images").glob("*")):
        if path.stem in truths:
            tile = read_tile(path)
            pixels = tile.pixels
            labels = read_labels(truths[path.stem], frame_of(tile, path))
            if labels.shape != pixels.shape[:2]:
                raise InputError(
                    f"{truths[path.stem].name} and {path.name} differ in size: give "
                    "the labels of that tile."
                )
            classes = _types(folder / "types" / f"{path.stem}.csv", labels)
            if spec is not None:
                pixels = to_model_grid(tile, spec).pixels
                labels = labels_to_model_grid(labels, pixels.shape)
            found.append(Example(path.stem, pixels, labels, classes, weight))
    if not found:
        raise InputError(
            f"{folder} holds no tiles with ground truth: it needs images/ and labels/ "
            "with the same file stems."
        )
    return found


def types_of_labels(
    labels: NDArray[np.int32], kinds: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Most frequent type among the pixels of each nucleus.

    Parameters
    ----------
    labels
        int32 (h, w), 0 = background; numbers may have gaps.
    kinds
        int32 (h, w), type of each pixel from 1, 0 where there is none.

    Returns
    -------
    array
        int64 (n,), type of nucleus ``i + 1``; `UNKNOWN` where no pixel has one.

    Raises
    ------
    InputError
        When the two differ in size.
    """
    if kinds.shape != labels.shape:
        raise InputError(
            f"The type image is {kinds.shape[1]} x {kinds.shape[0]} pixels and the "
            f"labels are {labels.shape[1]} x {labels.shape[0]}: give the types of "
            "those labels."
        )
    typed = (labels > 0) & (kinds > 0)
    width = int(kinds.max(initial=0)) + 1
    pairs, votes = np.unique(
        labels[typed].astype(np.int64) * width + kinds[typed], return_counts=True
    )
    found = np.full(int(labels.max(initial=0)), UNKNOWN, np.int64)
    # of equal votes the smaller type wins: it is written last
    order = np.lexsort((-pairs, votes))
    found[pairs[order] // width - 1] = pairs[order] % width
    return found


def _types(path: Path, labels: NDArray[np.int32]) -> NDArray[np.int64] | None:
    """Read the types of a tile's nuclei, if there are any."""
    if not path.is_file():
        return None
    try:
        types = np.array(path.read_text(encoding="utf-8").split(), np.int64)
    except ValueError:
        raise InputError(
            f"{path.name} does not hold types: write whole numbers from 1, one a line."
        ) from None
    count = int(labels.max(initial=0))
    if len(types) < count or (len(types) and types.min() < 1):
        raise InputError(
            f"{path.name} holds {len(types)} types for {count} labels: write one type "
            "for each label, from 1."
        )
    return types


def unlabelled(tiles: Sequence[Tile], weight: float = 1.0) -> list[Example]:
    """Turn tiles without ground truth into examples for a teacher.

    Parameters
    ----------
    tiles
        Any size.
    weight
        Given to each example.
    """
    return [
        Example(
            tile.source or f"tile {number}",
            tile.pixels,
            np.zeros(tile.pixels.shape[:2], np.int32),
            weight=weight,
            known=False,
        )
        for number, tile in enumerate(tiles, start=1)
    ]


def read_classes(folder: Path, classes: Sequence[str]) -> list[Example]:
    """Read tiles of a patch classifier: one sub-folder for each class.

    Parameters
    ----------
    folder
        Holds ``CLASS/*`` for (some of) `classes`.
    classes
        Names in the order of the network's outputs.

    Raises
    ------
    InputError
        When no sub-folder bears the name of a class, or all are empty.
    """
    found = [
        replace(example, known=True, patch=number)
        for number, name in enumerate(classes)
        for path in sorted((folder / name).glob("*"))
        for example in unlabelled([read_tile(path)])
    ]
    if not found:
        raise InputError(
            f"{folder} holds no tiles by class: it needs sub-folders such as "
            f"{', '.join(classes[:3])} with images in them."
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
