"""Colours with a meaning; the same in light and dark, and for colour-blind eyes.

The hues of fates are those of Okabe and Ito (2008). What became of a nucleus is never
told by hue alone: lost nuclei are also hatched and drawn with a thicker rim.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap

from app.rendering.overlay import Colours, premultiplied
from app.rendering.series_looks import GREY
from app.rendering.series_looks import Rgb as Rgb
from app.state.values import KINDS, Kind
from core.metrics import Change

ORANGE: Rgb = (230, 159, 0)
SKY: Rgb = (86, 180, 233)
GREEN: Rgb = (0, 158, 115)
YELLOW: Rgb = (240, 228, 66)
BLUE: Rgb = (0, 114, 178)
VERMILLION: Rgb = (213, 94, 0)
WHITE: Rgb = (255, 255, 255)

KIND_COLOUR: dict[Kind, Rgb] = {
    "kept": SKY,
    "lost": VERMILLION,
    "new": YELLOW,
    "merged": GREEN,
    "split": ORANGE,
    "retyped": WHITE,
}
KIND_SENTENCE: dict[Kind, str] = {
    "kept": "Found by both models.",
    "lost": "Found by the dense model, missing in the pruned one.",
    "new": "Found by the pruned model only.",
    "merged": "One nucleus of the pruned model that covers several of the dense one.",
    "split": "One nucleus of the dense model that fell into several.",
    "retyped": "Found by both models, but given another type.",
}
_INSIDE: dict[Kind, float] = {"kept": 0.0, "lost": 0.65}  # opacity; others 0.4
TYPE_COLOURS: tuple[Rgb, ...] = (
    (238, 82, 143),
    (140, 155, 14),
    (251, 206, 182),
    (136, 50, 9),
    (124, 137, 243),
    (30, 82, 78),
    (49, 233, 248),
    (25, 7, 237),
)
"""Of nucleus types, in order: none is a colour of `KIND_COLOUR`, so that no type is
taken for what became of a nucleus, and none is near the colours of stained tissue."""
PLAIN: Rgb = (64, 224, 208)  # masks without types: far from any stain


@cache
def kind_icon(kind: Kind) -> QIcon:
    """Return the colour of a kind; lost ones are hatched, as on the tile."""
    pixmap = QPixmap(24, 24)
    pixmap.fill(QColor(*KIND_COLOUR[kind]))
    painter = QPainter(pixmap)
    painter.setPen(QColor(128, 128, 128))
    painter.drawRect(0, 0, 23, 23)
    if kind == "lost":
        pen = painter.pen()
        pen.setColor(QColor("white"))
        pen.setWidth(3)
        painter.setPen(pen)
        for start in range(-24, 25, 9):
            painter.drawLine(start, 24, start + 24, 0)
    painter.end()
    return QIcon(pixmap)


def type_colour(number: int) -> Rgb:
    """Return the colour of a nucleus type, 1-based; 0 is unknown."""
    return GREY if number < 1 else TYPE_COLOURS[(number - 1) % len(TYPE_COLOURS)]


def by_type(
    count: int,
    classes: NDArray[np.int64] | None,
    *,
    fill: bool,
    opacity: float,
    hidden: frozenset[int] = frozenset(),
) -> Colours:
    """Return how nuclei look when coloured by their type.

    Parameters
    ----------
    count
        Number of nuclei.
    classes
        int (count,), 1-based types, or None for one colour.
    fill
        Interior too, not only the rim.
    opacity
        0 to 1.
    hidden
        Types that stay invisible.
    """
    rgb = np.zeros((count + 1, 3), np.uint8)
    if classes is None:
        rgb[1:] = PLAIN
    else:
        table = np.array(
            [type_colour(number) for number in range(int(classes.max(initial=0)) + 1)]
        )
        rgb[1:] = table[classes]
    shown = np.ones(count + 1)
    shown[0] = 0
    if classes is not None and hidden:
        shown[1:][np.isin(classes, list(hidden))] = 0
    line = premultiplied(rgb, shown * opacity)
    inside = premultiplied(rgb, shown * opacity * (0.45 if fill else 0.0))
    return Colours(line, inside, inside)


def by_kind(
    codes: NDArray[np.uint8], *, opacity: float, only: frozenset[Kind] | None = None
) -> Colours:
    """Return how nuclei look when coloured by what became of them.

    Parameters
    ----------
    codes
        uint8 (n,), `core.metrics.Change`; 0 stays invisible.
    opacity
        0 to 1.
    only
        Kinds to draw; the others stay invisible.
    """
    table = np.array([(0, 0, 0), *(KIND_COLOUR[kind] for kind in KINDS)], np.uint8)
    rgb = np.zeros((len(codes) + 1, 3), np.uint8)
    rgb[1:] = table[codes]
    drawn = np.array([0.0, *(only is None or kind in only for kind in KINDS)])
    inner = np.array([0.0, *(_INSIDE.get(kind, 0.4) for kind in KINDS)])
    hatch = np.array([0.0, *(1.0 if kind == "lost" else 0.0 for kind in KINDS)])
    shown, inside, stripe = np.zeros((3, len(codes) + 1))
    shown[1:] = drawn[codes]
    inside[1:] = (drawn * inner)[codes]
    stripe[1:] = (drawn * np.maximum(hatch, inner))[codes]
    # Between the hatch of lost nuclei it is white, unlike any stain.
    ground = rgb.copy()
    ground[1:][codes == Change.LOST] = 255
    return Colours(
        premultiplied(rgb, shown * opacity),
        premultiplied(ground, inside * opacity),
        premultiplied(rgb, stripe * opacity),
    )
