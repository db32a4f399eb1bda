"""Patches of colorectal tissue by their dominant type of nucleus.

Made from CoNSeP: 448 pixels at 0.25 um/px, shown as 224 pixels at 0.5 um/px (112 um).
Training and test patches come from the published parts, so no tile is in both.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.training.tiles import TYPES
from core.metrics import centroids
from core.training.data import Example
from core.training.targets import UNKNOWN

CLASSES: tuple[str, ...] = (
    "few nuclei",
    "inflammatory",
    "epithelial",
    "spindle",
)
"""Classes of tissue, from 0. Nuclei of other kinds dominate too few patches."""

SIDE = 224
"""Side of a patch in pixels of 0.5 um."""

FEW = 12
"""Nuclei below which a patch has no dominant type."""

DOMINANT = 0.5
"""Least share of a patch's nuclei that makes a type dominant."""

_SHRINK = 2  # from 0.25 to 0.5 um/px


def tissue_of(kinds: NDArray[np.int64]) -> int:
    """Class of a patch from the types of its nuclei.

    Parameters
    ----------
    kinds
        int64 (n,), types of `TYPES` from 1.

    Returns
    -------
    int
        Index in `CLASSES`, or `UNKNOWN` for mixtures and other dominant types.
    """
    if len(kinds) < FEW:
        return 0
    counts = np.bincount(np.maximum(kinds, 0), minlength=len(TYPES) + 1)
    most = int(counts[1:].argmax()) + 1
    name = TYPES[most - 1]
    if counts[most] < DOMINANT * len(kinds) or name not in CLASSES:
        return UNKNOWN
    return CLASSES.index(name)


def patches_of(tile: Example, stride: int) -> Iterator[Example]:
    """Cut one tile into patches that have a class.

    Parameters
    ----------
    tile
        At 0.25 um/px, with types.
    stride
        Distance of two patches in pixels of the tile. Those at its far sides
        are moved inwards.
    """
    ids, places = centroids(tile.labels)
    assert tile.classes is not None
    kinds = tile.classes[ids - 1]
    side = _SHRINK * SIDE
    height, width = tile.labels.shape
    for top in _starts(height, side, stride):
        for left in _starts(width, side, stride):
            corner = np.array([top, left])
            within = ((places >= corner) & (places < corner + side)).all(axis=1)
            tissue = tissue_of(kinds[within])
            if tissue == UNKNOWN:
                continue
            cut = tile.pixels[top : top + side, left : left + side]
            shown = cv2.resize(cut, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
            yield Example(
                f"{tile.name} {top} {left}",
                np.asarray(shown, np.uint8),
                np.zeros((SIDE, SIDE), np.int32),
                patch=tissue,
            )


def _starts(length: int, side: int, stride: int) -> list[int]:
    last = length - side
    if last < 0:
        return []
    return [*range(0, last, stride), last]


def balanced(patches: Sequence[Example]) -> list[Example]:
    """Weigh patches so that every class is drawn equally often.

    Parameters
    ----------
    patches
        With classes.
    """
    counts = np.bincount([p.patch for p in patches], minlength=len(CLASSES))
    return [replace(p, weight=1 / counts[p.patch]) for p in patches]
