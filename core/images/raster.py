"""PNG and JPEG files.

Pillow decodes them; only 16-bit PNG goes through imagecodecs, because Pillow
keeps the upper eight bits of its colours.
"""

import struct
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image

from core.errors import InputError
from core.images.pixels import Alpha, Raw

_METRES_TO_MICROMETRES = 1e6
# Pillow mode of an image without opacity -> the mode to read it in
_SOLID = {"1": "L", "L": "L", "RGB": "RGB", "CMYK": "RGB", "YCbCr": "RGB"}


def read_raster(path: Path) -> Raw:
    """Read a PNG or JPEG file whose size is known to be acceptable.

    Raises
    ------
    Exception
        Whatever the decoder raises on broken data; the caller words it.
    """
    data = path.read_bytes()
    if _png_depth(data) == 16:
        return _read_png16(data)
    with Image.open(path, formats=("PNG", "JPEG")) as image:
        image.load()
        mpp = png_mpp(data)
        if image.mode in _SOLID and "transparency" not in image.info:
            return Raw(np.asarray(image.convert(_SOLID[image.mode])), mpp=mpp)
        return Raw(np.asarray(image.convert("RGBA")), alpha="straight", mpp=mpp)


def read_raster_labels(path: Path, name: str) -> np.ndarray:
    """Read the stored numbers of a PNG: grey values, or palette indices."""
    data = path.read_bytes()
    if not data.startswith(b"\x89PNG"):
        raise InputError(
            f"{name} is a JPEG, which changes numbers near edges; "
            "save the label image as PNG or TIFF."
        )
    if _png_depth(data) == 16:
        return _read_png16(data).values
    with Image.open(path, formats=("PNG",)) as image:
        image.load()
        if image.mode == "1":
            return np.asarray(image).astype(np.uint8)
        return np.asarray(image)  # "P" gives the indices: they are the labels


def raster_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) as the header claims, or None when it has no size."""
    if data.startswith(b"\x89PNG"):
        return struct.unpack(">II", data[16:24]) if len(data) >= 24 else None
    at = 2
    while at + 9 <= len(data):
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length if marker != 0xFF else 1
    return None


def png_mpp(data: bytes) -> float | None:
    """Micrometres per pixel from a PNG's pHYs chunk, however implausible."""
    at = data.find(b"pHYs", 8, 65536)
    if not data.startswith(b"\x89PNG") or at < 0 or len(data) < at + 13:
        return None
    per_unit, _, unit = struct.unpack(">IIB", data[at + 4 : at + 13])
    return _METRES_TO_MICROMETRES / per_unit if unit == 1 and per_unit else None


def _png_depth(data: bytes) -> int:
    return data[24] if data.startswith(b"\x89PNG") and len(data) > 24 else 0


def _read_png16(data: bytes) -> Raw:
    values = imagecodecs.png_decode(data)
    samples = values.shape[2] if values.ndim == 3 else 1
    alpha: Alpha = "straight" if samples in (2, 4) else "none"
    return Raw(values, alpha=alpha, mpp=png_mpp(data))
