"""Pixels of one TIFF page: only the tiles or strips that a region touches."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tifffile import TiffPage

from core.errors import InputError
from core.images import limits
from core.images.colours import cmyk_to_rgb, lab_to_rgb, ycbcr_to_rgb
from core.images.orientation import Region
from core.images.pixels import Alpha, Raw
from core.images.raster import count_scans

_INVERTED, _PALETTE, _CMYK, _YCBCR, _LAB, _ICC_LAB = 0, 3, 5, 6, 8, 9
_KNOWN = {_INVERTED, 1, 2, _PALETTE, _CMYK, _YCBCR, _LAB, _ICC_LAB}
_JPEG = {6, 7, 33007, 34892}
_ALPHAS: dict[int, Alpha] = {1: "premultiplied", 2: "straight"}
_SMALLER = "choose a smaller region"
_TILED = "convert it to a tiled TIFF"


def read_pages(
    pages: tuple[TiffPage, ...], region: Region, name: str, bits: int | None
) -> Raw:
    """Decode a region as grey or RGB.

    Parameters
    ----------
    pages
        One page, or one for each colour when colours lie on pages of their own.
    region
        (x, y, width, height) in stored pixels.
    name
        Named in errors.
    bits
        Of the brightest value, where the file states them.

    Raises
    ------
    InputError
        When the colours are of a kind that has no meaning on a screen.
    """
    page = pages[0]
    if page.photometric not in _KNOWN:
        kind = getattr(page.photometric, "name", page.photometric)
        raise InputError(f"{name} stores {kind} colours; save it as grey or RGB.")
    values = np.concatenate([read_page(each, region) for each in pages], axis=-1)
    if page.photometric == _PALETTE and page.colormap is not None:
        # 16-bit entries, whatever the darkest and the brightest of them are
        colours = ((page.colormap.astype(np.uint32) + 128) // 257).astype(np.uint8)
        return Raw(np.moveaxis(colours[:, values[..., 0].astype(np.intp)], 0, -1))
    values, alpha = _with_alpha(page, values)
    if page.photometric == _CMYK and values.shape[2] == 4:
        return Raw(cmyk_to_rgb(values))
    if page.photometric in (_LAB, _ICC_LAB):
        return Raw(lab_to_rgb(values, name, signed=page.photometric == _LAB))
    if page.photometric == _YCBCR and page.compression not in _JPEG:
        return Raw(ycbcr_to_rgb(values))
    if values.shape[2] == 1:
        values = values[..., 0]
    return Raw(values, alpha, page.photometric == _INVERTED, bits)


def read_page(page: TiffPage, region: Region) -> NDArray[Any]:
    """Decode the segments of one page that ``region`` touches.

    Returns
    -------
    values
        (height, width, samples) in the page's own dtype.

    Raises
    ------
    InputError
        When the file ends before the data does, or is divided so that reading a
        part of it takes too much memory or time.
    """
    name = page.parent.filehandle.name
    width, height = region[2:]
    size = _kind(page).itemsize * page.samplesperpixel
    limits.check_bytes(width * height * size, name, _SMALLER)
    out = np.zeros((height, width, page.samplesperpixel), page.dtype)
    if _is_plain(page):
        _read_rows(page, region, out)
        return out
    for index in _touched(page, region, name):
        _read_segment(page, index, region, out)
    return out


def _kind(page: TiffPage) -> np.dtype[Any]:
    """Return the type of a page's numbers.

    Raises
    ------
    InputError
        When there is none such in NumPy.
    """
    if page.dtype is None:
        name = page.parent.filehandle.name
        raise InputError(f"{name} stores numbers of an unusual kind; export it again.")
    return page.dtype


def _read_segment(
    page: TiffPage, index: int, region: Region, out: NDArray[Any]
) -> None:
    """Decode one tile or strip into its place in the region."""
    x, y, width, height = region
    offset, count = _stored_at(page, index)
    if not count:
        return  # a sparse tile: background by definition
    file = page.parent.filehandle
    file.seek(offset)
    data = file.read(count)
    if len(data) < count:
        raise InputError(
            f"{file.name} ends before its pixels do; copy or export it again."
        )
    if page.compression in _JPEG and count_scans(data) > limits.MAX_SCANS:
        raise InputError(
            f"{file.name} is drawn in too many passes; export it again as PNG or TIFF."
        )
    block, where, shape = page.decode(data, index, jpegtables=page.jpegtables)
    if block is None:
        return
    sample, _, top, left = where[:4]
    block = block[0, : shape[1], : shape[2]]
    first = slice(max(y - top, 0), max(y + height - top, 0))
    second = slice(max(x - left, 0), max(x + width - left, 0))
    part = block[first, second]
    row, column = max(top - y, 0), max(left - x, 0)
    into = np.s_[row : row + part.shape[0], column : column + part.shape[1]]
    out[(*into, slice(sample, sample + part.shape[2]))] = part


def _stored_at(page: TiffPage, index: int) -> tuple[int, int]:
    """Offset and length of a segment; nothing where the file lists none."""
    offsets, counts = page.dataoffsets, page.databytecounts
    if index >= len(offsets) or index >= len(counts):
        return 0, 0
    return offsets[index], counts[index]


def _touched(page: TiffPage, region: Region, name: str) -> Iterator[int]:
    """Indices of the tiles or strips under ``region``."""
    x, y, width, height = region
    if page.is_tiled:
        side, tall = page.tilewidth, page.tilelength
    else:
        side, tall = page.imagewidth, min(page.rowsperstrip, page.imagelength)
    across, down = -(-page.imagewidth // side), -(-page.imagelength // tall)
    planes = page.samplesperpixel if page.planarconfig == 2 else 1
    rows = range(y // tall, -(-(y + height) // tall))
    columns = range(x // side, -(-(x + width) // side))
    if planes * len(rows) * len(columns) > limits.MAX_SEGMENTS:
        raise limits.TooLargeError(
            f"{name} is divided into tiles of {side} x {tall} pixels, too many to "
            f"read at once; {_SMALLER}, or {_TILED} with tiles of 256 pixels."
        )
    samples = page.samplesperpixel if planes == 1 else 1
    size = side * tall * samples * _kind(page).itemsize
    limits.check_bytes(size, f"One tile or strip of {name}", _TILED)
    return (
        (plane * down + row) * across + column
        for plane in range(planes)
        for row in rows
        for column in columns
    )


def _is_plain(page: TiffPage) -> bool:
    """Whether rows lie in the file as numbers, so that any part can be read."""
    return (
        page.compression == 1
        and not page.is_tiled
        and page.planarconfig == 1
        and page.fillorder == 1
        and page.predictor == 1
        and page.photometric != _YCBCR
        and _kind(page).itemsize * 8 == page.bitspersample
    )


def _read_rows(page: TiffPage, region: Region, out: NDArray[Any]) -> None:
    """Copy rows of uncompressed strips."""
    x, y, width, height = region
    file = page.parent.filehandle
    kind = _kind(page).newbyteorder(page.parent.byteorder)
    tall = min(page.rowsperstrip, page.imagelength)
    pixel = page.samplesperpixel * kind.itemsize
    row_bytes = page.imagewidth * pixel
    for row in range(y, y + height):
        offset, count = _stored_at(page, row // tall)
        if not count:
            continue  # a sparse strip
        at = (row % tall) * row_bytes + x * pixel
        file.seek(offset + at)
        data = file.read(width * pixel)
        if len(data) < width * pixel:
            raise InputError(
                f"{file.name} ends before its pixels do; copy or export it again."
            )
        out[row - y] = np.frombuffer(data, kind).reshape(width, -1)


def _with_alpha(page: TiffPage, values: NDArray[Any]) -> tuple[NDArray[Any], Alpha]:
    """Keep colours and, when the file names one, the opacity sample."""
    extra = page.extrasamples
    if len(extra) != 1 or values.shape[2] < 2:  # several: not a picture
        return values, "none"
    colours = values.shape[2] - len(extra)
    alpha = _ALPHAS.get(int(extra[0]), "none")
    return values[..., : colours + (alpha != "none")], alpha
