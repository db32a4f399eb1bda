"""Colour spaces other than RGB, as files store them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from core.errors import InputError

_ROWS = 512  # converted at once: intermediate values are wider than the result


def cmyk_to_rgb(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert ink to light, without a printer's profile.

    Parameters
    ----------
    values
        uint8 or uint16 (height, width, 4), 0 for no ink.

    Returns
    -------
    array
        uint8 (height, width, 3).
    """
    shape = (*values.shape[:2], 3)
    found = np.empty(shape, np.uint8)
    for start in range(0, shape[0], _ROWS):
        part = values[start : start + _ROWS]
        if part.dtype == np.uint16:
            part = (part >> 8).astype(np.uint8)
        light = 255 - part.astype(np.uint16)
        found[start : start + _ROWS] = (light[..., :3] * light[..., 3:] + 127) // 255
    return found


def ycbcr_to_rgb(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert full-range YCbCr (ITU-R BT.601) to RGB, uint8 (height, width, 3)."""
    picture = Image.fromarray(np.ascontiguousarray(values), mode="YCbCr")
    return np.asarray(picture.convert("RGB"))


def lab_to_rgb(values: NDArray[Any], name: str, *, signed: bool) -> NDArray[np.uint8]:
    """Convert CIELAB as TIFF stores it to sRGB.

    Parameters
    ----------
    values
        8-bit or 16-bit (height, width, 3): L from 0 to the largest number; a and b
        in two's complement when `signed`, else with 128 added.
    name
        Named in errors.
    signed
        True for photometric interpretation 8 (CIELab), False for 9 (ICCLab).

    Returns
    -------
    array
        uint8 (height, width, 3), for the white point D50 that the format means.

    Raises
    ------
    InputError
        When there are not three 8- or 16-bit samples.
    """
    if values.ndim != 3 or values.shape[2] != 3 or values.dtype.itemsize > 2:
        raise InputError(
            f"{name} holds CIELAB colours of an unusual form; save as RGB."
        )
    eight = values
    if values.dtype.itemsize == 2:
        eight = (values.view(np.uint16) >> 8).astype(np.uint8)
    eight = np.array(eight.view(np.uint8))
    if not signed:
        eight[..., 1:] ^= 128
    height, width = eight.shape[:2]
    # the raw mode of Pillow is the signed form
    picture = Image.frombytes("LAB", (width, height), eight.tobytes())
    profile = ImageCms.createProfile("LAB")  # D50
    shown = ImageCms.profileToProfile(
        picture, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert shown is not None  # only None when converted in place
    return np.asarray(shown)
