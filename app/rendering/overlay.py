"""Label images to pixels on the screen: arrays only, no Qt.

Masks are composed at the resolution of the screen, from the visible part only.
The cost is that of the pane, whatever the size of the tile and the number of
nuclei, and an outline keeps its width at every zoom. Zoomed out, labels come
from a pyramid in which every block keeps its largest label, so that no nucleus
disappears by display: a missing nucleus is always the model's.

To read this file, start from `compose`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from app.state.values import Argb, Labels

Value = TypeVar("Value", bound=np.generic)

_SMALLEST = 256  # picture pyramids stop at this side, in pixels
_SMALLEST_LABELS = 8
_OPAQUE = np.uint32(0xFF000000)
_ALPHA, _RED, _GREEN = np.uint32(24), np.uint32(16), np.uint32(8)
_HATCH = 7  # distance of hatch lines on the screen, in pixels


@dataclass(frozen=True, slots=True)
class Camera:
    """Which part of a tile is seen.

    Parameters
    ----------
    x, y
        Tile position at the middle of the pane, in pixels.
    scale
        Screen pixels per tile pixel.
    """

    x: float
    y: float
    scale: float

    def at(self, size: tuple[int, int], screen: tuple[float, float]) -> "Camera":
        """Return the tile position under a screen point, as a camera there."""
        width, height = size
        return Camera(
            self.x + (screen[0] - width / 2) / self.scale,
            self.y + (screen[1] - height / 2) / self.scale,
            self.scale,
        )

    def zoomed(
        self, factor: float, size: tuple[int, int], screen: tuple[float, float]
    ) -> "Camera":
        """Return the camera after a zoom that keeps ``screen`` where it is."""
        scale = min(max(self.scale * factor, 0.02), 64.0)
        fixed = self.at(size, screen)
        width, height = size
        return Camera(
            fixed.x - (screen[0] - width / 2) / scale,
            fixed.y - (screen[1] - height / 2) / scale,
            scale,
        )


def fit(tile: tuple[int, int], pane: tuple[int, int]) -> Camera:
    """Return the camera that shows a whole tile.

    Parameters
    ----------
    tile, pane
        Width and height, in pixels.
    """
    width, height = max(tile[0], 1), max(tile[1], 1)
    scale = min(max(pane[0], 1) / width, max(pane[1], 1) / height)
    return Camera(width / 2, height / 2, scale)


def find_seen(
    camera: Camera, pane: tuple[int, int], tile: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Return (x, y, width, height) of the tile that a pane shows.

    Parameters
    ----------
    camera
        Where the pane looks.
    pane, tile
        Width and height, in pixels.

    Returns
    -------
    tuple of int or None
        None where the whole tile is seen, or nothing of it.
    """
    ends = []
    for middle, side, most in zip((camera.x, camera.y), pane, tile, strict=True):
        half = side / 2 / camera.scale
        ends.append((max(round(middle - half), 0), min(round(middle + half), most)))
    (left, right), (top, bottom) = ends
    if right <= left or bottom <= top or (right - left, bottom - top) == tile:
        return None
    return left, top, right - left, bottom - top


def label_pyramid(labels: Labels) -> tuple[Labels, ...]:
    """Return ``labels`` at full, half, quarter... size, largest label kept.

    Parameters
    ----------
    labels
        int32 (height, width).
    """
    return largest_pyramid(np.ascontiguousarray(labels, dtype=np.int32))


def largest_pyramid(values: NDArray[Value]) -> tuple[NDArray[Value], ...]:
    """Return an image at full, half, quarter... size, largest value kept.

    Parameters
    ----------
    values
        Any type (height, width).
    """
    levels = [values]
    while min(levels[-1].shape) >= 2 * _SMALLEST_LABELS:
        fine = levels[-1]
        height, width = (side - side % 2 for side in fine.shape)
        even = fine[:height, :width]
        rows = np.maximum(even[0::2], even[1::2])
        levels.append(np.maximum(rows[:, 0::2], rows[:, 1::2]))
    return tuple(levels)


def picture_pyramid(pixels: NDArray[np.uint8]) -> tuple[Argb, ...]:
    """Return an RGB image as 32-bit pixels at full, half, quarter... size.

    Parameters
    ----------
    pixels
        uint8 (height, width, 3), RGB.
    """
    fine = pixels
    levels = [_packed(fine)]
    while min(fine.shape[:2]) >= 2 * _SMALLEST:
        height, width = (side - side % 2 for side in fine.shape[:2])
        even = fine[:height, :width].astype(np.uint16)
        rows = even[0::2] + even[1::2]
        fine = ((rows[:, 0::2] + rows[:, 1::2] + 2) >> 2).astype(np.uint8)
        levels.append(_packed(fine))
    return tuple(levels)


def _packed(pixels: NDArray[np.uint8]) -> Argb:
    """Return RGB bytes as 0xffRRGGBB."""
    wide = pixels.astype(np.uint32)
    red, green, blue = (wide[..., channel] for channel in range(3))
    return np.ascontiguousarray(_OPAQUE | red << _RED | green << _GREEN | blue)


