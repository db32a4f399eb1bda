"""Label images to polygons along the edges of pixels, so that nothing is rounded.

The polygons of a nucleus cover its pixels exactly: filled again, they give the same
labels. To read this file, start from `polygons`.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

Point = tuple[int, int]
Ring = list[Point]
Polygon = list[Ring]  # outer ring first, then its holes

# Right, down, left, up, with y growing downwards; turning right is one further.
_STEPS = ((1, 0), (0, 1), (-1, 0), (0, -1))
# From the corner where an edge starts to the pixel on its right hand.
_INSIDE = ((0, 0), (-1, 0), (-1, -1), (0, -1))


def boxes(labels: NDArray[np.int32]) -> Iterator[tuple[int, slice, slice]]:
    """Give each label that occurs with the rows and columns it lies in.

    Nothing but the boxes is held meanwhile, however large the image.

    Parameters
    ----------
    labels
        int32 (height, width), 0 for background.
    """
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            rows, columns = box
            yield number, rows, columns


def polygons(mask: NDArray[np.bool_], corner: Point = (0, 0)) -> list[Polygon]:
    """Return the outlines of a mask: a polygon for each 4-connected piece.

    Parameters
    ----------
    mask
        bool (height, width).
    corner
        x and y of its first pixel's upper left corner.

    Returns
    -------
    list of polygons
        Of closed rings of x and y, the outer one first. Rings do not cross or
        touch themselves; they may touch each other in a corner, as the Simple
        Features standard allows.
    """
    padded = np.pad(mask, 1).astype(np.uint8)
    count, pieces = cv2.connectedComponents(padded, connectivity=4)
    found: list[Polygon] = [[] for _ in range(count - 1)]
    ends = _edges(padded.astype(bool))
    while ends:
        for ring, pixel in _walk(ends):
            polygon = found[int(pieces[pixel[1], pixel[0]]) - 1]
            # y grows downwards: outer rings, walked with the inside to the
            # right, have a positive area.
            place = 0 if _area(ring) > 0 else len(polygon)
            shifted = [(x - 1 + corner[0], y - 1 + corner[1]) for x, y in ring]
            polygon.insert(place, shifted)
    return found


def _edges(inside: NDArray[np.bool_]) -> dict[Point, list[int]]:
    """Return the directions of the edges that leave each corner."""
    leaving: dict[Point, list[int]] = {}
    neighbours = (
        (0, np.roll(inside, 1, 0), (0, 0)),  # above is outside: go right
        (1, np.roll(inside, -1, 1), (1, 0)),  # right is outside: go down
        (2, np.roll(inside, -1, 0), (1, 1)),
        (3, np.roll(inside, 1, 1), (0, 1)),
    )
    for direction, neighbour, (right, down) in neighbours:
        rows, columns = np.nonzero(inside & ~neighbour)
        for x, y in zip(
            (columns + right).tolist(), (rows + down).tolist(), strict=True
        ):
            leaving.setdefault((x, y), []).append(direction)
    return leaving


def _walk(leaving: dict[Point, list[int]]) -> Iterator[tuple[Ring, Point]]:
    """Follow one closed walk and take it out of ``leaving``.

    Gives the rings it falls into, so that none touches itself, each with a
    pixel of the piece that it bounds.
    """
    start = next(iter(leaving))
    direction = leaving[start][0]
    right, down = _INSIDE[direction]
    pixel = start[0] + right, start[1] + down
    path, seen = [start], {start: 0}
    direction -= 1  # so that the first turn to the right takes that edge
    while True:
        place = path[-1]
        choices = leaving[place]
        # Right first: it stays at the same pixel, and so at the same piece.
        direction = next(
            turn % 4
            for turn in (direction + 1, direction, direction - 1)
            if turn % 4 in choices
        )
        choices.remove(direction)
        if not choices:
            del leaving[place]
        step = _STEPS[direction]
        place = place[0] + step[0], place[1] + step[1]
        if place not in seen:
            seen[place] = len(path)
            path.append(place)
            continue
        first = seen[place]
        yield _straight(path[first:]), pixel
        if first == 0:
            return
        for point in path[first + 1 :]:
            del seen[point]
        del path[first + 1 :]


def _straight(ring: Ring) -> Ring:
    """Return a closed ring without the points in the middle of straight runs."""
    kept = [
        point
        for before, point, after in zip(
            [ring[-1], *ring[:-1]], ring, [*ring[1:], ring[0]], strict=True
        )
        if (point[0] - before[0]) * (after[1] - point[1])
        != (point[1] - before[1]) * (after[0] - point[0])
    ]
    return [*kept, kept[0]]


def _area(ring: Ring) -> int:
    """Return twice the signed area of a closed ring."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(ring))
