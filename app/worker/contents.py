"""What a model and a tile are, whatever their files are called."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.benchmark import Bench

_DIGITS = 16


def hash_contents(bench: "Bench") -> tuple[str, str]:
    """Return hashes of a model's weights, and of its tiles with their ground truth.

    How outputs are read is left out: it is part of the source's name.
    """
    tiles = hashlib.sha256()
    for each in bench.task.tiles:
        for array in (each.tile.pixels, each.labels):
            if array is not None:
                tiles.update(f"{array.dtype}{array.shape}".encode())
                tiles.update(np.ascontiguousarray(array).data)
        tiles.update(f"|{each.target}|{each.tile.mpp}".encode())
    return bench.prunable.weights_digest[:_DIGITS], tiles.hexdigest()[:_DIGITS]
