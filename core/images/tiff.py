"""TIFF in the variants that scanners, ImageJ, QuPath and OME tools write.

`TiffPicture` finds the pyramid and the pictures beside it; pixels are read by
`core.images.tiff_pages`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np
from tifffile import TiffFile, TiffPage

from core.errors import InputError
from core.images.orientation import Region, known, shown_size, stored_region, turned
from core.images.pixels import Raw
from core.images.slides.values import PyramidLevel
from core.images.tiff_metadata import (
    Planes,
    refuse_stack,
    stated_bits,
    stated_magnification,
    stated_mpp,
    stated_planes,
)
from core.images.tiff_pages import read_pages

_MOST_PAGES = 64  # a pyramid has about ten; a long stack is refused anyway
_ASIDE = re.compile(
    # Philips and Ventana write the word alone, Aperio in its second line
    r"(?:^|^aperio.*\n)(macro|label|thumbnail|overview|probability)\b"
)
_DARK = 64  # of 255: glass is bright, the ground of fluorescence is not


class TiffPicture:
    """An open TIFF: its resolutions, and what else it shows.

    Pages are read straight from the file: metadata that points at *other* files is
    never followed.

    Parameters
    ----------
    path
        Of the file.

    Raises
    ------
    InputError
        When the file is a stack of planes rather than one picture.
    Exception
        Whatever the decoder raises on broken data; the caller words it.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._tiff = TiffFile(path)
        try:
            self._open()
        except BaseException:
            self._tiff.close()
            raise

    def _open(self) -> None:
        pages = _first_pages(self._tiff)
        _check_scanner(pages, self.name)
        start = next((n for n, page in enumerate(pages) if _is_picture(page, pages)), 0)
        base = pages[start]
        self._bits = stated_bits(base)
        self._orientation = known(base.tags.valueof("Orientation"))
        colours = self._colours(pages[start:], base)
        self._levels = _levels(colours, pages[start + 1 :])
        used = {id(page) for level in self._levels for page in level}
        self._aside = _aside([p for p in pages if id(p) not in used])
        mpp = stated_mpp(base)
        self.notes: tuple[str, ...] = ()
        power = stated_magnification(base)
        if mpp is None and power:
            mpp = (10 / power, 10 / power)
            self.notes = (
                f"{self.name} states no pixel size: {10 / power:g} µm is taken from "
                f"its objective ({power:g}x).",
            )
        wide, tall = shown_size((base.imagewidth, base.imagelength), self._orientation)
        self.levels = tuple(_level(each[0], self._orientation, (wide, tall), mpp)
                            for each in self._levels)  # fmt: skip

    @property
    def associated(self) -> tuple[str, ...]:
        """Names of pictures beside the slide's own."""
        return tuple(self._aside)

    def read(self, level: int, region: Region) -> Raw:
        """Decode ``region`` = (x, y, width, height) of one level as it is shown."""
        pages = self._levels[level]
        stored = (pages[0].imagewidth, pages[0].imagelength)
        where = stored_region(region, stored, self._orientation)
        raw = read_pages(pages, where, self.name, self._bits)
        if len(pages) == 3 and np.median(raw.values[::8, ::8]) < _dark(raw):
            raise InputError(
                f"{self.name} is three planes on a dark ground, markers rather than "
                "red, green and blue; export one of them as a grey image."
            )
        values = turned(raw.values, self._orientation)
        return Raw(values, raw.alpha, raw.inverted, raw.bits)

    def read_associated(self, name: str) -> Raw:
        """Decode one of the pictures named in `associated`."""
        page = self._aside[name]
        size = (0, 0, page.imagewidth, page.imagelength)
        return read_pages((page,), size, self.name, None)

    def page(self) -> TiffPage:
        """The page of the finest level, for label images.

        Raises
        ------
        InputError
            When colours lie on pages of their own.
        """
        return self._levels[0][0]

    @property
    def orientation(self) -> int:
        """How stored rows and columns are shown, 1 to 8."""
        return self._orientation

    def close(self) -> None:
        """Close the file."""
        self._tiff.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _colours(self, pages: list[TiffPage], base: TiffPage) -> tuple[TiffPage, ...]:
        """Return the pages that make up the picture: one, or one a colour."""
        planes = [page for page in pages if _same_grid(page, base)]
        stated = stated_planes(self._tiff.pages.first.description or "")
        if stated is None:
            stated = Planes(slices=1 if _is_slide(base) else len(planes))
        elif stated.total == 1 and not _is_slide(base):
            stated = Planes(slices=len(planes))
        if stated.total == 1:
            return (base,)
        grey8 = base.samplesperpixel == 1 and base.dtype == np.uint8
        if not (stated.may_be_colours and len(planes) == 3 and grey8):
            raise refuse_stack(stated, self.name)
        return tuple(planes)


