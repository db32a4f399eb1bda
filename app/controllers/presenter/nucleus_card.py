"""What a click on a nucleus says: both models' outlines, areas, overlap, type."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.controllers.presenter.pointer import find_type
from app.rendering.palette import SKY, VERMILLION
from app.state.app_state import AppState
from app.state.values import Labels
from app.text.format import DASH

_SIDE = 64  # pixels of the tile around the place
_GROW = 4  # screen pixels for one of the tile


@dataclass(frozen=True, slots=True)
class NucleusCard:
    """One nucleus, as both models see it.

    Parameters
    ----------
    picture
        uint8 (h, w, 3): the place with both outlines, enlarged.
    rows
        Captions with the words of the dense and of the pruned model.
    overlap
        In words.
    """

    picture: NDArray[np.uint8]
    rows: tuple[tuple[str, str, str], ...]
    overlap: str


def find_card(state: AppState, x: float, y: float) -> NucleusCard | None:
    """Return what is known of the nucleus at a place of the tile; None without one.

    Parameters
    ----------
    state
        Of the window; the pruned model is that of the active pane.
    x, y
        In pixels of the tile.
    """
    opened = state.opened
    if opened is None or state.opening is not None or opened.model.task != "nuclei":
        return None
    width, height = opened.picture.size
    column, row = int(np.floor(x)), int(np.floor(y))
    if not (0 <= column < width and 0 <= row < height):
        return None
    outcome = state.outcome if state.current else None
    before = opened.prediction.labels
    after = outcome.prediction.labels if outcome else np.zeros_like(before)
    first, second = _pair(before, after, row, column)
    if not first and not second:
        return None
    one = (before == first) & (before > 0)
    other = (after == second) & (after > 0)
    scale = opened.picture.mpp
    rows = [("Area", _area(one, scale), _area(other, scale))]
    if opened.nuclei.classes is not None:
        types = find_type(opened.nuclei, opened, first) if first else ""
        seen = find_type(outcome.nuclei, opened, second) if outcome and second else ""
        rows.insert(0, ("Type", types or DASH, seen or DASH))
    said = _overlap(one, other) if outcome else "No pruned model is on show."
    picture = _draw(opened.picture.levels[0], one, other, row, column)
    return NucleusCard(picture, tuple(rows), said)


def _pair(before: Labels, after: Labels, row: int, column: int) -> tuple[int, int]:
    """Return the labels of both models at a place, 0 where one finds nothing."""
    first, second = int(before[row, column]), int(after[row, column])
    if second and not first:
        first = _largest(before[after == second])
    elif first and not second:
        second = _largest(after[before == first])
    return first, second


def _overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> str:
    """Return in words how far two masks are the same."""
    if not other.any():
        return "The pruned model does not find it."
    if not one.any():
        return "Only the pruned model finds it."
    share = (one & other).sum() / (one | other).sum()
    return f"Overlap (IoU) {share:.2f}"


def _largest(labels: Labels) -> int:
    """Return the label that most of some pixels have; 0 where none has one."""
    found = np.bincount(labels[labels > 0].ravel()) if (labels > 0).any() else None
    return int(found.argmax()) if found is not None else 0


def _area(mask: NDArray[np.bool_], mpp: float | None) -> str:
    pixels = int(mask.sum())
    if not pixels:
        return DASH
    return f"{pixels * mpp * mpp:.0f} µm²" if mpp else f"{pixels:,} px"


def _draw(
    packed: NDArray[np.unsignedinteger],
    one: NDArray[np.bool_],
    other: NDArray[np.bool_],
    row: int,
    column: int,
) -> NDArray[np.uint8]:
    """Return the surroundings of a place, with the rims of two masks."""
    top = min(max(row - _SIDE // 2, 0), max(packed.shape[0] - _SIDE, 0))
    left = min(max(column - _SIDE // 2, 0), max(packed.shape[1] - _SIDE, 0))
    part = slice(top, top + _SIDE), slice(left, left + _SIDE)
    pixels = packed[part]
    rgb = np.stack([(pixels >> shift) & 255 for shift in (16, 8, 0)], -1)
    large = np.repeat(np.repeat(rgb.astype(np.uint8), _GROW, 0), _GROW, 1)
    for mask, colour, wide in ((one, SKY, 3), (other, VERMILLION, 1)):
        grown = np.repeat(np.repeat(mask[part], _GROW, 0), _GROW, 1)
        large[_rim(grown, wide)] = colour
    return large


def _rim(mask: NDArray[np.bool_], wide: int) -> NDArray[np.bool_]:
    """Return the pixels inside a mask that are near its edge."""
    inner = np.pad(mask, wide)
    for _ in range(wide):
        inner = (
            inner
            & np.roll(inner, 1, 0)
            & np.roll(inner, -1, 0)
            & np.roll(inner, 1, 1)
            & np.roll(inner, -1, 1)
        )
    return mask & ~inner[wide:-wide, wide:-wide]
