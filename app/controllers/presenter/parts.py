"""What is said of slides and pixel sizes: pure functions from the state to words."""

from dataclasses import dataclass
from pathlib import Path

from app.state.app_state import AppState
from app.state.slide_map import (
    MOST_READ,
    MOST_SEEN,
    Choosing,
    PartSize,
    SlideMap,
    around,
    find_region,
    measure_part,
)
from app.state.trials import remember_last
from app.state.values import Opened
from app.text import format as text
from app.views.panels.part import PartWords
from app.views.widgets.pixel_size import PixelSize
from core.rects import Rect

_MEGA = 1_000_000
_WAIT = 10.0  # seconds; a shorter wait needs no announcement


@dataclass(frozen=True, slots=True)
class PartView:
    """The overview of a slide, while a part of it is chosen."""

    slide: SlideMap
    region: Rect
    pixel_size: float | None
    words: PartWords


@dataclass(frozen=True, slots=True)
class MapView:
    """Where the open tile lies on its slide."""

    slide: SlideMap
    region: Rect


def resolve_part(state: AppState) -> PartView | None:
    """Return the overview of the slide of which a part is chosen, or None."""
    choosing = state.choosing
    if choosing is None:
        return None
    words = _words(state, choosing)
    return PartView(choosing.slide, choosing.region, choosing.pixel_size, words)


@remember_last
def resolve_map(opened: Opened | None) -> MapView | None:
    """Return where the open tile lies on its slide, or None where it is whole."""
    if opened is None or opened.slide is None or opened.slide.picture is None:
        return None
    slide = opened.slide
    region = find_region(slide, opened.source.view)
    return None if region[2:] == slide.size else MapView(slide, region)


@remember_last
def resolve_size(opened: Opened | None) -> PixelSize:
    """Return the pixel size of the open tile."""
    if opened is None or opened.model.task != "nuclei":
        return PixelSize()
    scale, view = opened.scale, opened.source.view
    caption = f"{scale.tile:.3g} µm/px" if scale.tile else "Pixel size?"
    if scale.resampled:
        caption = f"{caption}, resampled to {scale.model:.3g}"
    elif not view.resample:
        caption = f"{caption}, not resampled"
    return PixelSize(caption, scale.sentence, scale, view.pixel_size, view.resample)


def _words(state: AppState, choosing: Choosing) -> PartWords:
    slide = choosing.slide
    size = measure_part(slide, choosing.region, choosing.pixel_size)
    return PartWords(
        title=_title(slide, choosing),
        hint=_hint(slide, choosing),
        size=_size(slide, choosing, size, _wait(state, choosing, size)),
        refusal=_refusal(slide, size),
        asks_size=slide.mpp is None,
    )


def _title(slide: SlideMap, choosing: Choosing) -> str:
    name = Path(slide.source.name).name
    mpp = choosing.pixel_size or slide.mpp
    parts = [
        name,
        slide.title,
        f"{_across(slide.size)} pixels",
        f"{mpp:.4g} µm per pixel" if mpp else "pixel size unknown",
    ]
    if len(slide.levels) > 1:
        parts.append(f"{len(slide.levels)} levels")
    return " · ".join(parts)


def _hint(slide: SlideMap, choosing: Choosing) -> str:
    _, _, width, _ = around(slide, (0, 0), choosing.pixel_size)
    mpp = choosing.pixel_size or slide.mpp
    square = f"{width:,} pixels" if not mpp else text.length(round(width * mpp))
    return (
        f"Drag a rectangle over the part to open. A click takes a square of {square}; "
        "a drag inside the rectangle moves it, the wheel zooms."
    )


def _size(slide: SlideMap, choosing: Choosing, size: PartSize, wait: float) -> str:
    parts = []
    mpp = choosing.pixel_size or slide.mpp
    if mpp:
        width, height = choosing.region[2] * mpp, choosing.region[3] * mpp
        parts.append(_extent(width, height))
    tile = f"a tile of {_across(size.tile)} pixels"
    if size.mpp:
        tile += f" at {size.mpp:.3g} µm"
    parts.append(tile)
    if len(slide.levels) > 1:
        parts.append(f"level {size.level} of 0 to {len(slide.levels) - 1}")
    words = ", ".join(parts)
    if size.seen > size.tile[0] * size.tile[1] * 1.1:
        words += f". Enlarged to {slide.wanted:.3g} µm for the model"
    elif size.seen * 1.1 < size.tile[0] * size.tile[1]:
        words += f". Shrunk to {slide.wanted:.3g} µm for the model"
    if wait >= _WAIT:
        words += f". Finding its nuclei takes about {text.duration(wait)}"
    return f"{words[:1].upper()}{words[1:]}."


def _refusal(slide: SlideMap, size: PartSize) -> str:
    """Return why a part cannot be opened; empty when it can."""
    if size.most <= 1:
        return ""
    if size.read > MOST_READ:
        return (
            f"Too large: this part has {size.read / _MEGA:,.0f} megapixels at level "
            f"{size.level}, and at most {MOST_READ // _MEGA} are opened at once. Draw "
            "a smaller one."
        )
    return (
        f"Too large: at the model's {slide.wanted:.3g} µm this part has "
        f"{size.seen / _MEGA:,.0f} megapixels, and at most {MOST_SEEN // _MEGA} are "
        "opened at once. Draw a smaller one."
    )


def _wait(state: AppState, choosing: Choosing, size: PartSize) -> float:
    """Return the seconds that opening takes, judged by the open tile; 0 if unknown."""
    opened = state.opened
    if opened is None or opened.model.source != choosing.model:
        return 0.0
    width, height = opened.picture.size
    seen = float(width * height) * (opened.part.share if opened.part else 1.0)
    if opened.scale.resampled and opened.scale.tile and opened.scale.model:
        seen *= (opened.scale.tile / opened.scale.model) ** 2
    return sum(opened.seconds.get(name, 0.0) for name in _STAGES) * size.seen / seen


_STAGES = ("network", "maps", "instances")


def _across(size: tuple[int, int]) -> str:
    return f"{size[0]:,} {text.TIMES} {size[1]:,}"


def _extent(width: float, height: float) -> str:
    """Return a width and a height in micrometres, or in millimetres."""
    if max(width, height) >= 1000:
        return f"{width / 1000:.3g} {text.TIMES} {height / 1000:.3g} mm"
    return f"{width:.0f} {text.TIMES} {height:.0f} µm"