def _check_scanner(pages: list[TiffPage], name: str) -> None:
    """Refuse slides whose first page is a macro: only OpenSlide finds the rest."""
    text = (pages[0].description or "")[:2000]
    about = b"".join(bytes(page.tags.valueof(700) or b"")[:400] for page in pages[:3])
    if "<scn" in text or b"<iScan" in about or '<DataObject ObjectType="DPUfs' in text:
        raise InputError(
            f"{name} is a scanner's slide that is damaged or of an unknown version; "
            "copy it again, or convert it to TIFF."
        )


def _dark(raw: Raw) -> float:
    return _DARK / 255 * float(np.iinfo(raw.values.dtype).max)


def _first_pages(tiff: TiffFile) -> list[TiffPage]:
    pages: list[TiffPage] = []
    for index in range(_MOST_PAGES):
        try:
            page = tiff.pages[index]
        except IndexError:
            break
        if isinstance(page, TiffPage):
            pages.append(page)
    return pages


def _reduced(page: TiffPage) -> list[TiffPage]:
    """Pages below this one (SubIFDs), as many as a pyramid may have."""
    found: list[TiffPage] = []
    below = page.pages
    if below is None:
        return found
    for index in range(min(len(page.subifds or ()), _MOST_PAGES)):
        each = below[index]
        if isinstance(each, TiffPage):
            found.append(each)
    return found


def _levels(
    colours: tuple[TiffPage, ...], later: list[TiffPage]
) -> list[tuple[TiffPage, ...]]:
    """Resolutions, the finest first; each one page, or one a colour."""
    base = colours[0]
    levels = [colours]
    below = [_reduced(page) for page in colours]
    alike = all(len(each) == len(below[0]) for each in below)
    candidates = list(zip(*below, strict=True)) if alike else []
    if len(colours) == 1:
        candidates += [(page,) for page in later]
    for pages in candidates:
        if _is_reduced(pages[0], levels[-1][0], base):
            levels.append(tuple(pages))
    return levels


def _aside(pages: list[TiffPage]) -> Mapping[str, TiffPage]:
    """Pictures beside the slide's own, by name."""
    found: dict[str, TiffPage] = {}
    for number, page in enumerate(pages, start=1):
        name = _called(page) or f"picture {number}"
        found.setdefault(name, page)
    return found


def _called(page: TiffPage) -> str:
    """Return what a page's description calls it: macro, label, thumbnail."""
    text = (page.description or "").lower()
    kind = re.search(r"<imagetype>(\w+)<", text)  # Akoya QPTIFF
    found = _ASIDE.search(kind.group(1) if kind else text.replace("\r", "")[:400])
    return found.group(1) if found else ""


def _is_picture(page: TiffPage, pages: list[TiffPage]) -> bool:
    """Whether a page is the slide itself, not a label, a macro or a thumbnail."""
    if len(pages) == 1:
        return True
    return not _called(page) and not page.is_reduced


def _is_slide(page: TiffPage) -> bool:
    text = page.description or ""
    return text.startswith("Aperio") or "QPI-ImageDescription" in text[:300]


def _same_grid(page: TiffPage, base: TiffPage) -> bool:
    return page.shape == base.shape and page.dtype == base.dtype


def _is_reduced(page: TiffPage, finer: TiffPage, base: TiffPage) -> bool:
    """Whether ``page`` is the same picture, smaller: not a label or macro."""
    if page.samplesperpixel != finer.samplesperpixel or page.dtype != finer.dtype:
        return False
    if page.imagewidth >= finer.imagewidth or page.imagelength >= finer.imagelength:
        return False
    # a slide's thumbnail sits among its levels, but only levels are tiled
    if (base.is_tiled and not page.is_tiled) or _called(page):
        return False
    wide = finer.imagewidth / page.imagewidth
    tall = finer.imagelength / page.imagelength
    rounding = max(wide / page.imagewidth, tall / page.imagelength)
    return abs(wide - tall) <= 0.02 * wide + rounding


def _level(
    page: TiffPage,
    orientation: int,
    base: tuple[int, int],
    mpp: tuple[float, float] | None,
) -> PyramidLevel:
    """Describe one resolution as it is shown."""
    sides = (page.imagewidth, page.imagelength)
    if not all(isinstance(side, int) for side in sides):
        raise ValueError("a picture has one width and one height")
    size = shown_size((page.imagewidth, page.imagelength), orientation)
    if mpp is not None:
        sides = shown_size(mpp, orientation)  # type: ignore[arg-type] # any pair
        mpp = (sides[0] * base[0] / size[0], sides[1] * base[1] / size[1])
    return PyramidLevel(size, mpp)
