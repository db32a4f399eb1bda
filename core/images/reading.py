"""Files into slides and tiles.

Start with `read_tile` and `read_slide`. Files are untrusted: their size is read from
the header and refused before any pixel is allocated, other files that they mention
are not opened (but for slides that consist of several files), and every failure of a
decoder becomes one sentence.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError
from core.images.checks import check_file, decoded
from core.images.described import describe_start
from core.images.slides import ngff, openslide
from core.images.slides.raster import RasterBackend
from core.images.slides.slide import Slide
from core.images.tiff import TiffPicture
from core.tables import IMAGE_FORMATS, ImageFormat

if TYPE_CHECKING:
    from collections.abc import Callable

    from core.images.orientation import Region
    from core.images.slides.values import Backend
    from core.types import Tile


def read_tile(
    path: str | Path,
    *,
    region: Region | None = None,
    level: int = 0,
    mpp: float | None = None,
) -> Tile:
    """Read an image file, or a part of a slide, as 8-bit RGB.

    Parameters
    ----------
    path
        Any of `core.tables.IMAGE_FORMATS`, told by its content, not by its name.
        Other depths, grey, transparent, palette, CMYK and CIELAB images are
        converted as `core.images.pixels.to_rgb8` says, and turned as their
        orientation tag says.
    region
        (x, y, width, height) in pixels of the chosen level; the whole image
        when None. Only what it touches is decoded.
    level
        Resolution of a pyramid, 0 the finest.
    mpp
        Micrometres per pixel of the result; that of `level` when left out.

    Returns
    -------
    tile
        ``pixels`` uint8 (height, width, 3); ``mpp`` of the chosen level, None
        when the file states none or one outside 0.05 to 20 micrometres.

    Raises
    ------
    TooLargeError
        When the image can only be opened in part.
    InputError
        When the file cannot be used; the message says what to do.
    """
    with read_slide(path) as slide:
        if region is None and mpp is None:
            return slide.read_whole(level)
        if region is None:
            region = (0, 0, *slide.levels[level].size)
        return slide.read_region(region, level=level, mpp=mpp)


def read_slide(path: str | Path) -> Slide:
    """Open an image of any size, without decoding it.

    Parameters
    ----------
    path
        Any of `core.tables.IMAGE_FORMATS`, told by its content.

    Returns
    -------
    Slide
        To be closed, or used in a ``with`` statement.

    Raises
    ------
    InputError
        When the file cannot be used; the message says what to do.
    """
    path = Path(path)
    if path.is_dir() and ngff.is_ngff(path):
        return _open("ngff", path)
    start = check_file(_slide_in(path))
    path = _slide_in(path)
    if path.suffix.lower() in (".mrxs", ".vsi"):
        _check_companion(path)
    if vendor := openslide.detect(path):
        return Slide(path, openslide.FORMATS[vendor], _scanner(path, vendor))
    found = find_format(start)
    if found is None or (found.key == "ngff" and not ngff.is_ngff(path)):
        raise InputError(
            f"{path.name} is {describe_start(path, start)}, not an image that is "
            "opened here; convert it to PNG or TIFF."
        )
    return _open(found.key, path)


def find_format(start: bytes) -> ImageFormat | None:
    """Return the row of `IMAGE_FORMATS` for the first bytes of a file, or None."""
    for row in IMAGE_FORMATS:
        if start.startswith(row.starts):
            if row.key == "webp" and start[8:12] != b"WEBP":
                continue
            return row
    return None


def _open(key: str, path: Path) -> Slide:
    row = next(row for row in IMAGE_FORMATS if row.key == key)
    backends: dict[str, Callable[[Path], Backend]] = {
        "raster": RasterBackend,
        "tiff": TiffPicture,
        "ngff": ngff.NgffBackend,
    }
    if row.reader not in backends:  # of a scanner, but OpenSlide does not know it
        raise InputError(
            f"{path.name} looks like {row.title}, but cannot be read as such; copy it "
            "again with all files that belong to it, or convert it to TIFF."
        )
    backend = decoded(path, lambda: backends[row.reader](path))
    return Slide(path, row.title, backend)


def _scanner(path: Path, vendor: str) -> Backend:
    """Open by OpenSlide, and Aperio's own TIFF by tifffile where that fails."""
    try:
        return decoded(path, lambda: openslide.OpenSlideBackend(path))
    except InputError:
        if vendor != "aperio":
            raise
        return decoded(path, lambda: TiffPicture(path))


def _slide_in(path: Path) -> Path:
    """Return a file of the DICOM slide whose folder is given; else the path."""
    try:
        if not path.is_dir():
            return path
        files = sorted(each for each in path.iterdir() if each.suffix == ".dcm")
    except (OSError, ValueError):
        return path
    return files[0] if files else path


def _check_companion(path: Path) -> None:
    """Refuse the overview picture of a slide whose own pixels lie elsewhere."""
    if path.suffix.lower() == ".vsi":
        raise InputError(
            f"{path.name} is the overview of an Olympus slide, whose pixels lie in a "
            "folder beside it; convert it to TIFF (QuPath or bfconvert) and open that."
        )
    folder = path.with_suffix("")
    if not (folder / "Slidedat.ini").is_file():
        raise InputError(
            f"{path.name} is the preview of a MIRAX slide; put the folder "
            f"{folder.name} with Slidedat.ini beside it."
        )
