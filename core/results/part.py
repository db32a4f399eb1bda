"""Which part of a tile a result is of, while the rest is still to come."""

from dataclasses import dataclass
from functools import cached_property

from core.rects import Rect, find_box, measure_area


@dataclass(frozen=True)
class Part:
    """The part of a tile that a result is of.

    Parameters
    ----------
    done
        Rectangles that are computed, at least one; they may overlap.
    size
        Width and height of the whole tile, in pixels.
    whole
        Whether all patches are done that were wanted of this part; False while it
        still grows.
    patches
        How many patches of the tile have been through the network, and how many
        there are: 1 where the network takes the tile as it is.
    """

    done: tuple[Rect, ...]
    size: tuple[int, int]
    whole: bool = True
    patches: tuple[int, int] = (0, 1)

    @cached_property
    def box(self) -> Rect:
        """Smallest rectangle around it: arrays of a result are of this."""
        return find_box(self.done)

    @cached_property
    def pixels(self) -> int:
        """Number of pixels that are computed."""
        return measure_area(self.done)

    @property
    def share(self) -> float:
        """Share of the tile that is computed, 0 to 1."""
        return self.pixels / (self.size[0] * self.size[1])

    def covers(self, rect: Rect) -> bool:
        """Whether all pixels of a rectangle are computed."""
        return measure_area(self.done, rect) == rect[2] * rect[3]
