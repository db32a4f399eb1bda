"""What every reader of ground truth returns."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

MOST_IDS = 4_000_000
"""Largest id up to which tables by id are made; larger ones have no types."""


@dataclass(frozen=True, slots=True)
class Truth:
    """Nuclei that are known.

    Parameters
    ----------
    labels
        int32 (height, width), 0 = background; ids may have gaps.
    classes
        int64 (n,), n at least the largest id: type of the nucleus with id ``i + 1``,
        1-based into `type_names`, 0 when unknown. None when the file has no types.
    type_names
        Names of the types.
    notes
        Sentences about what the file is that scores depend on.
    """

    labels: NDArray[np.int32]
    classes: NDArray[np.int64] | None = None
    type_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Number of nuclei."""
        if self.labels.max(initial=0) > MOST_IDS:
            return int(np.count_nonzero(np.unique(self.labels)))
        return int(np.count_nonzero(np.bincount(self.labels.ravel())[1:]))


@dataclass(frozen=True, slots=True)
class Frame:
    """The tile that ground truth belongs to.

    Parameters
    ----------
    size
        (width, height) of the tile; None when there is no tile: outlines then reach
        as far as they say.
    name
        File stem of the tile, to find its own part of a file for many tiles.
    index
        Its number in a stack of arrays; None for the only one.
    origin, step
        Where the tile begins in the picture that outlines were drawn on, and how many
        pixels of that picture one pixel of the tile is wide.
    """

    size: tuple[int, int] | None = None
    name: str = ""
    index: int | None = None
    origin: tuple[float, float] = (0.0, 0.0)
    step: float = 1.0


ANY = Frame()


@dataclass(frozen=True, slots=True)
class Outline:
    """One nucleus as drawn.

    Parameters
    ----------
    rings
        Closed lines, float64 (n, 2), x and y. Parts lie side by side; a ring inside
        another one is a hole.
    kind
        Name of its type; empty when unknown.
    """

    rings: tuple[NDArray[np.float64], ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Numbers:
    """Arrays as a file holds them, before anyone knows what they mean.

    Parameters
    ----------
    labels
        Instance ids, or what may be them.
    types
        Type of every pixel, or None.
    classes
        Type by id, or None.
    type_names
        Where the format fixes them.
    notes
        So far.
    """

    labels: NDArray[np.generic]
    types: NDArray[np.generic] | None = None
    classes: NDArray[np.int64] | None = None
    type_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
