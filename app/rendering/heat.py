"""Colours of the heat map: how far a raw output moved, and where.

The map is viridis (Smith and van der Walt 2015): perceptually uniform, readable
with any colour vision and in grey, and its bright end is unlike any stain. What
did not move is left transparent, so the tissue stays in sight.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.rendering.overlay import Camera, premultiplied, sample
from app.state.values import Argb, RawMap

# Every 16th entry of viridis; between them it is straight to within five of 255.
_VIRIDIS = (
    (68, 1, 84),
    (72, 24, 106),
    (71, 45, 123),
    (66, 64, 134),
    (59, 82, 139),
    (51, 99, 141),
    (44, 114, 142),
    (38, 130, 142),
    (33, 145, 140),
    (31, 160, 136),
    (40, 174, 128),
    (63, 188, 115),
    (94, 201, 98),
    (132, 212, 75),
    (173, 220, 48),
    (216, 226, 25),
    (253, 231, 37),
)
_CLEAR = 0.02  # share of the range up to which nothing is drawn
_FULL = 0.12  # share from which it is drawn at full opacity


@dataclass(frozen=True, slots=True)
class Heat:
    """One heat map, ready to be drawn.

    Parameters
    ----------
    raw
        What is shown.
    title
        Written at the colour bar.
    opacity
        0 to 1.
    """

    raw: RawMap
    title: str
    opacity: float = 1.0


def viridis() -> NDArray[np.uint8]:
    """Return the colour map, uint8 (256, 3)."""
    known = np.array(_VIRIDIS, float)
    at = np.linspace(0, 255, len(known))
    columns = [np.interp(np.arange(256), at, known[:, each]) for each in range(3)]
    colours: NDArray[np.uint8] = np.rint(np.stack(columns, axis=1)).astype(np.uint8)
    return colours


def table(opacity: float) -> Argb:
    """Return how each of 256 steps is drawn, premultiplied 0xAARRGGBB."""
    share = np.arange(256) / 255
    alpha = np.clip((share - _CLEAR) / (_FULL - _CLEAR), 0, 1) * opacity
    return premultiplied(viridis(), alpha)


def paint(heat: Heat, camera: Camera, size: tuple[int, int]) -> Argb:
    """Return the heat map of one pane.

    Parameters
    ----------
    heat
        What to draw.
    camera, size
        What is seen, and the pane's width and height in pixels.

    Returns
    -------
    uint32 (height, width), premultiplied 0xAARRGGBB
    """
    step, (left, top) = heat.raw.step, heat.raw.origin
    coarse = Camera(
        (camera.x - left) / step, (camera.y - top) / step, camera.scale * step
    )
    seen = sample(heat.raw.levels, coarse, size)
    picture: Argb = table(heat.opacity).take(seen)
    return picture
