"""A tile as the panes draw it."""

from dataclasses import dataclass, field

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
    size
        Width and height in pixels.
    """

    levels: tuple[Argb, ...]
    name: str
    mpp: float | None = None
    size: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        height, width = self.levels[0].shape
        object.__setattr__(self, "size", (width, height))