def level_for(count: int, scale: float, *, whole: bool = False) -> int:
    """Return which of ``count`` pyramid levels suits a zoom.

    Parameters
    ----------
    count
        Number of levels.
    scale
        Screen pixels per tile pixel.
    whole
        Take a level with no more pixels than the screen has, so that none of
        them is skipped; else the next finer one.
    """
    level = 0
    while level + 1 < count:
        # Screen pixels per pixel of this level, or of the next coarser one.
        seen = scale * 2 ** (level if whole else level + 1)
        if seen >= 1 - 1e-9 if whole else seen > 1 + 1e-9:
            break
        level += 1
    return level


def sample(
    levels: Sequence[NDArray[Value]], camera: Camera, size: tuple[int, int]
) -> NDArray[Value]:
    """Return the label under each screen pixel; 0 outside the tile.

    Parameters
    ----------
    levels
        From `label_pyramid` or `largest_pyramid`.
    camera
        What is seen.
    size
        Pane width and height, in pixels.

    Returns
    -------
    (height, width), of the type of the levels
    """
    level = level_for(len(levels), camera.scale, whole=True)
    labels = levels[level]
    step = 1 / (camera.scale * 2**level)
    columns, x_in = _indices(camera.x / 2**level, step, size[0], labels.shape[1])
    rows, y_in = _indices(camera.y / 2**level, step, size[1], labels.shape[0])
    seen = np.zeros((size[1], size[0]), labels.dtype)
    if columns.size and rows.size:
        part = labels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        part = part.take(rows - rows[0], axis=0).take(columns - columns[0], axis=1)
        seen[y_in, x_in] = part
    return seen


def _indices(
    middle: float, step: float, count: int, side: int
) -> tuple[NDArray[np.intp], slice]:
    """Return the source index of each screen pixel that is inside, and where."""
    places = middle + (np.arange(count) + 0.5 - count / 2) * step
    inside = np.flatnonzero((places >= 0) & (places < side))
    if not inside.size:
        return np.zeros(0, np.intp), slice(0, 0)
    span = slice(int(inside[0]), int(inside[-1]) + 1)
    return places[span].astype(np.intp), span


def edges(labels: Labels, width: int = 2) -> NDArray[np.bool_]:
    """Return the inner rim of every label, ``width`` pixels wide."""
    import cv2  # behind the first window, with everything that is not light

    # A label differs from one near it where the largest and the smallest label
    # within reach, straight across or down, are not the same. Labels up to 2**24
    # are exact as floats, which is what OpenCV is fast with.
    reach = cv2.getStructuringElement(cv2.MORPH_CROSS, (2 * width + 1, 2 * width + 1))
    values = labels.astype(np.float32)
    rim = np.asarray(cv2.dilate(values, reach) != cv2.erode(values, reach), np.bool_)
    rim &= labels > 0
    return rim


@dataclass(frozen=True, slots=True)
class Colours:
    """How each label is drawn: premultiplied 0xAARRGGBB, entry 0 is background.

    Parameters
    ----------
    line, inside, stripe
        uint32 (n + 1,): rim, interior, and the hatch over the interior.
    """

    line: Argb
    inside: Argb
    stripe: Argb

    @property
    def seen(self) -> bool:
        """Whether any label is drawn at all."""
        return bool(self.line.any() or self.inside.any() or self.stripe.any())

    @property
    def hatched(self) -> bool:
        """Whether any label has a hatch of its own."""
        return not np.array_equal(self.inside, self.stripe)


def premultiplied(rgb: NDArray[np.uint8], alpha: NDArray[np.float64]) -> Argb:
    """Return colours as premultiplied 0xAARRGGBB.

    Parameters
    ----------
    rgb
        uint8 (n, 3).
    alpha
        float (n,), 0 to 1.
    """
    scaled = np.rint(rgb * alpha[:, None]).astype(np.uint32)
    opaque = np.rint(alpha * 255).astype(np.uint32)
    red, green, blue = (scaled[:, channel] for channel in range(3))
    packed: Argb = opaque << _ALPHA | red << _RED | green << _GREEN | blue
    return packed


def compose(seen: Labels, colours: Colours, width: int = 2) -> Argb:
    """Return the mask picture of one pane.

    Parameters
    ----------
    seen
        int32 (height, width), from `sample`.
    colours
        One entry per label of the whole tile.
    width
        Of the outlines, in screen pixels.

    Returns
    -------
    uint32 (height, width), premultiplied 0xAARRGGBB
    """
    rim = edges(seen, width)
    if colours.inside.any():
        picture: Argb = colours.inside.take(seen)
    else:
        picture = np.zeros(seen.shape, np.uint32)
    if colours.hatched:
        differ = (colours.inside != colours.stripe).take(seen)
        rows, columns = np.nonzero(differ)
        striped = (rows + columns) % _HATCH < 2
        rows, columns = rows[striped], columns[striped]
        picture[rows, columns] = colours.stripe.take(seen[rows, columns])
    # Rims are few pixels: they are looked up one by one, on top of the rest.
    places = np.flatnonzero(rim)
    picture.ravel()[places] = colours.line.take(seen.ravel()[places])
    return picture
