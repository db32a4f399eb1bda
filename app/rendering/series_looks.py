"""How the curve of a heuristic looks: by its name alone.

A heuristic that is added changes no other: those that the program knows have a place
of their own, any other gets its looks from a hash of its name. Colours are chosen
so that all are told apart with normal sight and with each kind of colour blindness
(simulated after Machado et al. 2009), on white and on black; mark and dash tell them
apart without colour.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

from core.types import UNSTRUCTURED

Rgb = tuple[int, int, int]
Mark = Literal[
    "circle",
    "square",
    "diamond",
    "triangle",
    "triangle_down",
    "pentagon",
    "hexagon",
    "star",
    "plus",
    "cross",
]
Dash = Literal["solid", "dash", "dot", "dashdot"]


@dataclass(frozen=True, slots=True)
class SeriesLook:
    """Looks of a heuristic's curves; see the module."""

    colour: Rgb
    mark: Mark
    dash: Dash
    width: float = 2.0


GREY: Rgb = (128, 128, 128)
LOOKS: tuple[SeriesLook, ...] = (
    SeriesLook(GREY, "circle", "dash"),
    SeriesLook((23, 54, 253), "circle", "solid"),
    SeriesLook((31, 154, 60), "square", "solid"),
    SeriesLook((249, 37, 1), "triangle", "solid"),
    SeriesLook((178, 15, 118), "diamond", "solid"),
    SeriesLook((184, 175, 2), "triangle_down", "solid"),
    SeriesLook((84, 152, 234), "star", "solid"),
    SeriesLook((231, 133, 160), "plus", "solid"),
    SeriesLook((99, 89, 78), "cross", "solid"),
    SeriesLook((40, 188, 168), "pentagon", "solid"),
    SeriesLook((115, 107, 234), "hexagon", "solid"),
    SeriesLook((176, 4, 23), "square", "dash"),
    SeriesLook((147, 166, 105), "triangle", "dash"),
    SeriesLook((110, 70, 88), "diamond", "dash"),
    SeriesLook((164, 170, 218), "triangle_down", "dash"),
    SeriesLook((152, 50, 185), "star", "dash"),
    SeriesLook((95, 113, 66), "plus", "dash"),
    SeriesLook((234, 43, 113), "cross", "dash"),
    SeriesLook((127, 108, 147), "pentagon", "dash"),
)
"""Every colour once; the first is that of the random baseline."""
_PLACES = (
    *("random", "reconstruction", "l2", "l1", "bn_scale", "taylor", "sensitivity"),
    *("fpgm", "lamp", "fisher", "mean_activation", "apoz", "activation_magnitude"),
    "reconstruction_once",
    *(UNSTRUCTURED + n for n in ("magnitude", "activation", "taylor", "random")),
)
_KNOWN = dict(zip(_PLACES, LOOKS, strict=False))
_OTHER_DASHES: tuple[Dash, ...] = ("dot", "dashdot")  # of no known heuristic


def series_look(heuristic: str) -> SeriesLook:
    """Return the looks of a heuristic, as a request names it.

    Parameters
    ----------
    heuristic
        Known to the program or not.
    """
    known = _KNOWN.get(heuristic)
    if known is not None:
        return known
    number = int.from_bytes(
        hashlib.sha256(heuristic.encode(errors="surrogatepass")).digest()[:8], "big"
    )
    number, colour = divmod(number, len(LOOKS) - 1)
    number, mark = divmod(number, len(LOOKS))
    dash = _OTHER_DASHES[number % len(_OTHER_DASHES)]
    return SeriesLook(LOOKS[colour + 1].colour, LOOKS[mark].mark, dash)
