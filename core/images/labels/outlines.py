"""Outlines of nuclei into label images."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images.labels.truth import Frame, Outline, Truth
from core.images.limits import check_size

Points = NDArray[np.float64]

_MOST_OUTLINES = 500_000
_MOST_POINTS = 20_000_000


def draw(outlines: Sequence[Outline], frame: Frame, name: str) -> Truth:
    """Fill outlines in the order in which they are given.

    Programs mean two things by a whole number: QuPath, ImageJ and this program count
    corners of pixels, OpenCV (and with it HoVer-Net and many scripts) counts pixels
    themselves. Lines of the second kind step from pixel to pixel, also diagonally, and
    are told by that.

    Parameters
    ----------
    outlines
        Later ones lie over earlier ones.
    frame
        The tile; its origin and step place the outlines.
    name
        Named in errors.

    Returns
    -------
    Truth
        Ids count the outlines that lie in the tile, from 1.

    Raises
    ------
    InputError
        When there is no outline, or none lies in the tile.
    """
    points = sum(len(ring) for each in outlines for ring in each.rings)
    if len(outlines) > _MOST_OUTLINES or points > _MOST_POINTS:
        raise InputError(
            f"{name} holds {len(outlines):,} outlines, more than can be drawn at once; "
            "export those of a smaller region."
        )
    if not outlines:
        raise InputError(
            f"{name} holds no outline of a nucleus; export polygons or a label image."
        )
    by_pixel = _counts_pixels(outlines)
    placed = [_placed(each, frame) for each in outlines]
    size = frame.size or _reach(placed)
    check_size(size, name, "export the outlines of a smaller region")
    labels = np.zeros((size[1], size[0]), np.int32)
    names = tuple(sorted({each.kind for each in outlines if each.kind}))
    kinds: list[int] = []
    for rings, outline in zip(placed, outlines, strict=True):
        if _fill(labels, rings, len(kinds) + 1, by_pixel=by_pixel):
            kinds.append(names.index(outline.kind) + 1 if outline.kind else 0)
    if not kinds:
        raise InputError(
            f"No outline of {name} lies in the tile of {size[0]} x {size[1]} pixels; "
            "choose the outlines that belong to it."
        )
    classes = np.array(kinds, np.int64) if names else None
    missed = len(outlines) - len(kinds)
    notes = (f"{missed} outlines of {name} lie outside of the tile.",) if missed else ()
    return Truth(labels, classes, names, notes)


def _placed(outline: Outline, frame: Frame) -> list[Points]:
    return [(ring - np.array(frame.origin)) / frame.step for ring in outline.rings]


def _reach(placed: Sequence[Sequence[Points]]) -> tuple[int, int]:
    """Size that holds all outlines, for files that do not say it."""
    most = np.max([ring.max(axis=0) for rings in placed for ring in rings], axis=0)
    if not np.isfinite(most).all() or most.max() > 1e9:
        raise InputError("The outlines reach too far; export them again.")
    return max(int(most[0]) + 1, 1), max(int(most[1]) + 1, 1)


def _counts_pixels(outlines: Sequence[Outline]) -> bool:
    """Whether whole numbers name pixels, not their corners."""
    diagonal = False
    for each in outlines[:1000]:
        for ring in each.rings:
            if not np.array_equal(ring, np.rint(ring)):
                return False
            step = np.abs(np.diff(ring, axis=0))
            leaning = (step[:, 0] > 0) & (step[:, 1] > 0)
            if (step[leaning, 0] != step[leaning, 1]).any():
                return False
            diagonal = diagonal or bool(leaning.any())
    return diagonal


def _fill(
    labels: NDArray[np.int32], rings: Sequence[Points], number: int, *, by_pixel: bool
) -> bool:
    """Draw one nucleus; False when it has no pixel in the tile."""
    tall, wide = labels.shape
    every = np.concatenate(rings)
    if not np.isfinite(every).all():
        return False
    low = np.floor(np.clip(every.min(axis=0), 0, (wide, tall))).astype(int)
    high = np.ceil(np.clip(every.max(axis=0), -1, (wide, tall))).astype(int) + 1
    high = np.minimum(high, (wide, tall))
    if (high <= low).any():
        return False
    part = labels[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(part.shape, np.uint8)
    for ring in rings:
        mask ^= _mask_of(ring - low, part.shape, by_pixel=by_pixel)
    if not mask.any():
        return False
    part[mask > 0] = number
    return True


def _mask_of(
    ring: Points, shape: tuple[int, ...], *, by_pixel: bool
) -> NDArray[np.uint8]:
    """Pixels inside one closed line."""
    mask = np.zeros(shape, np.uint8)
    if by_pixel:
        cv2.fillPoly(mask, [np.rint(ring).astype(np.int32)], 1)
        return mask
    from skimage.draw import polygon

    # a pixel is inside when its middle is
    rows, columns = polygon(  # type: ignore[no-untyped-call]
        ring[:, 1] - 0.5, ring[:, 0] - 0.5, shape
    )
    mask[rows, columns] = 1
    return mask
