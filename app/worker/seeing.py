"""What a round found, as the list and the heat map show it: arrays only.

Runs on the worker thread, after every change of the slider.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.rendering.overlay import largest_pyramid
from app.state.values import Events, Labels, RawMap

if TYPE_CHECKING:
    from core.metrics import NucleusChanges

RAW_NAMES = {"np": "foreground", "dist": "shape", "hv": "shape"}


def events_of(changes: "NucleusChanges", before: Labels, after: Labels) -> Events:
    """Return what became of nuclei as columns.

    Parameters
    ----------
    changes
        From `core.metrics.nucleus_changes`.
    before, after
        The label maps that they are between, int32 (height, width).
    """
    found = changes.events
    if not found:
        return Events.none()
    sizes = np.bincount(before.ravel()), np.bincount(after.ravel())
    places = np.array([event.place for event in found])
    kinds = [int(event.kind) - 1 for event in found]
    types = np.array([(event.before_class, event.after_class) for event in found])
    return Events(
        np.array(kinds, np.int8),
        types[:, 0].astype(np.int16),
        types[:, 1].astype(np.int16),
        _areas(sizes[0], [event.before for event in found]),
        _areas(sizes[1], [event.after for event in found]),
        np.array([event.iou for event in found], np.float32),
        places[:, 1],
        places[:, 0],
    )


def _areas(
    sizes: NDArray[np.int64], members: list[tuple[int, ...]]
) -> NDArray[np.int64]:
    """Return the pixels of all nuclei of each event."""
    ids = np.array([one for ids in members for one in ids], np.int64)
    owner = np.repeat(np.arange(len(members)), [len(ids) for ids in members])
    total = np.bincount(owner, weights=sizes[ids], minlength=len(members))
    return total.astype(np.int64)


def raw_of(
    moved: Mapping[str, NDArray[np.uint8]],
    tops: Mapping[str, float],
    size: tuple[int, int],
) -> dict[str, RawMap]:
    """Return differences of raw outputs as the panes draw them.

    Parameters
    ----------
    moved, tops
        See `core.nuclei.quantised`.
    size
        Height and width of the tile.
    """
    return {
        RAW_NAMES[name]: RawMap(
            largest_pyramid(values), -(-size[0] // values.shape[0]), tops[name]
        )
        for name, values in moved.items()
    }
