"""One tile with its ground truth, from the files of an `Entry`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.images.checks import decoded
from core.images.labels.numbers import check_labels, describe_fit
from core.images.labels.reading import frame_of, read_truth
from core.images.limits import check_size
from core.images.pixels import Raw, to_rgb8
from core.images.reading import read_tile
from core.types import Tile

if TYPE_CHECKING:
    from pathlib import Path

    from core.images.datasets.pairs import Entry
    from core.images.labels.truth import Truth


@dataclass(frozen=True, slots=True)
class Labelled:
    """A tile and what is known about it.

    Parameters
    ----------
    tile
        Its notes tell of the ground truth as well.
    truth
        Or None.
    """

    tile: Tile
    truth: Truth | None


def read_entry(entry: Entry) -> Labelled:
    """Read a tile and its ground truth.

    Raises
    ------
    InputError
        When either cannot be used, or they do not fit each other.
    """
    tile = (
        read_tile(entry.image)
        if entry.index is None
        else _from_stack(entry.image, entry.index)
    )
    return with_truth(tile, entry.label, entry.index, entry.image)


def with_truth(
    tile: Tile, label: Path | None, index: int | None = None, image: Path | None = None
) -> Labelled:
    """Read the ground truth of a tile.

    Parameters
    ----------
    tile
        The image.
    label
        File or folder, or None.
    index
        Number of the tile in a stack.
    image
        File of the tile, whose name chooses among several pictures.

    Raises
    ------
    InputError
        When it cannot be used, or does not fit the tile.
    """
    if label is None:
        return Labelled(tile, None)
    truth = read_truth(label, frame_of(tile, image or "", index))
    return put_together(tile, truth, label.name)


def put_together(tile: Tile, truth: Truth, name: str) -> Labelled:
    """Return a tile with its ground truth, and the notes of both.

    Parameters
    ----------
    tile, truth
        Of the same size.
    name
        Of the file of the ground truth.

    Raises
    ------
    InputError
        When the ground truth does not fit the tile.
    """
    try:
        check_labels(tile, truth.labels)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    notes = (*tile.notes, *truth.notes, *describe_fit(tile, truth.labels))
    return Labelled(replace(tile, notes=notes), truth)


def _from_stack(path: Path, index: int) -> Tile:
    """Read one picture of an array of pictures (PanNuke, CoNIC)."""

    def read() -> Tile:
        stack = np.load(path, mmap_mode="r", allow_pickle=False)
        if stack.ndim != 4 or stack.shape[3] != 3 or not 0 <= index < len(stack):
            raise InputError(
                f"{path.name} has the shape {stack.shape}, which is no stack of RGB "
                "pictures; save the tiles as PNG."
            )
        check_size((stack.shape[2], stack.shape[1]), path.name, "crop them")
        pixels = to_rgb8(Raw(np.asarray(stack[index])), path.name)
        return Tile(pixels, None, f"{path} {index + 1}")

    return decoded(path, read)
