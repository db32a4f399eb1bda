"""Which part of the tile is computed first: pure functions of the state.

A tile that a network takes in many patches, or of which only a part is on screen, is
computed for that part at once and for the rest when the hand rests.
What is still to be computed is decided in `app.state.scheduling`. To read this file,
start from `show_part`.
"""

from dataclasses import replace

from app.state import accepting, events
from app.state.app_state import AppState, Pane
from app.state.values import DrawnOutcome, Opened
from app.state.work import Purpose


def look(state: AppState, event: events.Looked) -> AppState:
    """Return the state in which another part of the tile is on screen."""
    return state if event.seen == state.visible else replace(state, visible=event.seen)


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
