"""One value for every picture that can be opened: `read_slide` makes it."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

from core.errors import InputError
from core.images.checks import decoded
from core.images.limits import MAX_PIXELS, check_size
from core.images.pixels import to_rgb8
from core.types import Tile

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from core.images.orientation import Region
    from core.images.slides.values import Backend, PyramidLevel

_PLAUSIBLE_MPP = (0.05, 20.0)  # from oil immersion to a slide overview
_SQUARE = 1.02  # longest side of a pixel over its shortest
_NEARLY = 1.01  # a level this little coarser than wanted is not enlarged
_SEARCHED = 6 * MAX_PIXELS  # pixels of a level that is still shrunk for an overview


class Slide:
    """A picture of one or more resolutions, open for reading parts of it.

    Memory is bounded by what is read, not by the picture.

    Parameters
    ----------
    path
        Of the file.
    title
        What kind of file it is, such as ``"Aperio SVS"``.
    backend
        What decodes it; closed with the slide.
    """

    def __init__(self, path: Path, title: str, backend: Backend) -> None:
        self.path = path
        self.title = title
        self._backend = backend

    @property
    def levels(self) -> tuple[PyramidLevel, ...]:
        """Resolutions, the finest first; at least one."""
        return self._backend.levels

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the finest level in pixels."""
        return self.levels[0].size

    @property
    def mpp(self) -> tuple[float, float] | None:
        """Micrometres per pixel of the finest level along x and y.

        None where the file states none, or one that no microscope has.
        """
        return _plausible(self.levels[0].mpp)

    @property
    def associated(self) -> tuple[str, ...]:
        """Names of pictures beside the slide's own, such as its label."""
        return self._backend.associated

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that a user should know."""
        return self._backend.notes

    def level_mpp(self, level: int) -> float | None:
        """Micrometres per pixel of one level, or None.

        Raises
        ------
        InputError
            When pixels are not square, so that one number cannot say it.
        """
        sides = self._level(level).mpp
        whole = self.mpp  # of small levels the rounded sides differ
        if whole is not None and max(whole) > _SQUARE * min(whole):
            raise InputError(
                f"{self.path.name} has pixels of {whole[0]:g} x {whole[1]:g} µm; "
                "resample it to square pixels (ImageJ: Image > Scale) and open that."
            )
        return plausible_mpp(sides[0]) if sides else None

    def level_for(self, mpp: float) -> int:
        """Coarsest level that is at least as fine as `mpp` micrometres.

        Parameters
        ----------
        mpp
            Wanted micrometres per pixel.

        Returns
        -------
        int
            0 where the slide states no pixel size.
        """
        found = 0
        for number in range(len(self.levels)):
            size = self.level_mpp(number)
            if size is not None and size <= mpp * _NEARLY:
                found = number
        return found

    def read_region(
        self, region: Region, *, level: int = 0, mpp: float | None = None
    ) -> Tile:
        """Read a part of the slide.

        Parameters
        ----------
        region
            (x, y, width, height) in pixels of `level`.
        level
            Resolution, 0 the finest.
        mpp
            Micrometres per pixel of the tile that is returned: the part is read at
            the best level and resampled. The pixels of `level` when left out.

        Raises
        ------
        InputError
            When the region is not inside, too large, or `mpp` is asked of a slide
            that states no pixel size.
        """
        name = f"The region of {self.path.name}"
        region = check_region(region, self._level(level).size, self.path.name)
        if mpp is None:
            check_size(region[2:], name, "choose a smaller one, or a coarser level")
            return self._tile(level, region)
        own = self.level_mpp(level)
        if own is None:
            raise InputError(
                f"{self.path.name} states no pixel size, so --mpp cannot be reached; "
                "choose a level instead."
            )
        wanted = tuple(max(round(side * own / mpp), 1) for side in region[2:])
        check_size(
            (wanted[0], wanted[1]), name, "choose a smaller one, or a coarser mpp"
        )
        finer = self.level_for(mpp)
        part = self._moved(region, level, finer)
        check_size(part[2:], name, "choose a smaller one")
        tile = self._tile(finer, part)
        return Tile(_resized(tile.pixels, wanted), mpp, tile.source, tile.notes)

    def read_whole(self, level: int = 0) -> Tile:
        """Read a whole level.

        Raises
        ------
        TooLargeError
            When only a part of it can be opened.
        """
        size = self._level(level).size
        check_size(size, self.path.name, self._advice())
        return self._tile(level, (0, 0, *size))

    def overview(self, side: int = 1024) -> Tile:
        """Return the whole slide, at most `side` pixels wide and tall.

        Raises
        ------
        InputError
            When the slide has no level that is small enough to be read for it.
        """
        fits = [n for n, level in enumerate(self.levels) if max(level.size) >= side]
        level = fits[-1] if fits else 0
        wide, tall = self.levels[level].size
        if not (wide and tall):
            raise InputError(
                f"{self.path.name} holds a picture of {wide} x {tall} pixels: it is "
                "damaged, get it again."
            )
        factor = min(1.0, side / max(wide, tall))
        size = max(round(wide * factor), 1), max(round(tall * factor), 1)
        mpp = _plausible(self.levels[level].mpp)
        pixels = self._shrunk(level, size)
        shown = mpp[0] * wide / size[0] if mpp else None
        return Tile(pixels, shown, str(self.path), self.notes)

    def read_associated(self, name: str) -> NDArray[np.uint8]:
        """Read a picture beside the slide's own, uint8 (height, width, 3).

        Raises
        ------
        InputError
            When there is none of that name.
        """
        if name not in self.associated:
            known = ", ".join(self.associated) or "none"
            raise InputError(
                f"{self.path.name} has no picture {name!r} beside it; "
                f"there are: {known}."
            )
        raw = decoded(self.path, lambda: self._backend.read_associated(name))
        return to_rgb8(raw, self.path.name)

    def close(self) -> None:
        """Close the file."""
        self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _level(self, level: int) -> PyramidLevel:
        name, count = self.path.name, len(self.levels)
        if count == 1 and level:
            raise InputError(f"{name} has one resolution; leave level at 0.")
        if not 0 <= level < count:
            raise InputError(
                f"{name} has {count} resolution levels; "
                f"choose a level from 0 to {count - 1}."
            )
        return self.levels[level]

    def _tile(self, level: int, region: Region) -> Tile:
        mpp = self.level_mpp(level)
        return Tile(self._pixels(level, region), mpp, str(self.path), self.notes)

    def _pixels(self, level: int, region: Region) -> NDArray[np.uint8]:
        raw = decoded(self.path, lambda: self._backend.read(level, region))
        return to_rgb8(raw, self.path.name)

    def _moved(self, region: Region, level: int, to: int) -> Region:
        """Express a region of one level in pixels of another."""
        before, after = self.levels[level].size, self.levels[to].size
        x, y, width, height = region
        across, down = after[0] / before[0], after[1] / before[1]
        left, top = min(int(x * across), after[0] - 1), min(int(y * down), after[1] - 1)
        wide = min(max(round(width * across), 1), after[0] - left)
        tall = min(max(round(height * down), 1), after[1] - top)
        return left, top, wide, tall

    def _advice(self) -> str:
        sizes = [math.prod(each.size) for each in self.levels]
        fits = [level for level, size in enumerate(sizes) if size <= MAX_PIXELS]
        parts = "open a region of it (--region X,Y,WIDTH,HEIGHT, with --level or --mpp)"
        return f"{parts}, or the whole at --level {fits[0]}" if fits else parts

    def _shrunk(self, level: int, size: tuple[int, int]) -> NDArray[np.uint8]:
        """Read a level in bands, each of them shrunk at once."""
        wide, tall = self.levels[level].size
        if wide * tall > _SEARCHED:
            raise InputError(
                f"{self.path.name} has no coarse level to show as an overview; "
                "give the region by numbers."
            )
        rows = max(MAX_PIXELS // max(wide, 1) // 2, 1)
        count = -(-tall // rows)
        edges = [round(n * size[1] / count) for n in range(count + 1)]
        bands = []
        for first, last in pairwise(edges):
            if last == first:
                continue
            top, end = first * tall // size[1], last * tall // size[1]
            region = (0, top, wide, end - top)
            shown = self._pixels(level, region)
            bands.append(_resized(shown, (size[0], last - first)))
        return np.concatenate(bands)


def check_region(region: Region, size: tuple[int, int], name: str) -> Region:
    """Refuse a region that is empty or not wholly inside (width, height)."""
    x, y, width, height = map(int, region)
    if width < 1 or height < 1:
        raise InputError(f"The region {region} is empty; give it a size above 0.")
    if x < 0 or y < 0 or x + width > size[0] or y + height > size[1]:
        raise InputError(
            f"The region {region} (x, y, width, height) is not inside {name}, "
            f"which is {size[0]} x {size[1]} pixels; choose one that is."
        )
    return x, y, width, height


def plausible_mpp(mpp: float | None) -> float | None:
    """Keep a resolution a microscope can have; 72 dpi and the like is none."""
    low, high = _PLAUSIBLE_MPP
    if mpp is None or not math.isfinite(mpp) or not low <= mpp <= high:
        return None
    return mpp


def _plausible(sides: tuple[float, float] | None) -> tuple[float, float] | None:
    if sides is None or any(plausible_mpp(side) is None for side in sides):
        return None
    return sides


def _resized(pixels: NDArray[np.uint8], size: tuple[int, ...]) -> NDArray[np.uint8]:
    """Resample to (width, height): areas when shrinking, cubic when enlarging."""
    if (pixels.shape[1], pixels.shape[0]) == tuple(size):
        return pixels
    shrinks = size[0] * size[1] < pixels.shape[0] * pixels.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)
