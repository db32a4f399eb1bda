"""Labels grown from markers, downhill first, by calls that release the GIL."""

import cv2
import numpy as np
from numpy.typing import NDArray

Byte = NDArray[np.uint8]
Int = NDArray[np.int32]


def components(mask: NDArray[np.bool_]) -> tuple[int, Int]:
    """Number of 8-connected components, and their labels 1..n.

    Parameters
    ----------
    mask
        bool (h, w).

    Returns
    -------
    tuple
        n, and int32 (h, w).
    """
    count, labels = cv2.connectedComponents(
        mask.view(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    return count - 1, np.asarray(labels, np.int32)


def fill_holes(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Fill what is not connected to the edge of the map.

    Parameters
    ----------
    mask
        bool (h, w).
    """
    outside = np.pad(~mask, 1, constant_values=True).view(np.uint8)
    _, parts = cv2.connectedComponents(outside, connectivity=4)
    return np.asarray(parts[1:-1, 1:-1] != parts[0, 0])


def flood(height: NDArray[np.float32], markers: Int, inside: NDArray[np.bool_]) -> Int:
    """Grow markers over the inside, low ground first.

    Meyer's watershed as in OpenCV ranks a step by the *difference* of the two
    pixels. On a chequerboard where every other pixel has its sign turned that
    difference is the mean height of the two, which is what is wanted.

    Parameters
    ----------
    height
        float32 (h, w), 0 to 1.
    markers
        int32 (h, w), 0 = none.
    inside
        bool (h, w); holds the markers.

    Returns
    -------
    array
        int32 (h, w). Parts of the inside without a marker stay 0.
    """
    beyond = int(markers.max(initial=0)) + 1
    if beyond == 1:
        return np.zeros(markers.shape, np.int32)
    ground = np.where(inside, height, np.float32(1))
    level: Byte = np.asarray(cv2.convertScaleAbs(ground, alpha=127), np.uint8)
    board = np.full(level.shape, 128, np.uint8)
    for parity in (0, 1):
        board[parity::2, parity::2] += level[parity::2, parity::2]
        board[parity::2, 1 - parity :: 2] -= level[parity::2, 1 - parity :: 2]
    # OpenCV overwrites the outermost pixels, so they get a frame to lose
    framed = cv2.copyMakeBorder(board, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=128)
    grown = cv2.copyMakeBorder(
        np.where(inside, markers, beyond).astype(np.int32),
        1, 1, 1, 1,
        cv2.BORDER_CONSTANT,
        value=beyond,
    )  # fmt: skip
    cv2.watershed(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), grown)
    labels = np.asarray(grown, np.int32)[1:-1, 1:-1]
    labels = np.where(labels == beyond, 0, labels)
    return _close_lines(labels, inside)


def _close_lines(labels: Int, inside: NDArray[np.bool_]) -> Int:
    """Give lines between basins and lost corners to a neighbour."""
    kernel = np.ones((3, 3), np.uint8)
    grown = np.maximum(labels, 0).astype(np.float32)
    for _ in range(2):
        line = inside & (grown == 0)
        grown = np.where(line, cv2.dilate(grown, kernel), grown)
    return np.asarray(grown, np.int32)


def renumber(labels: Int, smallest: float) -> Int:
    """Number 1..n without gaps, leaving out what is too small.

    Parameters
    ----------
    labels
        int32 (h, w), not negative.
    smallest
        Least area in pixels.
    """
    areas = np.bincount(labels.ravel())
    kept = areas >= max(smallest, 1)
    kept[0] = False
    table = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    return np.asarray(table[labels], np.int32)
