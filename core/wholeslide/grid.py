"""The pixels that a model sees of a slide, and the patches they are divided into.

The patches are those of `core.nuclei.tiling` for a tile of the slide's size, so a
slide gives what a tile of the same pixels gives. Where pixel sizes differ, the slide
is resampled by a ratio of small whole numbers: parts that are resampled one by one
then fit together without a seam.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np

from core.errors import InputError
from core.nuclei.preprocess import margin
from core.nuclei.scale import TOLERANCE
from core.nuclei.spans import Span, spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.images import Slide
    from core.types import ModelSpec

_LARGEST_TERM = 8  # of the ratio by which a slide is resampled
_CONTEXT = 4  # pixels around a part that interpolation looks at
_ABSURD = 10.0  # enlarged this much, a nucleus has no more than a pixel of its own


@dataclass(frozen=True, slots=True)
class SlideGrid:
    """Where patches lie on a slide.

    Parameters
    ----------
    level
        Resolution of the slide that is read.
    ratio
        Pixels of the model's grid for one pixel of the level.
    size
        (width, height) of the model's grid.
    mpp
        Micrometres per pixel of the model's grid, or None when unknown.
    step
        Pixels of the slide's finest level for one of the model's grid.
    rows, columns
        Patches along each axis, in pixels of the model's grid.
    around
        Pixels by which `Span.feed` is counted from outside of the slide.
    """

    level: int
    ratio: Fraction
    size: tuple[int, int]
    mpp: float | None
    step: float
    rows: tuple[Span, ...]
    columns: tuple[Span, ...]
    around: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return len(self.rows), len(self.columns)

    def spans(self, number: int) -> tuple[Span, Span]:
        """Row and column of a patch; patches are numbered row by row."""
        row, column = divmod(number, len(self.columns))
        return self.rows[row], self.columns[column]

    def area(self, number: int) -> int:
        """Pixels of the model's grid that belong to a patch."""
        row, column = (span.place for span in self.spans(number))
        return int((row.stop - row.start) * (column.stop - column.start))

    def square_mm(self, pixels: float) -> float | None:
        """Area in mm², or None without a pixel size."""
        return None if self.mpp is None else pixels * self.mpp**2 / 1e6

    def neighbours(self, number: int, reach: int) -> list[int]:
        """Numbers of the patches at most `reach` pixels away, itself among them."""
        row, column = divmod(number, len(self.columns))
        rows, columns = (
            [n for n in range(len(line)) if _near(line[at].place, line[n].place, reach)]
            for line, at in ((self.rows, row), (self.columns, column))
        )
        return [r * len(self.columns) + c for r in rows for c in columns]

    def read(self, slide: Slide, number: int) -> NDArray[np.uint8]:
        """Read what the network is fed with for a patch.

        Returns
        -------
        array
            uint8 (height, width, 3), mirrored on where it reaches over the slide.
        """
        row, column = self.spans(number)
        down, left, right_pad = [], [], []
        for feed, side in ((row.feed, self.size[1]), (column.feed, self.size[0])):
            start, stop = feed.start - self.around, feed.stop - self.around
            before, after = max(-start, 0), max(stop - side, 0)
            # what is mirrored must be among the pixels that are read
            first = max(min(start, side - after - 1), 0)
            last = min(max(stop, before + 1), side)
            down.append((first, last))
            left.append((before, after))
            right_pad.append((start - first + before, stop - start))
        (top, bottom), (first, last) = down
        pixels = self._part(slide, (first, top, last - first, bottom - top))
        (above, below), (before, after) = left
        framed = cv2.copyMakeBorder(
            pixels, above, below, before, after, cv2.BORDER_REFLECT_101
        )
        (y, tall), (x, wide) = right_pad
        return np.ascontiguousarray(framed[y : y + tall, x : x + wide], np.uint8)

    def _part(self, slide: Slide, region: tuple[int, ...]) -> NDArray[np.uint8]:
        """Read (x, y, width, height) of the model's grid, inside the slide."""
        x, y, width, height = region
        up, down = self.ratio.numerator, self.ratio.denominator
        if self.ratio == 1:
            return slide.read_region((x, y, width, height), level=self.level).pixels
        ends = []
        for start, side, whole in (
            (x, width, self.size[0]),
            (y, height, self.size[1]),
        ):
            # in units of `up` pixels of the grid, `down` pixels of the level
            low = max(start // up - _CONTEXT, 0)
            high = min(-(-(start + side) // up) + _CONTEXT, whole // up)
            ends.append((low, high, start - low * up))
        (left, right, dx), (top, bottom, dy) = ends
        box = (left * down, top * down, (right - left) * down, (bottom - top) * down)
        pixels = slide.read_region(box, level=self.level).pixels
        how = cv2.INTER_CUBIC if up > down else cv2.INTER_AREA
        size = ((right - left) * up, (bottom - top) * up)
        resized = cv2.resize(pixels, size, interpolation=how)
        return np.asarray(resized[dy : dy + height, dx : dx + width], np.uint8)


def _near(one: slice, other: slice, reach: int) -> bool:
    return bool(other.start < one.stop + reach and other.stop > one.start - reach)


def build_grid(
    slide: Slide, spec: ModelSpec, mpp: float | None = None, *, resample: bool = True
) -> SlideGrid:
    """Choose a level of a slide and divide it into patches.

    Parameters
    ----------
    slide
        Open.
    spec
        Of the model; of both models when there are two.
    mpp
        Micrometres per pixel of the finest level, in place of what the slide says.
    resample
        Whether the slide may be resampled to the pixel size of the model.

    Raises
    ------
    InputError
        When the slide's pixels are as large as nuclei, or are not square.
    """
    level, ratio = 0, Fraction(1)
    own = mpp or slide.level_mpp(0)
    if own and spec.mpp and resample:
        factors = [slide.size[0] / each.size[0] for each in slide.levels]
        fits = [
            n for n, each in enumerate(factors) if own * each <= spec.mpp * TOLERANCE
        ]
        level = max(fits, default=0)
        own *= factors[level]
        ratio = _ratio(own / spec.mpp, slide.path.name)
    elif own is None:
        own = spec.mpp  # as a tile that states no pixel size
    width, height = (
        max(side // ratio.denominator, 1) * ratio.numerator
        for side in slide.levels[level].size
    )
    return SlideGrid(
        level,
        ratio,
        (width, height),
        own / float(ratio) if own else None,
        slide.size[0] / slide.levels[level].size[0] / float(ratio),
        tuple(spans(height, spec)),
        tuple(spans(width, spec)),
        margin(spec),
    )


def _ratio(wanted: float, name: str) -> Fraction:
    """Find a ratio of small numbers near the wanted one; 1 where that is near."""
    if max(wanted, 1 / wanted) <= TOLERANCE:
        return Fraction(1)
    if wanted > _ABSURD:
        raise InputError(
            f"{name} is too coarse to show nuclei to this model: its pixels are "
            f"{wanted:.3g} times as wide; use a slide scanned at a higher power, or "
            "correct its pixel size (--tile-mpp)."
        )
    found = Fraction(wanted).limit_denominator(_LARGEST_TERM)
    return found or Fraction(1, round(1 / wanted))
