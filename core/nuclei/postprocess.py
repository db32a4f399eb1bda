"""Maps into nuclei: one function for each way a network separates them."""

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import ModelError
from core.nuclei.outputs import Maps
from core.nuclei.watershed import (
    components,
    fill_holes,
    flood,
    merge_shallow,
    renumber,
)
from core.tables import OUTPUT_READERS
from core.types import ModelSpec, Prediction

Float = NDArray[np.float32]
Int = NDArray[np.int32]
Reader = Callable[[Maps, Mapping[str, float]], Int]


def read_distance(maps: Maps, threshold: Mapping[str, float]) -> Int:
    """Separate nuclei by a map that is 1 in their middles and 0 outside.

    Parameters
    ----------
    maps
        ``np`` and ``dist`` float32 (h, w).
    threshold
        ``foreground``: least probability; ``object``: least distance of a
        marker; ``smallest``: least area in pixels; ``smooth``: standard deviation
        in pixels by which the distance is blurred first; ``calm``: the same for the
        probability; ``sure``: least mean probability of a nucleus; ``merge``: see
        `merge_shallow`. `calm` and `sure` do nothing when left out.

    Returns
    -------
    array
        int32 (h, w), 1..n without gaps.
    """
    given = _settings("distance", threshold)
    distance = _blurred(maps["dist"], given["smooth"])
    probability = _blurred(maps["np"], given["calm"])
    inside = probability >= given["foreground"]
    peaks = inside & (distance >= given["object"])
    count, markers = components(peaks)
    blobs, blob = components(inside)
    # a blob without a peak is one nucleus: nothing says that it is more
    lacking = np.ones(blobs + 1, bool)
    lacking[blob[peaks]] = False
    lacking[0] = False
    numbers = np.where(lacking, count + np.cumsum(lacking), 0).astype(np.int32)
    markers = np.maximum(markers, numbers[blob])
    height = np.asarray(np.clip(1 - distance, 0, 1), np.float32)
    labels = flood(height, markers, inside)
    labels = merge_shallow(labels, distance, given["merge"])
    if (sure := given["sure"]) > 0:
        labels = _without_unsure(labels, probability, sure)
    return renumber(labels, given["smallest"])


def _blurred(values: NDArray[Any], sigma: float) -> Float:
    """Blur a map by a Gaussian of `sigma` pixels."""
    found = np.asarray(values, np.float32)
    if not sigma:
        return found
    side = 2 * round(2.5 * sigma) + 1
    return np.asarray(cv2.GaussianBlur(found, (side, side), sigma), np.float32)


def _without_unsure(labels: Int, probability: Float, least: float) -> Int:
    """Remove nuclei whose mean probability is below `least`."""
    flat = labels.ravel()
    sizes = np.bincount(flat)
    sums = np.bincount(flat, weights=probability.ravel())
    keep = sums >= least * sizes
    keep[0] = False
    return np.where(keep[labels], labels, 0).astype(np.int32)


def _stretched(field: Float) -> Float:
    """Bring a map to 0..1; a flat one to 0."""
    low, high = float(field.min()), float(field.max())
    if not high > low:
        return np.zeros_like(field)
    return np.asarray((field - low) / (high - low), np.float32)


