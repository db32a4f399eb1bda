"""Which part of the tile is computed first: pure functions of the state.

A tile that a network takes in many patches, or of which only a part is on screen, is
computed for that part at once and for the rest when the hand rests.
To read this file, start from `lacks_part`.
"""

from collections.abc import Sequence
from dataclasses import replace

from app.state import accepting, events
from app.state.app_state import AppState, Pane
from app.state.values import DrawnOutcome, Opened
from app.state.work import Purpose, Work
from core.types import SLOW, PruneRequest


def look(state: AppState, event: events.Looked) -> AppState:
    """Return the state in which another part of the tile is on screen."""
    return state if event.seen == state.visible else replace(state, visible=event.seen)


def grows(state: AppState, request: PruneRequest) -> bool:
    """Return whether a part of the tile can be had before all of it."""
    opened = state.opened
    if opened is None or opened.model.task != "nuclei" or request.model:
        return False
    if request.recovery in SLOW:
        return False
    return state.visible is not None or opened.patches > 1


def lacks_part(
    state: AppState, request: PruneRequest, outcome: DrawnOutcome | None
) -> bool:
    """Return whether what is on screen is still to be computed for a request.

    Parameters
    ----------
    state
        Of the window.
    request
        Which pruned model.
    outcome
        What a pane shows by now.
    """
    if not grows(state, request):
        return False
    if outcome is None or outcome.request != request:
        return True
    part = outcome.part
    if part is None:
        return False
    width, height = part.size
    return not part.covers(state.visible or (0, 0, width, height))


def find_part(
    state: AppState, wanted: Sequence[tuple[Purpose, PruneRequest, Pane]]
) -> Work | None:
    """Return the first of several results that lacks what is on screen."""
    for purpose, request, pane in wanted:
        if lacks_part(state, request, pane.outcome):
            return Work(purpose, request, visible=True)
    return None


def shows_some(state: AppState, work: Work) -> bool:
    """Return whether the active pane shows a patch of what is under way.

    The next position of the slider then need not wait for the other patches.
    """
    outcome = state.outcome
    if outcome is None or outcome.request != work.request or outcome.part is None:
        return False
    return outcome.part.patches[1] > 1


def show_part(state: AppState, outcome: DrawnOutcome, purpose: Purpose) -> AppState:
    """Return the state with the result of a part of the tile, which is no trial yet.

    Parameters
    ----------
    state
        Of the window.
    outcome
        Of a part.
    purpose
        A ``frame`` is shown by the active pane even when the slider has moved on.
    """
    panes = tuple(
        replace(pane, outcome=outcome, live=False)
        if _awaits(pane, outcome)
        or (purpose == "frame" and place == state.active and not pane.current)
        else pane
        for place, pane in enumerate(state.panes)
    )
    preview = state.preview
    if preview is not None and _awaits(preview, outcome):
        preview = replace(preview, outcome=outcome)
    return replace(state, panes=panes, preview=preview, visited={})


def accept_dense(state: AppState, opened: Opened) -> AppState:
    """Return the state in which the dense model has seen more of the tile."""
    known = state.opened
    if (
        state.opening is not None
        or known is None
        or known.session is not opened.session
    ):
        return state
    return accepting.with_notes(replace(state, opened=opened), opened)


def _awaits(pane: Pane, outcome: DrawnOutcome) -> bool:
    return pane.request == outcome.request and not pane.current
