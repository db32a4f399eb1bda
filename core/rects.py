"""Rectangles of pixels: (x, y, width, height)."""

from collections.abc import Sequence
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

Rect = tuple[int, int, int, int]
"""x, y, width and height in pixels."""


def crop_rect(rect: Rect, size: tuple[int, int]) -> Rect:
    """Return the part of a rectangle that lies in a picture of a width and height.

    It has at least one pixel: the nearest one, where nothing of it lies there.
    """
    ends = []
    for start, length, most in zip(rect[:2], rect[2:], size, strict=True):
        low = min(max(start, 0), most - 1)
        ends.append((low, max(min(start + length, most), low + 1)))
    (left, right), (top, bottom) = ends
    return left, top, right - left, bottom - top


def find_box(rects: Sequence[Rect]) -> Rect:
    """Return the smallest rectangle around others, of which there is at least one."""
    left, top = min(r[0] for r in rects), min(r[1] for r in rects)
    right = max(r[0] + r[2] for r in rects)
    bottom = max(r[1] + r[3] for r in rects)
    return left, top, right - left, bottom - top


def scale_rect(rect: Rect, factor: float, down: float | None = None) -> Rect:
    """Return a rectangle on another grid of pixels, its edges rounded.

    ``factor`` counts across, and down where no other one is given.
    """
    down = factor if down is None else down
    left, top = round(rect[0] * factor), round(rect[1] * down)
    right = max(round((rect[0] + rect[2]) * factor), left + 1)
    bottom = max(round((rect[1] + rect[3]) * down), top + 1)
    return left, top, right - left, bottom - top


def cover_rect(rect: Rect, factors: tuple[float, float]) -> Rect:
    """Return the least rectangle on another grid of pixels that covers this one.

    Parameters
    ----------
    rect
        Inside of the picture.
    factors
        Pixels of the other grid for one of this, across and down.
    """
    ends = [
        # 1e-9: an edge that falls on an edge stays there when products are rounded.
        (floor(start * factor + 1e-9), ceil((start + length) * factor - 1e-9))
        for start, length, factor in zip(rect[:2], rect[2:], factors, strict=True)
    ]
    (left, right), (top, bottom) = ends
    return left, top, right - left, bottom - top


def overlaps(one: Rect, other: Rect) -> bool:
    """Return whether two rectangles share a pixel."""
    return all(
        one[k] < other[k] + other[k + 2] and other[k] < one[k] + one[k + 2]
        for k in (0, 1)
    )


def measure_area(rects: Sequence[Rect], within: Rect | None = None) -> int:
    """Return the pixels that lie in any of several rectangles.

    Parameters
    ----------
    rects
        May overlap.
    within
        Only pixels in here are counted.
    """
    if within is not None:
        rects = [_shared(r, within) for r in rects if overlaps(r, within)]
    if len(rects) <= 1:
        return sum(r[2] * r[3] for r in rects)
    xs, ys = (
        np.unique([edge for r in rects for edge in (r[k], r[k] + r[k + 2])])
        for k in (0, 1)
    )
    inside = np.zeros((len(ys) - 1, len(xs) - 1), bool)
    for x, y, width, height in rects:
        rows = slice(*np.searchsorted(ys, (y, y + height)))
        inside[rows, slice(*np.searchsorted(xs, (x, x + width)))] = True
    return int((np.diff(ys)[:, None] * np.diff(xs) * inside).sum())


def build_mask(rects: Sequence[Rect], box: Rect) -> NDArray[np.bool_] | None:
    """Return which pixels of a box lie in any of several rectangles.

    Returns
    -------
    bool (height, width) of the box, or None
        None where all of them do.
    """
    if measure_area(rects, box) == box[2] * box[3]:
        return None
    mask = np.zeros((box[3], box[2]), bool)
    for rect in rects:
        if overlaps(rect, box):
            x, y, width, height = _shared(rect, box)
            x, y = x - box[0], y - box[1]
            mask[y : y + height, x : x + width] = True
    return mask


def _shared(one: Rect, other: Rect) -> Rect:
    left, top = max(one[0], other[0]), max(one[1], other[1])
    right = min(one[0] + one[2], other[0] + other[2])
    bottom = min(one[1] + one[3], other[1] + other[3])
    return left, top, right - left, bottom - top
