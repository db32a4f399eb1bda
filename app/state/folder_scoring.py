"""What scoring the tiles of a folder changes in the state: pure functions.

One tile is one piece of work, after everything that panes and plots wait for.
To read this file, start from `start`; what the worker does is `find_tile_work`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from app.state import events
from app.state.app_state import AppState, Message
from app.state.tile_folder import ScoredFolder, ScoredModel, TileScore
from app.state.work import Work
from core.sources import WITH_SAMPLES

NO_NUCLEI = "Only models that find nuclei are scored tile by tile here."
_UNTRAINED = "Start the fine-tuning first, then score the folder with its result."


def find_model(state: AppState) -> ScoredModel | None:
    """Return the pruned model of the active pane, as tiles are scored with it.

    What it is calibrated on by default is written out, so that it stays the same model
    when another tile is opened.
    """
    opened = state.opened
    if opened is None:
        return None
    calibration = opened.calibrated_on or f"{WITH_SAMPLES}{opened.source.text}"
    return ScoredModel(opened.model.source, state.request, calibration)


def can_go_on(state: AppState) -> bool:
    """Return whether the open model is the one that the scores so far are of.

    The controls may say something else by now.
    """
    folder, now = state.folder, find_model(state)
    if folder is None or folder.model is None or now is None:
        return False
    return replace(now, request=folder.model.request) == folder.model


def find_tile_work(state: AppState) -> Work | None:
    """Return the next tile to score; None where no score is wanted."""
    folder = state.folder
    if folder is None or not folder.running or not can_go_on(state):
        return None
    tile = folder.find_next()
    if tile is None or folder.model is None:
        return None
    return Work("tiles", folder.model.request, tile=tile.source)


def start(state: AppState, event: events.FolderOpened) -> AppState:
    """Return the state that lists another folder, and scores its tiles."""
    return _score(replace(state, folder=event.folder), events.FolderScored())


def accept_score(state: AppState, score: TileScore) -> AppState:
    """Return the state with the score of one more tile."""
    folder = state.folder
    if folder is None or all(tile.source != score.source for tile in folder.tiles):
        return state
    known = replace(folder, scores={**folder.scores, score.source: score})
    return replace(state, folder=replace(known, running=known.find_next() is not None))


def stopped(folder: ScoredFolder | None) -> ScoredFolder | None:
    """Return a folder of which no more scores are wanted."""
    return folder and (replace(folder, running=False) if folder.running else folder)


def _score(state: AppState, _: events.FolderScored) -> AppState:
    """Score with the model of the controls, or go on with it."""
    folder, now = state.folder, find_model(state)
    if folder is None or now is None or state.opened is None:
        return state
    why = _find_reason(state)
    if why:
        message = Message(why, kind="warning")
        return replace(state, folder=stopped(folder), message=message)
    complete = folder.find_next() is None
    scores = folder.scores if folder.model == now and not complete else {}
    again = replace(folder, model=now, scores=scores, running=True)
    return replace(state, folder=again, paused=False)


def _find_reason(state: AppState) -> str:
    """Return why the model of the controls cannot score tiles; empty if it can."""
    if state.opened is not None and state.opened.model.task != "nuclei":
        return NO_NUCLEI
    untrained = state.request.recovery == "finetune" and not state.current
    return _UNTRAINED if untrained else ""


def _stop(state: AppState, _: events.FolderStopped) -> AppState:
    folder = stopped(state.folder)
    return state if folder is state.folder else replace(state, folder=folder)


def _close(state: AppState, _: events.FolderClosed) -> AppState:
    return state if state.folder is None else replace(state, folder=None)


CHANGES: Mapping[type[events.Event], Callable[[AppState, Any], AppState]] = {
    events.FolderOpened: start,
    events.FolderScored: _score,
    events.FolderStopped: _stop,
    events.FolderClosed: _close,
}
