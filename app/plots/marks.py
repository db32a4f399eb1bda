"""Marks and dashes of curves, as outlines that any renderer can draw.

Nothing here imports Qt. A curve is told by its mark and dash as well as by its
colour.
"""

import math
from collections.abc import Mapping
from typing import get_args

from app.rendering.series_looks import Dash, Mark

__all__ = ["DASHES", "DASH_PATTERN", "MARKS", "Dash", "Mark", "mark_outline"]

Outline = tuple[tuple[float, float], ...]

MARKS: tuple[Mark, ...] = get_args(Mark)
DASHES: tuple[Dash, ...] = get_args(Dash)
DASH_PATTERN: Mapping[Dash, tuple[float, ...]] = {
    "solid": (),
    "dash": (5.0, 3.0),
    "dot": (1.2, 2.4),
    "dashdot": (5.0, 2.4, 1.2, 2.4),
}
"""Lengths of strokes and gaps, in pixels at a line of one pixel."""


def mark_outline(mark: Mark) -> Outline:
    """Return the corners of a mark around the origin, y downwards.

    Parameters
    ----------
    mark
        See `MARKS`.

    Returns
    -------
    tuple of (float, float)
        Corners in units of the radius of the circle with the same area; empty for
        the circle itself.
    """
    return _OUTLINES[mark]


def _regular(corners: int, turn: float = 0.0) -> Outline:
    """Return a regular polygon with a corner at the top, turned clockwise."""
    area = corners / 2 * math.sin(2 * math.pi / corners)
    return _spokes([math.sqrt(math.pi / area)] * corners, turn)


def _spokes(reaches: list[float], turn: float = 0.0) -> Outline:
    step = 2 * math.pi / len(reaches)
    return tuple(
        (
            reach * math.sin(index * step + turn),
            -reach * math.cos(index * step + turn),
        )
        for index, reach in enumerate(reaches)
    )


def _plus(turn: float) -> Outline:
    """Return a cross of two bars, one third of its reach in width."""
    arm, bar = 1.35, 0.45
    corners = (
        *((-bar, -arm), (bar, -arm), (bar, -bar), (arm, -bar)),
        *((arm, bar), (bar, bar), (bar, arm), (-bar, arm)),
        *((-bar, bar), (-arm, bar), (-arm, -bar), (-bar, -bar)),
    )
    sine, cosine = math.sin(turn), math.cos(turn)
    return tuple((x * cosine - y * sine, x * sine + y * cosine) for x, y in corners)


_OUTLINES: Mapping[Mark, Outline] = {
    "circle": (),
    "square": _regular(4, math.pi / 4),
    "diamond": _regular(4),
    "triangle": _regular(3),
    "triangle_down": _regular(3, math.pi),
    "pentagon": _regular(5),
    "hexagon": _regular(6),
    "star": _spokes([1.6, 0.68] * 5),
    "plus": _plus(0.0),
    "cross": _plus(math.pi / 4),
}