def read_hv(maps: Maps, threshold: Mapping[str, float]) -> Int:
    """Separate nuclei where horizontal or vertical distance jumps.

    Post-processing of HoVer-Net (Graham et al. 2019, section 3.1.2,
    doi 10.1016/j.media.2019.101563).

    Parameters
    ----------
    maps
        ``np`` float32 (h, w); ``hv`` float32 (2, h, w), about -1 to 1.
    threshold
        ``foreground``: least probability; ``object``: energy that separates;
        ``smallest``: least area in pixels.

    Returns
    -------
    array
        int32 (h, w), 1..n without gaps.
    """
    given = _settings("hv", threshold)
    smallest = given["smallest"]
    inside = np.asarray(maps["np"] >= given["foreground"])
    _, blobs = components(inside)
    inside = renumber(blobs, smallest) > 0
    horizontal, vertical = (_stretched(np.asarray(m, np.float32)) for m in maps["hv"])
    jump = cv2.Sobel(horizontal, cv2.CV_32F, 1, 0, ksize=21)
    across = 1 - _stretched(np.asarray(jump, np.float32))
    jump = cv2.Sobel(vertical, cv2.CV_32F, 0, 1, ksize=21)
    down = 1 - _stretched(np.asarray(jump, np.float32))
    energy = np.where(inside, np.maximum(across, down), np.float32(0))
    height = 1 - cv2.GaussianBlur(
        np.where(inside, 1 - energy, np.float32(0)), (3, 3), 0
    )
    peaks = fill_holes(inside & (energy < given["object"]))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    opened = cv2.morphologyEx(peaks.view(np.uint8), cv2.MORPH_OPEN, kernel)
    _, markers = components(opened.astype(bool) & inside)
    markers = renumber(markers, smallest)
    return renumber(flood(np.asarray(height, np.float32), markers, inside), smallest)


def read_mask(maps: Maps, threshold: Mapping[str, float]) -> Int:
    """Separate nuclei of a mask at its necks: watershed on the distance transform.

    Parameters
    ----------
    maps
        ``np`` float32 (h, w), probability.
    threshold
        ``foreground``: least probability; ``separation``: least pixels between the
        middles of two nuclei; ``smooth``: standard deviation in pixels by which
        the distance is blurred first; ``smallest``: least area in pixels.

    Returns
    -------
    array
        int32 (h, w), 1..n without gaps.
    """
    given = _settings("mask", threshold)
    inside = np.asarray(maps["np"] >= given["foreground"])
    padded = np.pad(inside.astype(np.uint8), 1)  # the border of a tile is no neck
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    depth = _blurred(np.asarray(depth, np.float32), given["smooth"])
    side = 2 * round(min(max(given["separation"], 1.0), 200.0)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    peaks = inside & (depth >= cv2.dilate(depth, kernel) - 1e-6)
    _, markers = components(peaks)
    deepest = float(depth.max(initial=0)) or 1.0
    labels = flood(np.asarray(1 - depth / deepest, np.float32), markers, inside)
    return renumber(labels, given["smallest"])


def read_contour(maps: Maps, threshold: Mapping[str, float]) -> Int:
    """Separate nuclei at their contours; pixels of a contour go to the nearest one.

    Parameters
    ----------
    maps
        ``np`` and ``contour`` float32 (h, w), probabilities.
    threshold
        See `core.tables.OUTPUT_READERS`.

    Returns
    -------
    array
        int32 (h, w), 1..n without gaps.
    """
    given = _settings("contour", threshold)
    edge = np.asarray(maps["contour"] >= given["contour"])
    likely = np.asarray(maps["np"] >= given["foreground"])
    _, markers = components(likely & ~edge)
    markers = renumber(markers, max(given["smallest"] / 4, 1))
    inside = likely | (edge & (cv2.dilate(markers.astype(np.float32), _CROSS) > 0))
    height = np.asarray(maps["contour"], np.float32)
    return renumber(flood(height, markers, inside), given["smallest"])


_CROSS = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))


def read_rays(maps: Maps, threshold: Mapping[str, float]) -> Int:
    """Draw star-convex polygons, the likeliest first (Schmidt et al. 2018).

    A polygon is left out when its middle, or too much of its area, lies on likelier
    ones (doi 10.1007/978-3-030-00934-2_30).

    Parameters
    ----------
    maps
        ``np`` float32 (h, w), how likely a middle is; ``rays`` float32 (n, h, w),
        pixels to the border, the first to the right, then clockwise.
    threshold
        See `core.tables.OUTPUT_READERS`.

    Returns
    -------
    array
        int32 (h, w), 1..n without gaps.
    """
    given = _settings("stardist", threshold)
    likely, rays = maps["np"], np.asarray(maps["rays"], np.float32)
    labels = np.zeros(likely.shape, np.int32)
    rows, columns = np.nonzero(likely >= given["foreground"])
    order = np.argsort(-likely[rows, columns], kind="stable")
    angles = np.arange(len(rays)) * (2 * np.pi / len(rays))
    turns = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    number = 0
    for row, column in zip(rows[order], columns[order], strict=True):
        if labels[row, column]:
            continue
        number += _draw(labels, (int(column), int(row)), turns, rays, number + 1, given)
    return renumber(labels, given["smallest"])


