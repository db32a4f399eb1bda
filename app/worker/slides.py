"""Overviews of slides, read on the worker thread: only what is looked at is decoded.

To read this file, start from `SlideMaps.find`.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.rendering.overlay import picture_pyramid
from app.state.slide_map import MOST_READ, SIDE, SlideLevel, SlideMap
from app.state.values import Picture
from core.errors import InputError
from core.files import is_folder
from core.sources import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.images.slides.slide import Slide

OVERVIEW = 1600  # pixels of the longer side
_APART = 24  # grey values between tissue and background
_FULL = 6  # a part with holes is worth this much less, as a power of what is full
_SMALL = 1_500_000  # pixels that are opened whole, however many levels they have


def is_slide_folder(path: Path) -> bool:
    """Return whether a folder is one slide: OME-Zarr or DICOM."""
    if path.suffix.lower() == ".zarr":
        return True
    return is_folder(path) and any(one.suffix == ".dcm" for one in path.iterdir())


class SlideMaps:
    """Makes overviews; the last one is kept as long as its file is the same."""

    def __init__(self) -> None:
        self._last: tuple[tuple[str, int], SlideMap | None] | None = None

    def find(self, source: Source) -> SlideMap | None:
        """Return the slide that a tile is a part of; None where it is no slide.

        Parameters
        ----------
        source
            With a part, any picture counts as a slide; without one, those of several
            resolutions, of a scanner, or too large to be opened whole.

        Raises
        ------
        InputError
            When the file cannot be read.
        """
        path = source.path
        if path is None or (is_folder(path) and not is_slide_folder(path)):
            return None
        key = str(path), _changed(path)
        if self._last is not None and self._last[0] == key:
            found = self._last[1]
            if found is not None or source.view.region is None:
                return found
        found = _read(path, part=source.view.region is not None)
        self._last = key, found
        return found


def _changed(path: Path) -> int:
    """Return when a file was written last; the reader says what is wrong with it."""
    try:
        return path.stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


def read_map(path: Path) -> SlideMap:
    """Return any picture as a slide, with its overview.

    Raises
    ------
    InputError
        When the file cannot be read.
    """
    found = _read(path, part=True)
    assert found is not None  # a part can be chosen of any picture
    return found


def _read(path: Path, *, part: bool) -> SlideMap | None:
    from core.images.reading import read_slide

    with read_slide(path) as slide:
        if not part and not _is_slide(slide):
            return None
        levels = tuple(
            SlideLevel(level.size, slide.level_mpp(number))
            for number, level in enumerate(slide.levels)
        )
        source = Source("file", str(path))
        found = SlideMap(source, slide.title, levels, proposed=_middle(levels[0].size))
        try:
            tile = slide.overview(OVERVIEW)
        except InputError:
            note = "This file has no small level to show: give the part by numbers."
            return replace(found, note=note)
    wide = levels[0].size[0] / tile.pixels.shape[1]
    mpp = levels[0].mpp
    shown = mpp * wide if mpp else None
    return replace(
        found,
        picture=Picture(picture_pyramid(tile.pixels), path.name, shown),
        proposed=find_detail(tile.pixels, wide),
    )


def _is_slide(slide: "Slide") -> bool:
    """Return whether a part is to be chosen before anything is opened."""
    from core.images.slides import openslide

    width, height = slide.size
    several = len(slide.levels) > 1 or slide.title in openslide.FORMATS.values()
    return width * height > (_SMALL if several else MOST_READ)


def find_detail(pixels: "NDArray[np.uint8]", step: float) -> tuple[int, int]:
    """Return where a picture shows most detail: the middle of a part to begin with.

    Parameters
    ----------
    pixels
        uint8 (height, width, 3).
    step
        Pixels of the finest level for one of these.

    Returns
    -------
    x, y
        In pixels of the finest level. Detail is the standard deviation of grey over
        the part that a click takes, where that is full of tissue: the commonest grey
        is that of the background, on glass and in fluorescence.
    """
    import cv2  # behind the first window

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    side = max(round(SIDE / step), 3)
    common = int(np.bincount(grey.ravel(), minlength=256).argmax())
    values = grey.astype(np.float32)
    tissue = (np.abs(values - common) > _APART).astype(np.float32)
    full = np.asarray(cv2.boxFilter(tissue, -1, (side, side)))
    mean = cv2.boxFilter(values, -1, (side, side))
    spread = np.asarray(cv2.boxFilter(values * values, -1, (side, side)) - mean * mean)
    worth = full**_FULL * np.sqrt(np.maximum(spread, 0))
    edge = min(side // 2, (min(worth.shape) - 1) // 2)
    inner = worth[edge : worth.shape[0] - edge, edge : worth.shape[1] - edge]
    y, x = np.unravel_index(int(np.argmax(inner)), inner.shape)
    return round((int(x) + edge) * step), round((int(y) + edge) * step)


def _middle(size: tuple[int, int]) -> tuple[int, int]:
    return size[0] // 2, size[1] // 2
