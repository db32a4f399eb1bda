"""What a pruned model changed, as maps over a slide."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from app.rendering.palette import KIND_COLOUR
from app.state.values import Kind

SHOWN: tuple[Kind, ...] = ("kept", "lost", "merged")
_HEAD = 56  # pixels above a map, for its title and scale
_GAP = 16
_PAPER, _INK = (255, 255, 255), (34, 34, 34)
_STRONGEST = 0.85  # opacity of the highest density


def draw_map(
    overview: NDArray[np.uint8],
    regions: Sequence[Mapping[str, Any]],
    size: tuple[float, float],
    unit: str,
) -> Image.Image:
    """Draw kept, lost and merged nuclei per unit of area, side by side.

    Parameters
    ----------
    overview
        uint8 (height, width, 3), the whole slide.
    regions
        From `core.wholeslide.regions.SlideRegion.as_dict`.
    size
        Width and height of the slide in pixels of its finest level.
    unit
        Of areas, in words.
    """
    height, width = overview.shape[:2]
    wide = max(width, 240)
    page = Image.new(
        "RGB", ((wide + _GAP) * len(SHOWN) + _GAP, height + _HEAD + _GAP), _PAPER
    )
    grey = np.repeat(overview.mean(axis=2, keepdims=True), 3, axis=2)
    for place, kind in enumerate(SHOWN):
        top = max((region[f"{kind}_density"] for region in regions), default=0.0)
        shown = _coloured(grey, regions, size, kind, top)
        left = _GAP + place * (wide + _GAP)
        page.paste(Image.fromarray(shown), (left, _HEAD))
        _write_head(page, (left, 8), kind, top, unit)
    return page


def _coloured(
    grey: NDArray[np.float64],
    regions: Sequence[Mapping[str, Any]],
    size: tuple[float, float],
    kind: Kind,
    top: float,
) -> NDArray[np.uint8]:
    """Mix the colour of a kind into each region, the more the denser."""
    found = 255 - (255 - grey) * 0.6  # paler, so that colours are told apart
    across, down = grey.shape[1] / size[0], grey.shape[0] / size[1]
    colour = np.array(KIND_COLOUR[kind], np.float64)
    for region in regions:
        x, y = round(region["x"] * across), round(region["y"] * down)
        right = max(round((region["x"] + region["width"]) * across), x + 1)
        bottom = max(round((region["y"] + region["height"]) * down), y + 1)
        share = _STRONGEST * region[f"{kind}_density"] / top if top else 0.0
        part = found[y:bottom, x:right]
        part *= 1 - share
        part += share * colour
    return np.asarray(found.clip(0, 255), np.uint8)


def _write_head(
    page: Image.Image, corner: tuple[int, int], kind: Kind, top: float, unit: str
) -> None:
    """Write what a map shows, and a scale from none to the densest region."""
    pen, (x, y) = ImageDraw.Draw(page), corner
    font = ImageFont.load_default(14)
    plain = unit.replace("\N{SUPERSCRIPT TWO}", "2")  # the font has no raised one
    pen.text((x, y), f"{kind} nuclei per {plain}", _INK, font=font)
    colour = np.array(KIND_COLOUR[kind], np.float64)
    for step in range(100):
        share = _STRONGEST * step / 99
        mixed = tuple(int(v) for v in 235 * (1 - share) + share * colour)
        pen.line([(x + 20 + step, y + 24), (x + 20 + step, y + 36)], mixed)
    pen.text((x, y + 21), "0", _INK, font=font)
    pen.text((x + 128, y + 21), f"{top:.4g}", _INK, font=font)
