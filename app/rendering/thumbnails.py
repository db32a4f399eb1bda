"""Small pictures of tiles."""

import numpy as np
from numpy.typing import NDArray

THUMBNAIL = 144
"""Pixels of the longer side."""


def shrink(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture whose longer side is `THUMBNAIL` pixels at most.

    Parameters
    ----------
    pixels
        uint8 (height, width, 3).
    """
    from PIL import Image

    picture = Image.fromarray(pixels)
    picture.thumbnail((THUMBNAIL, THUMBNAIL), reducing_gap=2.0)
    return np.ascontiguousarray(picture)
