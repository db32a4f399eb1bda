"""How much of an untrusted file is decoded at once.

Every decoder asks here before it allocates anything.
"""

from core.errors import InputError

MAX_PIXELS = 25_000_000
"""Most pixels of a tile: a network's outputs take about 70 bytes for each."""

MAX_BYTES = 600_000_000
"""Most bytes that one part of a file may take once decoded."""

MAX_SEGMENTS = 300_000
"""Most tiles or strips that are read for one region."""

MAX_SCANS = 100
"""Most scans of a progressive JPEG; each one passes over all pixels."""


class TooLargeError(InputError):
    """A picture that is opened in part: the window offers its overview then."""


def check_size(size: tuple[int, int], name: str, advice: str) -> None:
    """Refuse a (width, height) that is empty or more than `MAX_PIXELS`.

    Raises
    ------
    TooLargeError
        When it is too large.
    InputError
        When it is empty.
    """
    width, height = size
    check_not_empty(size, name)
    if width * height > MAX_PIXELS:
        raise TooLargeError(
            f"{name} is {width:,} x {height:,} pixels, more than the "
            f"{MAX_PIXELS // 1_000_000} megapixels that are opened at once; "
            f"{advice}."
        )


def check_not_empty(size: tuple[int, int], name: str) -> None:
    """Refuse a picture without pixels."""
    if min(size) < 1:
        raise InputError(
            f"{name} is {size[0]} x {size[1]} pixels, which is empty; export it again."
        )


def check_bytes(count: int, name: str, advice: str) -> None:
    """Refuse to decode more than `MAX_BYTES` at once.

    Raises
    ------
    TooLargeError
        Says how much it would be.
    """
    if count > MAX_BYTES:
        raise TooLargeError(
            f"{name} takes {count / 1e6:,.0f} MB once decoded, more than the "
            f"{MAX_BYTES // 1_000_000} MB that are read at once; {advice}."
        )
