"""What opening a session changes in the state: pure functions."""

from dataclasses import replace
from pathlib import Path

from app.state import events
from app.state.app_state import AppState, Message, Pane
from app.state.history import History
from app.state.panes import arrange
from app.state.session.saved_session import SavedSession
from app.state.values import Opened
from core.results import Trial
from core.sources import Source
from core.types import PruneRequest


def restore_session(state: AppState, session: SavedSession) -> AppState:
    """Return the state with everything that a session holds.

    Parameters
    ----------
    state
        In which the model and the tile of the session have just been opened.
    session
        Its points are left out, with a sentence, where the model or the tile has
        changed since: they would be shown as those of something else.
    """
    opened = state.opened
    assert opened is not None
    changed = find_changed(opened, session)
    trials = () if changed else _named_as_open(session.to_trials(), opened)
    message = state.message
    if changed:
        count = len(session.trials)
        message = Message(
            f"{' and '.join(changed)} changed since the session was saved: its "
            f"{count} models tried are left out here, and stay in its file.",
            kind="warning",
        )
    return replace(
        arrange(state, session.arrangement),
        trials=trials,
        display=session.display,
        plots=session.plot_settings,
        tuning=session.tuning,
        history=session.history,
        message=message,
    )


def find_changed(opened: Opened, session: SavedSession) -> tuple[str, ...]:
    """Return the names of what is not what the session was saved with."""
    names = (
        Path(Source.of_model(session.model).name).name,
        Path(Source.of_tile(session.tile).name).name or "the sample tile",
    )
    pairs = zip(names, session.contents, opened.contents, strict=True)
    return tuple(name for name, old, new in pairs if old and new and old != new)


def _named_as_open(trials: tuple[Trial, ...], opened: Opened) -> tuple[Trial, ...]:
    """Return points named by what is open now: files may have moved since."""
    model, data = opened.model.source, opened.source.pair
    return tuple(
        replace(one, identity=replace(one.identity, model=model, data=data))
        for one in trials
    )


def discard_session(state: AppState, _: events.SessionDiscarded) -> AppState:
    """Return the state without what was restored: a tile opened for the first time."""
    return replace(
        state,
        panes=(Pane(_first_request(state.opened)),),
        active=0,
        lock="free",
        trials=(),
        recent=(),
        history=History(),
        todo=(),
        background=(),
        preview=None,
        message=None,
        moves=state.moves + 1,
        resting=False,
        paused=False,
    )


def _first_request(opened: Opened | None) -> PruneRequest:
    """Return what a window begins with."""
    heuristics = opened.heuristics if opened else ()
    usable = [each.name for each in heuristics if not each.needs]
    first = "reconstruction"
    return PruneRequest(first if first in usable or not usable else usable[0], 0.5)
