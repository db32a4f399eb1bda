"""Any grid of numbers that a file may hold, as 8-bit RGB.

Start with `to_rgb8`.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError

Alpha = Literal["none", "straight", "premultiplied"]

# Scanners and cameras that write 16-bit files fill one of these depths.
DEPTHS = (8, 10, 12, 14, 16)
# Hot pixels and bright dust may exceed a camera's depth; more than that is signal.
MOST_OUTLIERS = 0.001


@dataclass(frozen=True, slots=True)
class Raw:
    """Pixels as they lie in a file.

    Parameters
    ----------
    values
        (height, width) or (height, width, samples), any dtype.
    alpha
        Whether the last sample is opacity, and how colours were stored with it.
    inverted
        True when 0 means white (fax-like TIFF).
    bits
        Bits of the brightest value, where the file states them; None when it only
        states how wide its numbers are stored.
    """

    values: NDArray[Any]
    alpha: Alpha = "none"
    inverted: bool = False
    bits: int | None = None


def to_rgb8(raw: Raw, name: str) -> NDArray[np.uint8]:
    """Turn file pixels into what every model and view takes.

    Integers that are not 8-bit are scaled by the depth that the file states. Where
    it states none, 16-bit numbers are scaled by the smallest usual depth (8, 10, 12,
    14 or 16 bits) that holds all but a thousandth of the values, so a 12-bit
    scanner's white stays white, one hot pixel changes nothing, and two tiles of one
    scanner stay comparable.
    Floats count as 0-1 when none exceeds 1, else as 0-255. Transparent parts
    turn white, as the glass around tissue is.

    Parameters
    ----------
    raw
        At least one pixel.
    name
        Named in errors.

    Returns
    -------
    pixels
        uint8 (height, width, 3), contiguous.

    Raises
    ------
    InputError
        On complex, non-finite, negative or too large values, or a number of
        samples that is not grey or RGB.
    """
    values = raw.values if raw.values.ndim == 3 else raw.values[..., None]
    if values.size == 0:
        raise InputError(f"{name} holds no pixels; export the tile again.")
    colours = values.shape[2] - (raw.alpha != "none")
    if colours not in (1, 3):
        raise InputError(
            f"{name} has {colours} channels; save it as a grey or RGB image."
        )
    shown = _to_8_bit(values[..., :colours], name, raw.bits)
    if raw.inverted:
        shown = 255 - shown
    if raw.alpha != "none":
        opacity = _to_8_bit(values[..., colours:], name, _stored_bits(values))
        shown = _over_white(shown, opacity, straight=raw.alpha == "straight")
    if colours == 1:
        shown = np.repeat(shown, 3, axis=2)
    return np.ascontiguousarray(shown)


def _stored_bits(values: NDArray[Any]) -> int | None:
    """Bits of an integer type: opacity fills all of them."""
    return values.dtype.itemsize * 8 if values.dtype.kind in "iu" else None


def _to_8_bit(values: NDArray[Any], name: str, bits: int | None) -> NDArray[np.uint8]:
    """Scale to 0-255; `bits` says which value is white, None leaves it open."""
    kind = values.dtype.kind
    if kind == "b":
        return values.astype(np.uint8) * np.uint8(255)
    if kind == "f":
        return _float_to_8_bit(values, name)
    if kind not in "iu":
        raise InputError(
            f"{name} holds {values.dtype} numbers, not colours; "
            "save it as an 8- or 16-bit image."
        )
    if values.dtype == np.uint8 and bits in (None, 8):
        return values
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise InputError(
            f"{name} holds values from {low} to {high}, outside 0 to 65535; "
            "save it as an 8- or 16-bit image."
        )
    if bits is None or not 1 <= bits <= 16 or high >= 2**bits:
        bits = _depth(values, high)
    top = 2**bits - 1
    table = np.full(max(high, top) + 1, 255, np.uint8)
    table[: top + 1] = (np.arange(top + 1, dtype=np.uint32) * 255 + top // 2) // top
    shown: NDArray[np.uint8] = table[values]
    return shown


def _depth(values: NDArray[Any], high: int) -> int:
    """Smallest usual depth that holds nearly all values; `high` is the largest."""
    allowed = int(values.size * MOST_OUTLIERS)
    for depth in DEPTHS[:-1]:
        if high < 2**depth or np.count_nonzero(values >= 2**depth) <= allowed:
            return depth
    return DEPTHS[-1]


def _float_to_8_bit(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if not np.isfinite(values).all():
        raise InputError(
            f"{name} holds pixels that are not numbers (NaN or infinite); "
            "save it as an 8- or 16-bit image."
        )
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 255:
        raise InputError(
            f"{name} holds values from {low:g} to {high:g}; "
            "scale them to 0-1 or 0-255 and save again."
        )
    scale = 255.0 if high <= 1 else 1.0
    return np.rint(values * scale).astype(np.uint8)


def _over_white(
    colour: NDArray[np.uint8], opacity: NDArray[np.uint8], *, straight: bool
) -> NDArray[np.uint8]:
    part = opacity.astype(np.uint16)
    # 255 * 255 + 127 is the largest value and just fits 16 bits
    shown = (colour * part + 127) // 255 if straight else colour.astype(np.uint16)
    over: NDArray[np.uint16] = np.minimum(shown + (255 - part), 255)
    return over.astype(np.uint8)
