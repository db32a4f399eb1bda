"""Pictures that a file stores turned or mirrored (TIFF and EXIF tag 274)."""

from typing import Any

from numpy.typing import NDArray

Region = tuple[int, int, int, int]

_TAG = 274
# whether rows and columns are exchanged, then whether each axis is reversed
_STEPS: dict[int, tuple[bool, bool, bool]] = {
    1: (False, False, False),
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def known(orientation: object) -> int:
    """Orientation 1 to 8; 1 for anything else that a file may say."""
    if isinstance(orientation, int) and orientation in _STEPS:
        return orientation
    return 1


def shown_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """(width, height) of the picture as it is shown."""
    return size[::-1] if _STEPS[orientation][0] else size


def turned(values: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn stored pixels (height, width, ...) as they are to be shown."""
    exchanged, rows, columns = _STEPS[orientation]
    if exchanged:
        values = values.swapaxes(0, 1)
    return values[:: -1 if rows else 1, :: -1 if columns else 1]


def stored_region(region: Region, stored: tuple[int, int], orientation: int) -> Region:
    """Find where a region of the picture as shown lies in the file.

    Parameters
    ----------
    region
        (x, y, width, height) of the picture as shown.
    stored
        (width, height) as stored.
    orientation
        1 to 8.
    """
    x, y, width, height = region
    wide, tall = shown_size(stored, orientation)
    exchanged, rows, columns = _STEPS[orientation]
    if columns:
        x = wide - x - width
    if rows:
        y = tall - y - height
    return (y, x, height, width) if exchanged else (x, y, width, height)
