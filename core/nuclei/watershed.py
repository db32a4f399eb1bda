"""Labels grown from markers, downhill first, by calls that release the GIL."""

import cv2
import numpy as np
from numpy.typing import NDArray

Byte = NDArray[np.uint8]
Int = NDArray[np.int32]
Float = NDArray[np.float32]


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


def flood(height: Float, markers: Int, inside: NDArray[np.bool_]) -> Int:
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


def _contacts(labels: Int, form: Float) -> tuple[Int, Int, Float]:
    """Neighbouring pairs of labels, and the highest pass between them."""
    first, second, passes = [], [], []
    for near, far in (
        (np.s_[1:], np.s_[:-1]),
        (np.s_[:, 1:], np.s_[:, :-1]),
    ):
        a, b = labels[near], labels[far]
        touch = np.flatnonzero((a != b) & (a > 0) & (b > 0))
        first.append(a.ravel()[touch])
        second.append(b.ravel()[touch])
        low = np.minimum(form[near].ravel()[touch], form[far].ravel()[touch])
        passes.append(low)
    one, two = np.concatenate(first), np.concatenate(second)
    lower, upper = np.minimum(one, two), np.maximum(one, two)
    base = int(labels.max(initial=0)) + 1
    keys, place = np.unique(lower.astype(np.int64) * base + upper, return_inverse=True)
    highest = np.full(len(keys), -np.inf, np.float32)
    np.maximum.at(highest, place, np.concatenate(passes))
    pairs = np.stack([keys // base, keys % base]).astype(np.int32)
    return pairs[0], pairs[1], highest


def merge_shallow(labels: Int, form: Float, ratio: float) -> Int:
    """Join neighbours that no real valley separates, the shallowest first.

    Parameters
    ----------
    labels
        int32 (h, w), 0 = background.
    form
        float32 (h, w), high in the middle of a nucleus.
    ratio
        Two are one when the highest pass between them is at least this share of
        the lower one's peak; above 1 joins nothing.

    Returns
    -------
    array
        int32 (h, w); numbers may have gaps.
    """
    one, two, passes = _contacts(labels, form)
    if not len(one):
        return labels
    inside = np.flatnonzero(labels)
    count = int(labels.max()) + 1
    peak = np.full(count, -np.inf, np.float32)
    np.maximum.at(peak, labels.ravel()[inside], form.ravel()[inside])
    root = list(range(count))

    def find(label: int) -> int:
        while root[label] != label:
            label = root[label]
        return label

    for place in np.argsort(-passes, kind="stable"):
        a, b = find(int(one[place])), find(int(two[place]))
        if a != b and passes[place] >= ratio * min(peak[a], peak[b]):
            root[max(a, b)] = min(a, b)
            peak[min(a, b)] = max(peak[a], peak[b])
    table = np.array([find(label) for label in range(count)], np.int32)
    return np.asarray(table[labels], np.int32)


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
