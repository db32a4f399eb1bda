"""Files into tiles.

Start with `read_tile`. Files are untrusted: their size is read from the header
and refused before any pixel is allocated, other files they mention are not
opened, and every failure of a decoder becomes one sentence.
"""

import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tifffile import TiffFile

from core.errors import InputError
from core.images.pixels import Raw, to_rgb8
from core.images.raster import raster_size, read_raster
from core.images.tiff import Region, open_levels, read_level
from core.types import Tile

MAX_PIXELS = 80_000_000
"""Most pixels read at once: 240 MB of RGB, and below Pillow's own guard."""

_T = TypeVar("_T")
_PLAUSIBLE_MPP = (0.05, 20.0)  # from oil immersion to a slide overview
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_RASTER_STARTS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


def read_tile(
    path: str | Path, *, region: Region | None = None, level: int = 0
) -> Tile:
    """Read an image file as 8-bit RGB.

    Parameters
    ----------
    path
        PNG, JPEG or TIFF (tiled, striped, pyramidal, OME, ImageJ), told by its
        content, not by its name. Deeper than 8 bits, grey, transparent and
        palette images are converted as `core.images.pixels.to_rgb8` says.
    region
        (x, y, width, height) in pixels of the chosen level; the whole image
        when None. TIFF decodes only the tiles it touches.
    level
        Resolution of a pyramidal TIFF, 0 the finest.

    Returns
    -------
    tile
        ``pixels`` uint8 (height, width, 3); ``mpp`` of the chosen level, None
        when the file states none or one outside 0.05 to 20 micrometres.

    Raises
    ------
    InputError
        When the file cannot be used; the message says what to do.
    """
    path = Path(path)
    start = check_file(path)
    if start.startswith(_TIFF_STARTS):
        raw = decoded(path, lambda: _read_tiff(path, region, level))
    elif start.startswith(_RASTER_STARTS):
        if level:
            raise InputError(f"{path.name} has one resolution; leave level at 0.")
        check_raster_size(path)
        raw = decoded(path, lambda: read_raster(path))
        raw = _crop(raw, region, path.name)
    else:
        raise InputError(
            f"{path.name} is not a PNG, JPEG or TIFF image; convert it to one of these."
        )
    pixels = to_rgb8(raw, path.name)
    return Tile(pixels, plausible_mpp(raw.mpp), str(path))


def check_file(path: Path) -> bytes:
    """Return the first bytes of a readable, non-empty, regular file.

    Raises
    ------
    InputError
        When it is anything else.
    """
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder; choose an image file inside it.")
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is not a regular file; choose an image file.")
        with path.open("rb") as file:
            start = file.read(16)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; check the path.") from None
    except PermissionError:
        raise InputError(
            f"{path} may not be read; change its permissions or copy it."
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read ({error}); check the path and the disk."
        ) from None
    if not start:
        raise InputError(f"{path.name} is empty; copy or export it again.")
    return start


def check_raster_size(path: Path) -> None:
    """Refuse a PNG or JPEG whose header claims too many pixels, or none."""
    with path.open("rb") as file:
        size = raster_size(file.read(1 << 20))
    if size is None:
        raise broken(path)
    check_size(size, path.name, "crop it, or save it as a tiled TIFF")


def check_size(size: tuple[int, int], name: str, advice: str) -> None:
    """Refuse a (width, height) that is empty or more than `MAX_PIXELS`."""
    width, height = size
    if width < 1 or height < 1:
        raise InputError(
            f"{name} is {width} x {height} pixels, which is empty; export it again."
        )
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{name} is {width:,} x {height:,} pixels, more than the "
            f"{MAX_PIXELS // 1_000_000} megapixels that can be opened at once; "
            f"{advice}."
        )


def decoded(path: Path, decode: Callable[[], _T]) -> _T:
    """Run a decoder on an untrusted file; any failure means a broken file."""
    try:
        return decode()
    except InputError:
        raise
    except MemoryError:
        raise InputError(
            f"{path.name} does not fit into memory; open a smaller part of it."
        ) from None
    except Exception as error:  # decoders raise anything on bad data
        raise broken(path) from error


def broken(path: Path) -> InputError:
    """Build the error for a file that starts like an image and is not one."""
    return InputError(f"{path.name} is damaged or cut off; copy or export it again.")


def plausible_mpp(mpp: float | None) -> float | None:
    """Keep a resolution a microscope can have; 72 dpi and the like is none."""
    low, high = _PLAUSIBLE_MPP
    if mpp is None or not math.isfinite(mpp) or not low <= mpp <= high:
        return None
    return mpp


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


def _read_tiff(path: Path, region: Region | None, level: int) -> Raw:
    with TiffFile(path) as tiff:
        levels = open_levels(tiff, path.name)
        if not 0 <= level < len(levels):
            raise InputError(
                f"{path.name} has {len(levels)} resolution levels; "
                f"choose a level from 0 to {len(levels) - 1}."
            )
        chosen = levels[level]
        whole = (0, 0, *chosen.size)
        if region is None:
            check_size(chosen.size, path.name, "open a region or a coarser level of it")
        else:
            whole = check_region(region, chosen.size, path.name)
            check_size(whole[2:], f"The region of {path.name}", "choose a smaller one")
        return read_level(chosen, whole)


def _crop(raw: Raw, region: Region | None, name: str) -> Raw:
    if region is None:
        return raw
    size = raw.values.shape[1], raw.values.shape[0]
    x, y, width, height = check_region(region, size, name)
    part = raw.values[y : y + height, x : x + width]
    return Raw(part, raw.alpha, raw.inverted, raw.mpp)
