"""A tile as the panes draw it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Argb = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Picture:
    """A tile as the panes draw it.

    Parameters
    ----------
    levels
        uint32 0xffRRGGBB at full, half, quarter... size.
    name
        Shown to the user.
    mpp
        Micrometres per pixel, or None when unknown.
    """

    levels: tuple[Argb, ...]
    name: str
    mpp: float | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.levels[0].shape
        return width, height
