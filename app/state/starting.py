"""What starting and stopping work changes in the state: pure functions.

To read this file, start from `cancel`.
"""

from dataclasses import replace

from app.state import events
from app.state.app_state import AppState, Message, Opening, with_active
from app.state.exploring import baseline_of, row_of
from app.state.folder_scoring import stopped
from app.state.training import describe_limit
from app.state.work import Work


def explore(state: AppState, event: events.ExploreSwitched) -> AppState:
    """Return the state that explores a curve, or no longer."""
    if state.todo:
        return replace(state, todo=())
    if state.opened is None or state.opening is not None:
        return state
    row = row_of(state)
    training, models = state.request.training, len(set(row))
    if training is not None and row and not event.confirmed:
        again = events.ExploreSwitched(confirmed=True)
        words = (
            f"Exploring this curve trains {models} models, for "
            f"{describe_limit(training, models)} at most."
        )
        offer = f"Train {models} models", again
        return replace(
            state, message=Message(words, kind="info", about=state.request, offer=offer)
        )
    todo = (*row, *baseline_of(state))
    return replace(state, todo=todo, paused=False)


def open_sources(state: AppState, event: events.OpenAsked) -> AppState:
    """Return the state that opens a model and a tile."""
    saves = tuple(work for work in state.asked if work.purpose != "open")
    return replace(
        state,
        opening=Opening(
            event.model, event.tile, choosing=state.choosing, kept=event.kept
        ),
        choosing=None,
        asked=(*saves, Work("open", call=event.call)),
        todo=(),
        background=(),
        preview=None,
        message=_told_at_start(state),
    )


def _told_at_start(state: AppState) -> Message | None:
    """Return the message that is of settings or a session, not of what was open."""
    told = state.message
    if state.opened is None and told is not None and told.kind == "warning":
        return told
    return None


def save(state: AppState, event: events.SaveAsked) -> AppState:
    """Return the state that writes a file."""
    return replace(state, asked=(*state.asked, Work("save", call=event.call)))


def start_training(state: AppState, _: events.TrainingStarted) -> AppState:
    """Return the state that fine-tunes as the controls say."""
    request = state.request
    if request.recovery != "finetune" or request in state.trains:
        return state
    # A training that was stopped goes on; what it gave is shown meanwhile.
    again = replace(state.pane, live=True) if state.current else state.pane
    return replace(
        with_active(state, again),
        trains=(request,),
        recent=tuple(one for one in state.recent if one.request != request),
        failed={},
        paused=False,
        resting=True,
    )


def cancel(state: AppState, _: events.WorkCancelled) -> AppState:
    """Return the state after everything was stopped."""
    training, work = state.training, state.work
    trains = training is not None and training.left > 0
    if work is None and not state.todo and not trains:
        return state
    opening = state.opening
    ended = replace(training, left=0.0) if training else None
    state = replace(
        state,
        todo=(),
        background=(),
        preview=None,
        training=ended,
        folder=stopped(state.folder),
    )
    if work is not None and work.trains and not work.finishing:
        # It ends with its best weights so far, and nothing is trained after it.
        finishing = replace(work, finishing=True)
        mine = tuple(one for one in state.trains if one == work.request)
        return replace(state, work=finishing, trains=mine)
    return replace(
        state,
        opening=None,
        choosing=opening.choosing if opening else state.choosing,
        asked=(),
        trains=(),
        paused=True,
    )


def resume(state: AppState, _: events.Resumed) -> AppState:
    """Return the state that computes what was cancelled."""
    return replace(state, paused=False, failed={}) if state.paused else state
