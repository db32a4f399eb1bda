"""What the panes draw over the tile: pure functions from the state to masks."""

import numpy as np

from app.controllers.presenter.view import Drawn
from app.rendering.heat import Heat
from app.rendering.overlay import Colours, premultiplied
from app.rendering.palette import Rgb, by_kind, by_type, type_colour
from app.state.display import Display
from app.state.values import KINDS, DrawnOutcome, Kind, Nuclei, Opened
from app.views.widgets.tile_parts import Mask
from core.metrics import NucleusChanges

_Key = tuple[Opened, DrawnOutcome | None, Display, bool]
_Both = tuple[tuple[Mask, ...], tuple[Mask, ...]]
LOST: frozenset[Kind] = frozenset({"lost"})


class MaskMaker:
    """Makes the layers of all panes, and again only those that are different."""

    def __init__(self) -> None:
        self._made: list[tuple[_Key, _Both]] = []

    def make(self, drawn: Drawn) -> tuple[tuple[Mask, ...], ...]:
        """Return the layers of the dense pane, then of each pruned one on show."""
        opened = drawn.opened
        if opened is None:
            return ((),) * (1 + len(drawn.seen))
        made = [
            self._pair(opened, outcome, drawn.display, drawn.typed)
            for outcome in drawn.seen
        ]
        # What is on show and, behind a preview, what is soon again.
        self._made = self._made[-len(drawn.seen) - 1 :]
        return (made[drawn.active][0], *(pruned for _, pruned in made))

    def _pair(
        self,
        opened: Opened,
        outcome: DrawnOutcome | None,
        display: Display,
        typed: bool,
    ) -> _Both:
        key = opened, outcome, display, typed
        for index, (known, _) in enumerate(self._made):
            # Identity, not equality: values hold arrays, which do not compare.
            if all(a is b for a, b in zip(known, key, strict=True)):
                self._made.append(self._made.pop(index))
                return self._made[-1][1]
        self._made.append((key, pair(opened, outcome, display, typed=typed)))
        return self._made[-1][1]


def pair(
    opened: Opened,
    outcome: DrawnOutcome | None,
    display: Display,
    *,
    typed: bool = True,
) -> _Both:
    """Return the layers of the dense model and of one pruned model beside it."""
    if not display.visible:
        return (), ()
    truth = _truth(opened, display)
    if display.overlay == "difference" and outcome is not None:
        dense, pruned = _differences(
            outcome.dense or opened.nuclei, outcome.nuclei, outcome.changes, display
        )
        return (*dense, *truth), (*pruned, *truth)
    dense = (_typed(opened.nuclei, display, typed),)
    pruned = (_typed(outcome.nuclei, display, typed),) if outcome else ()
    return (*dense, *truth), (*pruned, *truth)


def legend(drawn: Drawn) -> dict[str, Rgb]:
    """Return what the colours of the masks mean, unless the nuclei bar says so."""
    opened, display = drawn.opened, drawn.display
    untyped = opened is None or opened.nuclei.classes is None or not drawn.typed
    if opened is None or untyped or not display.visible:
        return {}
    if display.overlay == "difference" and drawn.seen[drawn.active] is not None:
        return {}
    names = opened.model.classes
    return {name: type_colour(number) for number, name in enumerate(names, 1)}


def heats(drawn: Drawn) -> tuple[Heat | None, ...]:
    """Return the heat map of each pruned pane on show; none unless asked for."""
    opened, display = drawn.opened, drawn.display
    shape = "Change of the map that separates nuclei"
    title = {"foreground": "Change of foreground probability"}.get(display.heat, shape)
    return tuple(
        Heat(found.raw[display.heat], title, display.opacity)
        if opened and found and display.heat in found.raw
        else None
        for found in drawn.seen
    )


def _typed(nuclei: Nuclei, display: Display, typed: bool) -> Mask:
    colours = by_type(
        nuclei.count,
        nuclei.classes if typed else None,
        fill=display.overlay == "fill",
        opacity=display.opacity,
        hidden=frozenset(display.hidden_types),
    )
    return Mask(nuclei.levels, colours, part=nuclei.part)


def _differences(
    dense: Nuclei, pruned: Nuclei, changes: NucleusChanges, display: Display
) -> tuple[tuple[Mask, ...], tuple[Mask, ...]]:
    """Return both panes by what became of nuclei; lost ones show in both."""
    opacity = display.opacity
    shown = frozenset(KINDS) - frozenset(display.hidden_kinds)
    before = by_kind(changes.before_kind, opacity=opacity, only=shown)
    after = by_kind(changes.after_kind, opacity=opacity, only=shown)
    lost = by_kind(changes.before_kind, opacity=opacity, only=LOST & shown)
    return (
        (Mask(dense.levels, before, part=dense.part),),
        (
            Mask(pruned.levels, after, part=pruned.part),
            Mask(dense.levels, lost, 3, dense.part),
        ),
    )


def _truth(opened: Opened, display: Display) -> tuple[Mask, ...]:
    """Return the ground truth in white, if there is any and it is wanted."""
    if opened.truth is None or not display.truth:
        return ()
    rgb = np.full((opened.truth.count + 1, 3), 255, np.uint8)
    alpha = np.full(opened.truth.count + 1, display.opacity)
    alpha[0] = 0
    line = premultiplied(rgb, alpha)
    nothing = np.zeros_like(line)
    return (Mask(opened.truth.levels, Colours(line, nothing, nothing), 1),)
