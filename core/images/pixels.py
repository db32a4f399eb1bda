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
_DEPTHS = (8, 10, 12, 14, 16)


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
    mpp
        Micrometres per pixel, or None.
    """

    values: NDArray[Any]
    alpha: Alpha = "none"
    inverted: bool = False
    mpp: float | None = None


def to_rgb8(raw: Raw, name: str) -> NDArray[np.uint8]:
    """Turn file pixels into what every model and view takes.

    Integers deeper than 8 bits are divided by the smallest usual depth (8, 10,
    12, 14 or 16 bits) that holds the largest value present, so a 12-bit
    scanner's white stays white and two tiles of one scanner stay comparable.
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
    shown = _to_8_bit(values[..., :colours], name)
    if raw.inverted:
        shown = 255 - shown
    if raw.alpha != "none":
        opacity = _to_8_bit(values[..., colours:], name, full_range=True)
        shown = _over_white(shown, opacity, straight=raw.alpha == "straight")
    if colours == 1:
        shown = np.repeat(shown, 3, axis=2)
    return np.ascontiguousarray(shown)


def _to_8_bit(
    values: NDArray[Any], name: str, *, full_range: bool = False
) -> NDArray[np.uint8]:
    """Scale to 0-255; ``full_range`` takes the dtype's own maximum as white."""
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
    if values.dtype == np.uint8:
        return values
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise InputError(
            f"{name} holds values from {low} to {high}, outside 0 to 65535; "
            "save it as an 8- or 16-bit image."
        )
    depth = 16 if full_range else next(d for d in _DEPTHS if high < 2**d)
    top = 2**depth - 1
    table = (np.arange(top + 1, dtype=np.uint32) * 255 + top // 2) // top
    shown: NDArray[np.uint8] = table.astype(np.uint8)[values]
    return shown


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
