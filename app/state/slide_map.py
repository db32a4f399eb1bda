"""A slide as the window shows it, and which part of it a rectangle stands for.

Rectangles are (x, y, width, height) in pixels of the finest level. To read this file,
start from `find_part`, which says at what level a rectangle is read.
"""

import math
from dataclasses import dataclass, replace

from app.state.picture import Picture
from core.rects import Rect
from core.sources import Source, TileRegion

MOST_READ = 25_000_000  # pixels of a tile, as `core.images.limits.MAX_PIXELS`
MOST_SEEN = 40_000_000  # of it at the model's scale, as `core.nuclei.scale`
SIDE = 1024  # pixels of a model across the part that a click takes
_NEARLY = 1.01  # a level this little coarser than wanted is not enlarged
_ALIKE = 1.1  # pixel sizes that differ by less are taken as equal


@dataclass(frozen=True, slots=True)
class SlideLevel:
    """One resolution: (width, height), and micrometres per pixel if known."""

    size: tuple[int, int]
    mpp: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SlideMap:
    """A slide that a part can be chosen of.

    Parameters
    ----------
    source
        What it is opened from, as text without any part.
    title
        Kind of file, such as ``"Aperio SVS"``.
    levels
        The finest first.
    picture
        The whole slide, small; None where it has no coarse level.
    note
        Why there is no picture, in a sentence.
    proposed
        Middle of the part that shows most, in pixels of the finest level.
    wanted
        Micrometres per pixel of the open model, or None when it states none.
    """

    source: Source
    title: str
    levels: tuple[SlideLevel, ...]
    picture: Picture | None = None
    note: str = ""
    proposed: tuple[int, int] = (0, 0)
    wanted: float | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the finest level in pixels."""
        return self.levels[0].size

    @property
    def mpp(self) -> float | None:
        """Micrometres per pixel of the finest level, or None."""
        return self.levels[0].mpp


@dataclass(frozen=True, slots=True)
class Choosing:
    """A slide of which a part is being chosen.

    Parameters
    ----------
    slide
        Which one.
    model
        What is opened beside the part.
    region
        Rectangle drawn so far.
    pixel_size
        Micrometres per pixel of the finest level, typed where the file has none.
    resample
        Whether the tile may be resampled to the model's pixel size.
    """

    slide: SlideMap
    model: str
    region: Rect
    pixel_size: float | None = None
    resample: bool = True


@dataclass(frozen=True, slots=True)
class PartSize:
    """How large a part of a slide is.

    Parameters
    ----------
    level
        Resolution that it is read at.
    tile
        (width, height) of the tile in pixels.
    mpp
        Micrometres per pixel of the tile, or None.
    read, seen
        Pixels that are decoded, and pixels at the model's scale.
    """

    level: int
    tile: tuple[int, int]
    mpp: float | None
    read: int
    seen: int

    @property
    def most(self) -> float:
        """Share of what can be opened at once; above 1 it is too large."""
        return max(self.read / MOST_READ, self.seen / MOST_SEEN)


def level_sizes(slide: SlideMap, pixel_size: float | None) -> list[float | None]:
    """Return micrometres per pixel of each level, as stated or as typed."""
    if pixel_size is None:
        return [level.mpp for level in slide.levels]
    wide = slide.size[0]
    return [pixel_size * wide / level.size[0] for level in slide.levels]


def find_level(slide: SlideMap, pixel_size: float | None = None) -> int:
    """Return the coarsest level that is as fine as the model wants; 0 when unknown."""
    found = 0
    for number, mpp in enumerate(level_sizes(slide, pixel_size)):
        if mpp and slide.wanted and mpp <= slide.wanted * _NEARLY:
            found = number
    return found


def find_part(
    slide: SlideMap, region: Rect, pixel_size: float | None = None
) -> TileRegion:
    """Return what is opened for a rectangle.

    Parameters
    ----------
    slide, region
        Which part of which slide.
    pixel_size
        Micrometres per pixel of the finest level, where it was typed.

    Returns
    -------
    TileRegion
        At the coarsest level that is as fine as the model wants. A level that is
        much finer is shrunk to the model's pixel size as it is read.
    """
    number = find_level(slide, pixel_size)
    mpp = level_sizes(slide, pixel_size)[number]
    part = to_level(slide, region, number)
    if pixel_size is not None:
        return TileRegion(part, number, pixel_size=_rounded(mpp))
    shrinks = bool(mpp and slide.wanted and mpp * _ALIKE < slide.wanted)
    return TileRegion(part, number, mpp=slide.wanted if shrinks else None)


def to_level(slide: SlideMap, region: Rect, number: int) -> Rect:
    """Express a rectangle in pixels of a level, inside of it."""
    wide, tall = slide.levels[number].size
    across, down = wide / slide.size[0], tall / slide.size[1]
    x, y, width, height = region
    left, top = min(int(x * across), wide - 1), min(int(y * down), tall - 1)
    return (
        left,
        top,
        min(max(round(width * across), 1), wide - left),
        min(max(round(height * down), 1), tall - top),
    )


def find_region(slide: SlideMap, view: TileRegion) -> Rect:
    """Return the rectangle of a part that is open; the whole slide where it is none."""
    number = min(view.level, len(slide.levels) - 1)
    wide, tall = slide.levels[number].size
    across, down = slide.size[0] / wide, slide.size[1] / tall
    x, y, width, height = view.region or (0, 0, wide, tall)
    left, top = round(x * across), round(y * down)
    return left, top, round(width * across), round(height * down)


def measure_part(
    slide: SlideMap, region: Rect, pixel_size: float | None = None
) -> PartSize:
    """Return how large the tile of a rectangle becomes."""
    view = find_part(slide, region, pixel_size)
    assert view.region is not None
    _, _, width, height = view.region
    own = level_sizes(slide, pixel_size)[view.level]
    read, mpp = width * height, view.mpp or own
    if view.mpp and own:
        shrunk = own / view.mpp
        width, height = max(round(width * shrunk), 1), max(round(height * shrunk), 1)
    seen = float(width * height)
    if mpp and slide.wanted and not 1 / _ALIKE <= mpp / slide.wanted <= _ALIKE:
        seen *= (mpp / slide.wanted) ** 2
    return PartSize(view.level, (width, height), mpp, read, math.ceil(seen))


def start_region(slide: SlideMap, pixel_size: float | None = None) -> Rect:
    """Return the rectangle that is drawn at first, where the slide shows most."""
    return around(slide, slide.proposed, pixel_size)


def around(
    slide: SlideMap, place: tuple[float, float], pixel_size: float | None = None
) -> Rect:
    """Return the square that a click takes: `SIDE` pixels of the model across."""
    own = level_sizes(slide, pixel_size)[0]
    side = round(SIDE * slide.wanted / own) if own and slide.wanted else SIDE
    return centred(slide, place, (side, side))


def centred(slide: SlideMap, place: tuple[float, float], size: tuple[int, int]) -> Rect:
    """Return the rectangle of a size around a place, moved inside the slide."""
    corner = []
    sides = [min(side, most) for side, most in zip(size, slide.size, strict=True)]
    for middle, side, most in zip(place, sides, slide.size, strict=True):
        corner.append(min(max(round(middle - side / 2), 0), most - side))
    return corner[0], corner[1], sides[0], sides[1]


def clipped(slide: SlideMap, region: Rect) -> Rect:
    """Return a rectangle cut to the slide, of at least one pixel."""
    wide, tall = slide.size
    left, top = min(max(region[0], 0), wide - 1), min(max(region[1], 0), tall - 1)
    right = min(max(region[0] + region[2], left + 1), wide)
    bottom = min(max(region[1] + region[3], top + 1), tall)
    return left, top, right - left, bottom - top


def moved_part(
    slide: SlideMap, view: TileRegion, place: tuple[float, float]
) -> TileRegion:
    """Return a part of the same size and resolution around another place.

    Parameters
    ----------
    slide, view
        Which part is open.
    place
        Middle of the part that is wanted, in pixels of the finest level.
    """
    region = centred(slide, place, find_region(slide, view)[2:])
    number = min(view.level, len(slide.levels) - 1)
    x, y, _, _ = to_level(slide, region, number)
    wide, tall = slide.levels[number].size
    width, height = view.region[2:] if view.region else (wide, tall)
    corner = min(x, wide - width), min(y, tall - height)
    return replace(view, region=(max(corner[0], 0), max(corner[1], 0), width, height))


def source_of(choosing: Choosing) -> Source:
    """Return what is opened for the rectangle drawn so far."""
    slide = choosing.slide
    view = find_part(slide, choosing.region, choosing.pixel_size)
    view = replace(view, resample=choosing.resample)
    return replace(slide.source, view=view)


def _rounded(value: float | None) -> float | None:
    """Return a number as a person would type it: six digits."""
    return None if value is None else float(f"{value:.6g}")