def _draw(
    labels: Int,
    middle: tuple[int, int],
    turns: NDArray[Any],
    rays: Float,
    number: int,
    given: Mapping[str, float],
) -> bool:
    """Draw one polygon where nothing is yet; whether it was."""
    column, row = middle
    reach = np.clip(rays[:, row, column], 0, 200)[:, None]
    points = np.rint(turns * reach + (column, row)).astype(np.int32)
    low = np.maximum(points.min(0), 0)
    high = np.minimum(points.max(0) + 1, labels.shape[::-1])
    part = labels[low[1] : high[1], low[0] : high[0]]
    shape = np.zeros(part.shape, np.uint8)
    cv2.fillPoly(shape, [np.asarray(points - low, np.int32)], [1])
    mine = shape.astype(bool)
    taken, area = int(np.count_nonzero(part[mine])), int(np.count_nonzero(mine))
    if taken > given["overlap"] * max(area, 1):
        return False
    part[mine & (part == 0)] = number
    return True


READERS: Mapping[str, Reader] = {
    "distance": read_distance,
    "hv": read_hv,
    "mask": read_mask,
    "probability": read_mask,
    "contour": read_contour,
    "contour-probability": read_contour,
    "stardist": read_rays,
}
"""How maps become instances, by key of `core.tables.OUTPUT_READERS`."""


def _settings(reader: str, threshold: Mapping[str, float]) -> dict[str, float]:
    """Return the thresholds of a reader, defaults where none are given."""
    return {**OUTPUT_READERS[reader].defaults, **threshold}


def majority_types(
    labels: Int, kinds: NDArray[np.uint8], types: int
) -> NDArray[np.int64]:
    """Most frequent type inside each nucleus.

    Parameters
    ----------
    labels
        int32 (h, w), 1..n without gaps.
    kinds
        uint8 (h, w), 0 (none) to `types`.
    types
        Number of types.

    Returns
    -------
    array
        int64 (n,), 1 to `types`, or 0 when no pixel of it has a type.
    """
    count = int(labels.max(initial=0))
    width = types + 1
    pairs = labels * np.int32(width) + np.minimum(kinds, types)
    votes = np.bincount(pairs.ravel(), minlength=(count + 1) * width)
    votes = votes.reshape(count + 1, width)[1:, 1:]
    best = votes.argmax(axis=1) + 1
    return np.where(votes.any(axis=1), best, 0).astype(np.int64)


def instances(maps: Maps, spec: ModelSpec) -> Prediction:
    """Find the nuclei in a network's maps, as often as one likes.

    Maps are kept as they are: other thresholds need no other run of the network.

    Parameters
    ----------
    maps
        From `forward` or `raw_maps`.
    spec
        Names the reader and its thresholds.

    Returns
    -------
    Prediction
        Nuclei 1..n without gaps, with types when there is a type map.

    Raises
    ------
    ModelError
        When the network does not find nuclei.
    """
    reader = READERS.get(spec.reader)
    if reader is None:
        raise ModelError(
            f"{spec.name} gives one class for a whole patch, so there are no nuclei to "
            "show; choose a nuclei model."
        )
    labels = reader(maps, spec.threshold)
    if "tp" not in maps or not spec.classes:
        return Prediction(labels)
    kinds = np.asarray(maps["tp"], np.uint8)
    return Prediction(labels, majority_types(labels, kinds, len(spec.classes)))
