"""What a model and a tile are, whatever their files are called."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from core.benchmark import Bench
    from core.models import LoadedModel

_DIGITS = 16


def hash_contents(loaded: "LoadedModel", bench: "Bench") -> tuple[str, str]:
    """Return hashes of a model's weights, and of its tiles with their ground truth.

    How outputs are read is left out: it is part of the source's name.
    """
    from core.models.weights import digest, portable

    tiles = hashlib.sha256()
    for each in bench.task.tiles:
        for array in (each.tile.pixels, each.labels):
            if array is not None:
                tiles.update(f"{array.dtype}{array.shape}".encode())
                tiles.update(np.ascontiguousarray(array).data)
        tiles.update(f"|{each.target}|{each.tile.mpp}".encode())
    weights = digest(portable(loaded.module))
    return weights[:_DIGITS], tiles.hexdigest()[:_DIGITS]
