"""The typeface of drawings: how wide text is, and as much of it as a file needs."""

import base64
import io
from functools import cache
from importlib.resources import files
from typing import Literal

from PIL import ImageFont

from core.printable import to_printable

FAMILY = "'Source Sans Pro', 'Source Sans 3', 'Segoe UI', Arial, sans-serif"
NAME = "Source Sans Pro"
_EXACT = 64  # pixels at which widths are measured
Face = Literal["Regular", "Semibold"]
_WEIGHTS: dict[Face, int] = {"Regular": 400, "Semibold": 600}


@cache
def _data(face: Face) -> bytes:
    folder = files("resources") / "fonts"
    return (folder / f"SourceSansPro-{face}.ttf").read_bytes()


@cache
def _ruler() -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO(_data("Regular")), _EXACT)


def text_width(words: str, size: float) -> float:
    """Return how wide a text is, in pixels.

    Parameters
    ----------
    words
        One line.
    size
        Of the font, in pixels.
    """
    return float(_ruler().getlength(to_printable(words))) * size / _EXACT


def font_face(words: str) -> str:
    """Return style rules that bring the letters of a drawing with it.

    Parameters
    ----------
    words
        Everything that is written; other letters are left out of the font.
    """
    letters = "".join(sorted(set(to_printable(words))))
    return "".join(_rule(face, letters) for face in _WEIGHTS)


@cache
def _rule(face: Face, letters: str) -> str:
    data = base64.b64encode(_subset(_data(face), letters)).decode()
    return (
        f'@font-face{{font-family:"{NAME}";font-weight:{_WEIGHTS[face]};'
        f"src:url(data:font/woff;base64,{data})}}"
    )


def _subset(font: bytes, letters: str) -> bytes:
    """Return a font with some letters only, as WOFF."""
    from fontTools import subset

    options = subset.Options(flavor="woff", hinting=False, desubroutinize=True)
    options.layout_features = ["kern"]
    options.notdef_outline = True
    loaded = subset.load_font(io.BytesIO(font), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=letters)
    subsetter.subset(loaded)
    out = io.BytesIO()
    subset.save_font(loaded, out, options)
    return out.getvalue()
