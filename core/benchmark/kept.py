"""The dense model's maps of a tile: computed once, and kept on this computer.

To read this file, start from `KeptMaps.restore`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from core.cache import digest, processor_name
from core.kept_maps import read_maps, write_maps

if TYPE_CHECKING:
    from core.nuclei.mosaic import Mosaic


class KeptMaps:
    """Where the maps of one mosaic are kept.

    Parameters
    ----------
    mosaic
        Of which nothing is known yet.
    weights
        Hash of its network's weights.
    """

    def __init__(self, mosaic: Mosaic, weights: str) -> None:
        self._mosaic = mosaic
        self._restored = False
        self.note = ""  # why nothing could be kept, said once
        self._key = find_key(mosaic, weights)

    def restore(self) -> float | None:
        """Fill the mosaic from an earlier run.

        Returns
        -------
        float or None
            Seconds that the network took then; None where nothing is kept.
        """
        kept = read_maps(self._key, self._mosaic.size)
        if kept is None:
            return None
        self._mosaic.restore(kept[0])
        self._restored = True
        return kept[1]

    def save(self, seconds: float) -> None:
        """Keep the maps of the mosaic, which is complete, and how long they took."""
        if not self._restored:
            self.note = write_maps(self._key, self._mosaic.maps, seconds)


def find_key(mosaic: Mosaic, weights: str) -> str:
    """Name all that the maps of a tile depend on: network, tile and settings.

    Values differ in their last bits from processor to processor and from one version
    of torch to the next, so these belong to it.
    """
    model, pixels = mosaic.model, mosaic.tile.pixels
    first = next(model.module.parameters(), None)
    return digest(
        weights,
        model.module,  # its layers as torch prints them
        "cpu" if first is None else (first.device.type, first.dtype),
        model.spec,
        mosaic.cells,
        pixels.shape,
        pixels.tobytes(),
        torch.__version__,
        processor_name(),
    )
