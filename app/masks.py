"""What the panes draw over the tile: pure functions from the state to masks."""

from typing import TYPE_CHECKING

import numpy as np

from app.overlay import Colours, premultiplied
from app.palette import Rgb, by_kind, by_type, type_colour
from app.values import Changes, Kind, Nuclei, Opened, Outcome
from app.widgets.tile_view import Mask

if TYPE_CHECKING:
    from app.state import AppState, Display

_Key = tuple[Opened, Outcome | None, "Display"]
_Both = tuple[tuple[Mask, ...], tuple[Mask, ...]]
LOST: frozenset[Kind] = frozenset({"lost"})


class MaskMaker:
    """Makes the layers of all panes, and again only those that are different."""

    def __init__(self) -> None:
        self._made: list[tuple[_Key, _Both]] = []

    def of(self, state: "AppState") -> tuple[tuple[Mask, ...], ...]:
        """Return the layers of the dense pane, then of each pruned one on show."""
        opened = state.opened
        if opened is None:
            return (), ()
        seen = [pane.outcome for pane in state.panes]
        seen[state.active] = state.seen
        if state.demo:
            seen = [state.seen]
        active = 0 if state.demo else state.active
        made = [self._pair(opened, outcome, state.display) for outcome in seen]
        # What is on show and, behind a preview, what is soon again.
        self._made = self._made[-len(seen) - 1 :]
        return (made[active][0], *(pruned for _, pruned in made))

    def _pair(
        self, opened: Opened, outcome: Outcome | None, display: "Display"
    ) -> "_Both":
        key = opened, outcome, display
        for index, (known, _) in enumerate(self._made):
            # Identity, not equality: values hold arrays, which do not compare.
            if all(a is b for a, b in zip(known, key, strict=True)):
                self._made.append(self._made.pop(index))
                return self._made[-1][1]
        self._made.append((key, pair(opened, outcome, display)))
        return self._made[-1][1]


def pair(opened: Opened, outcome: Outcome | None, display: "Display") -> "_Both":
    """Return the layers of the dense model and of one pruned model beside it."""
    if not display.visible:
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
    if display.overlay == "difference" and state.seen is not None:
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
