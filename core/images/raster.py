"""PNG, JPEG, BMP, GIF, WebP and JPEG 2000: pictures of one resolution.

Pillow reads headers and decodes what fits 8 bits; imagecodecs decodes the rest,
because Pillow keeps the upper eight bits of deeper colours. Start with
`open_raster`.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image

from core.errors import InputError
from core.images import limits
from core.images.orientation import known, shown_size, turned
from core.images.pixels import Alpha, Raw
from core.tables.formats import IMAGE_FORMATS

PILLOW_FORMATS = tuple(
    row.key.upper() for row in IMAGE_FORMATS if row.reader == "raster"
)
"""Decoders of Pillow that are used; all others stay unused on untrusted files."""

# Sizes are checked here, by the bytes of the pixels; Pillow's guard would only warn.
Image.MAX_IMAGE_PIXELS = None
_METRES_TO_MICROMETRES = 1e6
_INCH = 25400.0
# Pillow mode of an image without opacity -> the mode to read it in
_SOLID = {"1": "L", "L": "L", "RGB": "RGB", "CMYK": "RGB", "YCbCr": "RGB"}
_MOVING = ("GIF", "PNG", "WEBP")  # may hold several pictures, one after another
# the next marker after compressed data; 00 and D0 to D7 belong to the data
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


@dataclass(frozen=True, slots=True)
class RasterImage:
    """A picture whose header was read and found acceptable.

    Parameters
    ----------
    name
        Of the file, for errors.
    format
        Pillow's name of its format.
    data
        The whole file.
    size
        (width, height) as shown.
    orientation
        1 to 8, see `core.images.orientation`.
    mpp
        Micrometres per pixel along x and y, however implausible, or None.
    bits
        Of one stored sample.
    """

    name: str
    format: str
    data: bytes
    size: tuple[int, int]
    orientation: int
    mpp: tuple[float, float] | None
    bits: int

    def decode(self) -> Raw:
        """Return all pixels, turned as they are shown.

        Raises
        ------
        Exception
            Whatever the decoder raises on broken data; the caller words it.
        """
        raw = self._deep() if self.bits > 8 else self._eight_bits()
        values = turned(raw.values, self.orientation)
        if values.shape[1::-1] != self.size:
            raise ValueError("the decoder found another size than the header")
        return Raw(values, raw.alpha, raw.inverted, raw.bits)

    def _eight_bits(self) -> Raw:
        with self._opened() as image:
            image.load()
            if image.mode in _SOLID and "transparency" not in image.info:
                mode = _SOLID[image.mode]
                # converting to the mode that it has is a copy of all pixels
                return Raw(
                    np.asarray(image if image.mode == mode else image.convert(mode))
                )
            return Raw(np.asarray(image.convert("RGBA")), alpha="straight")

    def _deep(self) -> Raw:
        decoders = {
            "PNG": imagecodecs.png_decode,
            "JPEG2000": imagecodecs.jpeg2k_decode,
            "JPEG": imagecodecs.jpeg_decode,
        }
        values = decoders[self.format](self.data)
        samples = values.shape[2] if values.ndim == 3 else 1
        alpha: Alpha = "straight" if samples in (2, 4) else "none"
        if self.format == "JPEG":
            alpha = "none"
        bits = self.bits if self.bits != 16 else None
        return Raw(values, alpha=alpha, bits=bits)

    def numbers(self) -> np.ndarray[Any, Any]:
        """Return the stored numbers: grey values, or the indices of a palette.

        Colours come back as (height, width, samples).

        Raises
        ------
        InputError
            For JPEG, which changes numbers.
        """
        if self.format not in ("PNG", "BMP", "GIF"):
            raise InputError(
                f"{self.name} is a {self.format}, which changes numbers near edges; "
                "save the label image as PNG or TIFF."
            )
        if self.bits > 8:
            return turned(imagecodecs.png_decode(self.data), self.orientation)
        with self._opened() as image:
            image.load()
            values = np.asarray(image)
            if image.mode == "1":
                values = values.astype(np.uint8)
            elif image.mode == "L" and self.bits < 8:
                values = values // (255 // (2**self.bits - 1))  # Pillow spreads them
            return turned(values, self.orientation)

    def _opened(self) -> Image.Image:
        return Image.open(BytesIO(self.data), formats=PILLOW_FORMATS)


def open_raster(path: Path) -> RasterImage:
    """Read the header of a picture; no pixel is decoded.

    Raises
    ------
    InputError
        When it is too large, is an animation, or is built to keep a decoder busy.
    Exception
        Whatever Pillow raises on a broken header; the caller words it.
    """
    advice = "crop it, or convert it to a tiled TIFF"
    limits.check_bytes(path.stat().st_size, path.name, advice)
    data = path.read_bytes()
    if data.startswith(b"\xff\xd8"):
        _check_scans(data, path.name)
        bits, stored = _jpeg_frame(data)
        if bits > 8:  # which Pillow does not open
            _check_area(stored, path.name, advice)
            return RasterImage(path.name, "JPEG", data, stored, 1, None, bits)
    if data.startswith(b"\x89PNG"):
        limits.check_not_empty(struct.unpack(">II", data[16:24]), path.name)
    with Image.open(BytesIO(data), formats=PILLOW_FORMATS) as image:
        stored, kind = image.size, str(image.format)
        if kind in _MOVING and getattr(image, "is_animated", False):
            raise InputError(
                f"{path.name} is an animation; save one picture of it as PNG."
            )
        kind = "JPEG" if kind == "MPO" else kind
        if kind == "PNG" and sum(name == b"IHDR" for name, _ in png_chunks(data)) != 1:
            raise ValueError("a PNG has exactly one header")
        _check_area(stored, path.name, advice)
        orientation = known(_exif(image, kind).get(274))
        mpp = _mpp(image, kind, data)
    size = shown_size(stored, orientation)
    if mpp is not None and size != stored:
        mpp = mpp[::-1]
    return RasterImage(path.name, kind, data, size, orientation, mpp, _bits(kind, data))


def _check_area(size: tuple[int, int], name: str, advice: str) -> None:
    limits.check_not_empty(size, name)
    limits.check_bytes(size[0] * size[1] * 4, f"{name}, {size[0]:,} x {size[1]:,} "
                       "pixels,", advice)  # fmt: skip


def _jpeg_frame(data: bytes) -> tuple[int, tuple[int, int]]:
    """Bits of a sample, and (width, height), as the frame header states them."""
    for marker, body in jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            bits, height, width = struct.unpack(">BHH", body[:5])
            return bits, (width, height)
    raise ValueError("a JPEG without a frame")


def png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of a PNG's chunks, as far as the file goes."""
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8])
        yield name, data[at + 8 : at + 8 + length]
        at += 12 + length


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Markers and contents of a JPEG's segments; compressed data is passed over."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            return
        marker = data[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker == 0xD9:
            return
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, data[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == 0xDA:
            found = _MARKER.search(data, at)
            if found is None:
                return
            at = found.start()


def count_scans(data: bytes) -> int:
    """Number of scans in a JPEG, at most one more than `limits.MAX_SCANS`."""
    scans = 0
    for marker, _ in jpeg_segments(data):
        scans += marker == 0xDA
        if scans > limits.MAX_SCANS:
            break
    return scans


def _check_scans(data: bytes, name: str) -> None:
    if count_scans(data) > limits.MAX_SCANS:
        raise InputError(
            f"{name} is drawn in more than {limits.MAX_SCANS} passes, which no camera "
            "writes; save it again as PNG."
        )


def _bits(kind: str, data: bytes) -> int:
    """Bits of one sample as the header states them; 8 when it does not."""
    if kind == "PNG":
        stated = next((body for name, body in png_chunks(data) if name == b"IHDR"), b"")
        return stated[8] if len(stated) > 8 else 8
    if kind == "JPEG2000":
        at = data.find(b"\xff\x4f\xff\x51")  # start of codestream and SIZ
        stated = data[at + 42 : at + 43] if at >= 0 else b""
        return (stated[0] & 0x7F) + 1 if stated else 8
    return 8


def _exif(image: Image.Image, kind: str) -> Image.Exif:
    if kind == "PNG" and "exif" not in image.info:
        return Image.Exif()  # Pillow would decode all pixels to look behind them
    try:
        return image.getexif()
    except Exception:  # noqa: BLE001 - Pillow raises anything on broken metadata
        return Image.Exif()


def _mpp(image: Image.Image, kind: str, data: bytes) -> tuple[float, float] | None:
    """Micrometres per pixel along x and y, however implausible."""
    if kind == "PNG":
        for name, body in png_chunks(data):
            if name == b"pHYs" and len(body) >= 9:
                x, y, unit = struct.unpack(">IIB", body[:9])
                if unit == 1 and x and y:
                    return _METRES_TO_MICROMETRES / x, _METRES_TO_MICROMETRES / y
        return None
    density, unit = image.info.get("jfif_density"), image.info.get("jfif_unit")
    if density and unit in (1, 2) and all(density):
        size = _INCH if unit == 1 else 1e4
        return size / density[0], size / density[1]
    dpi = image.info.get("dpi")
    try:
        x, y = (_INCH / float(each) for each in dpi or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return x, y
