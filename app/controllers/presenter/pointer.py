"""What is under the pointer, in words: pure functions."""

from dataclasses import dataclass

import numpy as np

from app.state.app_state import AppState
from app.state.slide_map import find_region
from app.state.values import Labels, Nuclei, Opened
from core.metrics.changes import Change

_NEAR = 200  # pixels around a nucleus in which its area is counted


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where the pointer is.

    Parameters
    ----------
    pane
        0 for the dense model's, then the pruned ones.
    x, y
        In pixels of the tile.
    zoom
        Screen pixels per tile pixel.
    """

    pane: int
    x: float
    y: float
    zoom: float


def describe_pointer(state: AppState, pointer: Pointer | None) -> tuple[str, ...]:
    """Return what is under the pointer, in wordings from the longest."""
    opened = None if state.opening else state.opened
    if opened is None or pointer is None:
        return ("",)
    column, row = int(np.floor(pointer.x)), int(np.floor(pointer.y))
    width, height = opened.picture.size
    zoom = f"{pointer.zoom * 100:.0f} %"
    if not (0 <= column < width and 0 <= row < height):
        return (zoom, "")
    pixel = int(opened.picture.levels[0][row, column])
    colour = f"RGB {pixel >> 16 & 255} {pixel >> 8 & 255} {pixel & 255}"
    place = f"{column:,}, {row:,} px"
    length = _in_micrometres(opened, column, row)
    nucleus = _describe_nucleus(state, opened, pointer.pane, row, column)
    parts = (
        (place, length, _on_slide(opened, column, row), colour, nucleus, zoom),
        (place, length, colour, nucleus, zoom),
        (place, length, nucleus, zoom),
        (place, nucleus, zoom),
        (place, nucleus.partition(",")[0]),
        (place,),
    )
    return tuple(" · ".join(part for part in words if part) for words in parts)


def _in_micrometres(opened: Opened, column: int, row: int) -> str:
    mpp = opened.picture.mpp
    return f"{column * mpp:.1f}, {row * mpp:.1f} µm" if mpp else ""


def _on_slide(opened: Opened, column: int, row: int) -> str:
    """Return the place on the slide, in pixels of its finest level."""
    if opened.slide is None:
        return ""
    part = find_region(opened.slide, opened.source.view)
    step = part[2] / opened.picture.size[0]
    return f"slide {part[0] + column * step:,.0f}, {part[1] + row * step:,.0f}"


def _describe_nucleus(
    state: AppState, opened: Opened, pane: int, row: int, column: int
) -> str:
    """Return the nucleus under the pointer; empty where there is none."""
    outcome, nuclei, codes = None, opened.nuclei, None
    labels: Labels = opened.prediction.labels
    shown = state.panes[state.active] if state.demo else None
    if pane > 0:
        place = pane - 1
        seen = shown or (state.panes[place] if place < len(state.panes) else None)
        outcome = state.drawn(seen) if seen is not None else None
        if outcome is None:
            return ""
        nuclei, codes = outcome.nuclei, outcome.changes.after_kind
        labels = outcome.prediction.labels
    elif state.outcome is not None and state.seen is not None:
        codes = state.seen.changes.before_kind
        if state.seen.dense is not None and state.seen.before is not None:
            nuclei, labels = state.seen.dense, state.seen.before.labels
    left, top, wide, high = nuclei.part.box if nuclei.part else (0, 0, 0, 0)
    inside = 0 <= column - left < wide and 0 <= row - top < high
    if nuclei.part is not None and not inside:
        return ""
    row, column = row - top, column - left
    number = int(labels[row, column])
    if not number or opened.model.task != "nuclei":
        return ""
    parts = [f"nucleus {number}", find_type(nuclei, opened, number)]
    parts.append(_area(labels, number, row, column, opened.picture.mpp))
    if codes is not None and number <= len(codes):
        parts.append(_fate(int(codes[number - 1]), pane))
    return ", ".join(part for part in parts if part)


def find_type(nuclei: Nuclei, opened: Opened, number: int) -> str:
    """Return the type of a nucleus by its label, in words; empty without types."""
    names = opened.model.classes
    if nuclei.classes is None or number > len(nuclei.classes):
        return ""
    kind = int(nuclei.classes[number - 1])
    return names[kind - 1] if 1 <= kind <= len(names) else "type unknown"


def _area(labels: Labels, number: int, row: int, column: int, mpp: float | None) -> str:
    top, left = max(row - _NEAR, 0), max(column - _NEAR, 0)
    near = labels[top : row + _NEAR, left : column + _NEAR]
    pixels = int(np.count_nonzero(near == number))
    return f"{pixels * mpp * mpp:.0f} µm²" if mpp else f"{pixels:,} px"


def _fate(code: int, pane: int) -> str:
    """Return what became of it in the pruned model, or where it came from."""
    if not code:
        return ""
    kind = Change(code).name.lower().replace("_", " ")
    return f"{kind} in the pruned model" if pane == 0 else kind
