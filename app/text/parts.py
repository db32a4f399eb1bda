"""Over which part of a tile a number is, in words."""

from app.text.format import percent
from core.results import Part


def describe_part(part: Part, mpp: float | None) -> str:
    """Return the part that counts and scores are of.

    Parameters
    ----------
    part
        What is computed by now.
    mpp
        Micrometres per pixel of the tile, or None when unknown.
    """
    name = "visible part" if part.whole else "centre"
    if not mpp:
        return f"{name}, {percent(part.share)} of the tile"
    square = (mpp / 1000) ** 2
    done, total = part.pixels * square, part.size[0] * part.size[1] * square
    digits = 1 if done >= 0.1 else 2 if done >= 0.01 else 4
    return f"{name}, {done:.{digits}f} of {total:.{digits}f} mm²"
