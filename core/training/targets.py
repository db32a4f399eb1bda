"""What the heads of the network should say for a label image."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

UNKNOWN = -1
"""Type of a pixel whose tile has no types."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Maps to learn; all (h, w).

    Parameters
    ----------
    inside
        float32, 1 in nuclei.
    distance
        float32, 0 outside, 1 at the middle of every nucleus.
    kind
        int64 type, 0 background, `UNKNOWN` where not known.
    weight
        float32, above 1 where two nuclei nearly touch.
    """

    inside: NDArray[np.float32]
    distance: NDArray[np.float32]
    kind: NDArray[np.int64]
    weight: NDArray[np.float32]


def borders(labels: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Pixels with a 4-neighbour of another label, background included.

    Parameters
    ----------
    labels
        int32 (h, w).
    """
    edge = np.zeros(labels.shape, bool)
    down = labels[1:] != labels[:-1]
    right = labels[:, 1:] != labels[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return edge


def distance_map(labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """Distance of each nucleus pixel to its nucleus' outline, over the largest one.

    Parameters
    ----------
    labels
        int32 (h, w).

    Returns
    -------
    array
        float32 (h, w) in (0, 1] inside nuclei, 0 outside.
    """
    inside = labels > 0
    if not inside.any():
        return np.zeros(labels.shape, np.float32)
    core = (inside & ~borders(labels)).astype(np.uint8)
    depth = cv2.distanceTransform(core, cv2.DIST_L2, 5) + np.float32(0.5)
    largest = np.zeros(int(labels.max()) + 1, np.float32)
    np.maximum.at(largest, labels[inside], depth[inside])
    return np.where(inside, depth / np.maximum(largest[labels], 0.5), 0).astype(
        np.float32
    )


def centre_offsets(labels: NDArray[np.int32]) -> NDArray[np.float32]:
    """Distance of each nucleus pixel to its nucleus' centre of mass, both ways.

    Graham et al. 2019, section 3.1.1, doi 10.1016/j.media.2019.101563.

    Parameters
    ----------
    labels
        int32 (h, w).

    Returns
    -------
    array
        float32 (2, h, w), horizontal and vertical: -1 at the nucleus' first and 1
        at its last column (row), 0 at its centre and outside.
    """
    inside = labels > 0
    offsets = np.zeros((2, *labels.shape), np.float32)
    if not inside.any():
        return offsets
    own = labels[inside]
    area = np.maximum(np.bincount(own), 1)
    for axis, place in enumerate(reversed(np.nonzero(inside))):
        centre = np.bincount(own, place) / area
        away = place - centre[own]
        reach = np.zeros((2, len(area)))
        np.maximum.at(reach[0], own, -away)
        np.maximum.at(reach[1], own, away)
        side = np.where(away < 0, reach[0][own], reach[1][own])
        offsets[axis][inside] = away / np.maximum(side, 1e-3)
    return offsets


def make_targets(
    labels: NDArray[np.int32], classes: NDArray[np.int64] | None
) -> Targets:
    """Compute every map.

    Parameters
    ----------
    labels
        int32 (h, w); numbers may have gaps.
    classes
        int64, type of label ``i + 1`` or `UNKNOWN`, or None.
    """
    inside = (labels > 0).astype(np.float32)
    if classes is None:
        kind = np.full(labels.shape, UNKNOWN, np.int64)
    else:
        kind = np.concatenate([[0], classes]).astype(np.int64)[labels]
    edge = borders(labels)
    # contact: an edge pixel that sees two different nuclei within two pixels
    shifted = labels.astype(np.float32)
    kernel = np.ones((5, 5), np.uint8)
    high = cv2.dilate(shifted, kernel)
    low = -cv2.dilate(np.where(labels > 0, -shifted, -1e9).astype(np.float32), kernel)
    contact = (high > 0) & (low != high)
    weight = 1 + 0.5 * edge + 2.0 * contact
    return Targets(inside, distance_map(labels), kind, weight.astype(np.float32))
