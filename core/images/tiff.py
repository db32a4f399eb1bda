"""TIFF in the variants that scanners, ImageJ, QuPath and OME tools write.

`open_levels` finds the pyramid; `read_page` decodes a region of one level,
reading only the tiles or strips that it touches.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import TiffFile, TiffPage

from core.errors import InputError
from core.images.pixels import Alpha, Raw

Region = tuple[int, int, int, int]

_MOST_PAGES = 64  # a pyramid has about ten; a long stack is refused anyway
_UNITS = {"m": 1e6, "cm": 1e4, "mm": 1e3, "nm": 1e-3, "inch": 25400.0}
_UNITS |= dict.fromkeys(("um", "µm", "μm", "micron", "\\u00b5m"), 1.0)
_RESOLUTION_UNITS = {2: 25400.0, 3: 1e4, 4: 1e3, 5: 1.0}
_PALETTE, _INVERTED = 3, 0
_ALPHAS: dict[int, Alpha] = {1: "premultiplied", 2: "straight"}


@dataclass(frozen=True, slots=True)
class Level:
    """One resolution of a TIFF.

    Parameters
    ----------
    pages
        One page, or one per colour when colours lie on separate pages.
    mpp
        Micrometres per pixel at this level, or None.
    """

    pages: tuple[TiffPage, ...]
    mpp: float | None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        return self.pages[0].imagewidth, self.pages[0].imagelength


def open_levels(tiff: TiffFile, name: str) -> tuple[Level, ...]:
    """List the resolutions in a file, the finest first.

    Pages are read straight from the file: metadata that points at *other*
    files is never followed.

    Raises
    ------
    InputError
        When the file is a stack of planes rather than one picture.
    """
    pages = _first_pages(tiff)
    base = pages[0]
    mpp = _base_mpp(base)
    planes = [page for page in pages if _same_grid(page, base)]
    stacked = _claimed_planes(tiff)
    if len(planes) == 3 and base.samplesperpixel == 1:
        return (Level(tuple(planes), mpp),)
    if len(planes) > 1 or stacked > 1:
        raise InputError(
            f"{name} is a stack of {max(len(planes), stacked)} planes; "
            "export one plane as a grey or RGB image."
        )
    smaller = [*(base.pages or ()), *pages[1:]]
    levels = [base]
    for page in smaller:
        if isinstance(page, TiffPage) and _is_reduced(page, levels[-1]):
            levels.append(page)
    width = base.imagewidth
    return tuple(
        Level((page,), mpp and mpp * width / page.imagewidth) for page in levels
    )


def read_level(level: Level, region: Region) -> Raw:
    """Decode ``region`` = (x, y, width, height) of one level."""
    page = level.pages[0]
    planes = [read_page(each, region) for each in level.pages]
    values = np.concatenate(planes, axis=-1)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    inverted = page.photometric == _INVERTED
    if page.photometric == _PALETTE and page.colormap is not None:
        # 16-bit entries, whatever the darkest and the brightest of them are
        colours = ((page.colormap.astype(np.uint32) + 128) // 257).astype(np.uint8)
        values = np.moveaxis(colours[:, values.astype(np.intp)], 0, -1)
    values, alpha = _with_alpha(page, values)
    return Raw(values, alpha=alpha, inverted=inverted, mpp=level.mpp)


def read_page(page: TiffPage, region: Region) -> NDArray[Any]:
    """Decode the segments of one page that ``region`` touches.

    Returns
    -------
    values
        (height, width, samples) in the page's own dtype.

    Raises
    ------
    InputError
        When the file ends before the data does.
    """
    x, y, width, height = region
    out = np.zeros((height, width, page.samplesperpixel), page.dtype)
    tables = page.jpegtables
    file = page.parent.filehandle
    for index in _touched(page, region):
        offset, count = page.dataoffsets[index], page.databytecounts[index]
        if not count:
            continue  # a sparse tile: background by definition
        file.seek(offset)
        data = file.read(count)
        if len(data) < count:
            raise InputError(
                f"{file.name} ends before its pixels do; copy or export it again."
            )
        block, where, shape = page.decode(data, index, jpegtables=tables)
        if block is None:
            continue
        sample, _, top, left = where[:4]
        block = block[0, : shape[1], : shape[2]]
        first = slice(max(y - top, 0), max(y + height - top, 0))
        second = slice(max(x - left, 0), max(x + width - left, 0))
        part = block[first, second]
        row, column = max(top - y, 0), max(left - x, 0)
        into = np.s_[row : row + part.shape[0], column : column + part.shape[1]]
        out[(*into, slice(sample, sample + part.shape[2]))] = part
    return out


def _touched(page: TiffPage, region: Region) -> list[int]:
    """Indices of the tiles or strips under ``region``."""
    x, y, width, height = region
    if page.is_tiled:
        side, tall = page.tilewidth, page.tilelength
    else:
        side, tall = page.imagewidth, min(page.rowsperstrip, page.imagelength)
    across, down = -(-page.imagewidth // side), -(-page.imagelength // tall)
    planes = page.samplesperpixel if page.planarconfig == 2 else 1
    return [
        (plane * down + row) * across + column
        for plane in range(planes)
        for row in range(y // tall, -(-(y + height) // tall))
        for column in range(x // side, -(-(x + width) // side))
    ]


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


def _claimed_planes(tiff: TiffFile) -> int:
    """How many planes ImageJ says lie behind a single page."""
    text = tiff.pages.first.description or ""
    found = re.match(r"ImageJ=[\s\S]*?\bimages=(\d+)", text)
    return int(found.group(1)) if found else 1


def _same_grid(page: TiffPage, base: TiffPage) -> bool:
    return page.shape == base.shape and page.dtype == base.dtype


def _is_reduced(page: TiffPage, finer: TiffPage) -> bool:
    """Whether ``page`` is the same picture, smaller: not a label or macro."""
    if page.samplesperpixel != finer.samplesperpixel or page.dtype != finer.dtype:
        return False
    if page.imagewidth >= finer.imagewidth or page.imagelength >= finer.imagelength:
        return False
    # a slide's thumbnail sits among its levels, but only levels are tiled
    if finer.is_tiled and not page.is_tiled:
        return False
    wide = finer.imagewidth / page.imagewidth
    tall = finer.imagelength / page.imagelength
    rounding = max(wide / page.imagewidth, tall / page.imagelength)
    return abs(wide - tall) <= 0.02 * wide + rounding


def _with_alpha(page: TiffPage, values: NDArray[Any]) -> tuple[NDArray[Any], Alpha]:
    """Keep colours and, when the file names one, the opacity sample."""
    extra = page.extrasamples
    if len(extra) != 1 or values.ndim != 3:  # several: not a picture
        return values, "none"
    colours = values.shape[2] - len(extra)
    alpha = _ALPHAS.get(int(extra[0]), "none")
    return values[..., : colours + (alpha != "none")], alpha


def _base_mpp(page: TiffPage) -> float | None:
    """Micrometres per pixel that the first page states, however implausible."""
    text = page.description or ""
    ome = re.search(r'PhysicalSizeX="([0-9.eE+-]+)"', text)
    if ome:
        unit = re.search(r'PhysicalSizeXUnit="([^"]*)"', text)
        return _number(ome.group(1), _UNITS.get(unit.group(1) if unit else "um"))
    aperio = re.search(r"\bMPP\s*=\s*([0-9.]+)", text)
    if aperio:
        return _number(aperio.group(1), 1.0)
    ratio = page.tags.valueof("XResolution")
    if not isinstance(ratio, tuple) or len(ratio) != 2 or not all(ratio):
        return None
    unit_size = _RESOLUTION_UNITS.get(int(page.tags.valueof("ResolutionUnit", 2)))
    imagej = re.match(r"ImageJ=[\s\S]*?\bunit=(\S+)", text)
    if imagej:
        unit_size = _UNITS.get(imagej.group(1).lower())
    return unit_size * ratio[1] / ratio[0] if unit_size else None


def _number(text: str, unit: float | None) -> float | None:
    try:
        return float(text) * unit if unit else None
    except ValueError:
        return None
