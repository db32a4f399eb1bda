"""A network's raw maps in bytes, and how far they moved.

A difference overlay needs no more than 256 steps, and a bench keeps the dense
model's maps for as long as a tile is open.
"""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from core.nuclei.outputs import Maps

Bytes = NDArray[np.uint8]
TOPS: Mapping[str, float] = {"np": 1.0, "dist": 1.0, "hv": 2.0}
"""What a difference of 255 stands for, by map."""
_RANGES = {"np": (0.0, 1.0), "dist": (0.0, 1.0), "hv": (-1.0, 1.0)}
_MOST = 4_000_000  # pixels; larger differences are kept in blocks


def quantised(maps: Maps) -> dict[str, Bytes]:
    """Return the maps that separate nuclei in bytes.

    Parameters
    ----------
    maps
        From `core.nuclei.forward` or `raw_maps`.

    Returns
    -------
    dict
        ``np`` and ``dist`` uint8 (h, w), 0 to 1; or ``hv`` uint8 (2, h, w), -1 to 1.
        What is outside is cut off: no reader looks at it.
    """
    found = {}
    for name, (low, high) in _RANGES.items():
        if name in maps:
            scale = 255 / (high - low)
            values = np.asarray(maps[name], np.float32)
            # One pass that scales, rounds and cuts off.
            stretched = cv2.addWeighted(
                values, scale, values, 0, -low * scale, dtype=cv2.CV_8U
            )
            found[name] = np.asarray(stretched, np.uint8)
    return found


def moved(before: Mapping[str, Bytes], after: Mapping[str, Bytes]) -> dict[str, Bytes]:
    """Return the absolute difference of two sets of maps.

    Parameters
    ----------
    before, after
        From `quantised`, of one tile.

    Returns
    -------
    dict
        By map, uint8 (h / s, w / s): 255 stands for `TOPS`. Of ``hv`` the larger
        one of both directions. ``s`` is 1, or on very large tiles the power of two
        from which blocks keep their largest value, so that none is left out.
    """
    found = {}
    for name in before.keys() & after.keys():
        change = cv2.absdiff(before[name], after[name])
        flat = np.asarray(change, np.uint8)
        found[name] = blocks(flat.max(axis=0) if flat.ndim == 3 else flat)
    return found


def blocks(values: Bytes) -> Bytes:
    """Halve an image, the largest value of each block kept, until it is small."""
    while values.size > _MOST:
        height, width = (side + side % 2 for side in values.shape)
        even = np.zeros((height, width), np.uint8)
        even[: values.shape[0], : values.shape[1]] = values
        rows = np.maximum(even[0::2], even[1::2])
        values = np.maximum(rows[:, 0::2], rows[:, 1::2])
    return values
