"""Where there is tissue on a slide, found at low power."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.images import Slide
    from core.wholeslide.grid import SlideGrid

_PIXELS_A_PATCH = 12  # of the overview along one side of a patch
_SIDES = (512, 4096)  # smallest and largest overview
_LEAST_DENSITY = 0.06  # optical density of the palest tissue
_BLACK = 8  # no tissue is darker; scanners fill what they did not scan


def tissue_mask(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell tissue from glass.

    Tissue absorbs light: its optical density in the darkest channel is above
    0.06 of the brightest twentieth of the picture, which is glass on any slide that
    has some.

    Parameters
    ----------
    pixels
        uint8 (height, width, 3).

    Returns
    -------
    array
        bool (height, width).
    """
    darkest = cv2.medianBlur(np.ascontiguousarray(pixels.min(axis=2)), 3)
    bright = float(np.percentile(pixels.max(axis=2), 95))
    glass = min(max(bright, 200.0), 255.0)
    limit = glass * 10**-_LEAST_DENSITY
    scanned = pixels.max(axis=2) > _BLACK
    found = (np.asarray(darkest) < limit) & scanned
    return np.asarray(found, np.bool_)


def find_tissue(slide: Slide, grid: SlideGrid) -> tuple[NDArray[np.bool_], str]:
    """Find the patches that hold tissue.

    Parameters
    ----------
    slide
        Open; its coarse levels are read.
    grid
        Of the patches.

    Returns
    -------
    patches
        bool (rows, columns). A patch next to tissue counts, so that no nucleus at
        the rim is lost.
    note
        A sentence where nothing could be told; else empty.
    """
    side = int(np.clip(_PIXELS_A_PATCH * max(grid.shape), *_SIDES))
    try:
        overview = slide.overview(side).pixels
    except InputError:
        note = (
            f"{slide.path.name} has no coarse level to find tissue on, so all of it "
            "is read."
        )
        return np.ones(grid.shape, np.bool_), note
    mask = tissue_mask(overview).astype(np.uint8)
    mask = np.asarray(cv2.dilate(mask, np.ones((3, 3), np.uint8)))
    sums = cv2.integral(mask)
    edges = [
        _edges([span.place for span in line], whole, size)
        for line, whole, size in (
            (grid.rows, grid.size[1], mask.shape[0]),
            (grid.columns, grid.size[0], mask.shape[1]),
        )
    ]
    (top, bottom), (left, right) = edges
    share = (
        sums[bottom][:, right] - sums[top][:, right]
        - sums[bottom][:, left] + sums[top][:, left]
    )  # fmt: skip
    return np.asarray(share > 0, np.bool_), ""


def _edges(
    places: list[slice], whole: int, size: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last pixel of the overview that each patch touches."""
    starts = np.array([place.start * size // whole for place in places])
    stops = np.array([-(-place.stop * size // whole) for place in places])
    return starts, np.maximum(stops, starts + 1).clip(max=size)
