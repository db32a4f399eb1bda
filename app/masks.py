"""What the panes draw over the tile: pure functions from the state to masks."""

from typing import TYPE_CHECKING

import numpy as np

from app.overlay import Colours, premultiplied
from app.palette import Rgb, by_kind, by_type, type_colour
from app.values import Changes, Kind, Nuclei, Opened
from app.widgets.tile_view import Mask

if TYPE_CHECKING:
    from app.state import AppState, Display

LOST: frozenset[Kind] = frozenset({"lost"})


def masks(state: "AppState") -> tuple[tuple[Mask, ...], tuple[Mask, ...]]:
    """Return the layers of both panes."""
    opened, outcome, display = state.opened, state.outcome, state.display
    if opened is None or not display.visible:
        return (), ()
    truth = _truth(opened, display)
    if display.overlay == "difference" and outcome is not None:
        dense, pruned = _differences(
            opened.nuclei, outcome.nuclei, outcome.changes, display.opacity
        )
        return (*dense, *truth), (*pruned, *truth)
    fill = display.overlay == "fill"
    dense = (_typed(opened.nuclei, fill, display.opacity),)
    pruned = (_typed(outcome.nuclei, fill, display.opacity),) if outcome else ()
    return (*dense, *truth), (*pruned, *truth)


def legend(state: "AppState") -> dict[str, Rgb]:
    """Return what the colours of the masks mean, unless the nuclei bar says so."""
    opened, display = state.opened, state.display
    if opened is None or opened.nuclei.classes is None or not display.visible:
        return {}
    if display.overlay == "difference" and state.outcome is not None:
        return {}
    names = opened.model.classes
    return {name: type_colour(number) for number, name in enumerate(names, 1)}


def _typed(nuclei: Nuclei, fill: bool, opacity: float) -> Mask:
    colours = by_type(nuclei.count, nuclei.classes, fill=fill, opacity=opacity)
    return Mask(nuclei.levels, colours)


def _differences(
    dense: Nuclei, pruned: Nuclei, changes: Changes, opacity: float
) -> tuple[tuple[Mask, ...], tuple[Mask, ...]]:
    """Return both panes by what became of nuclei; lost ones show in both."""
    before = by_kind(changes.before, opacity=opacity)
    after = by_kind(changes.after, opacity=opacity)
    lost = by_kind(changes.before, opacity=opacity, only=LOST)
    return (
        (Mask(dense.levels, before),),
        (Mask(pruned.levels, after), Mask(dense.levels, lost, 3)),
    )


def _truth(opened: Opened, display: "Display") -> tuple[Mask, ...]:
    """Return the ground truth in white, if there is any and it is wanted."""
    if opened.truth is None or not display.truth:
        return ()
    rgb = np.full((opened.truth.count + 1, 3), 255, np.uint8)
    alpha = np.full(opened.truth.count + 1, display.opacity)
    alpha[0] = 0
    line = premultiplied(rgb, alpha)
    nothing = np.zeros_like(line)
    return (Mask(opened.truth.levels, Colours(line, nothing, nothing), 1),)
