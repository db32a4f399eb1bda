"""A session as a file: what is open, how it is set, and everything that was tried.

JSON through the one codec of the program, written whole beside its place and then
swapped. To read this file, start from `to_session`; `app.state.restoring` puts a
session back into the state.
"""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from app.state.app_state import AppState
from app.state.panes import find_arrangement
from app.state.session.saved_session import FORMAT, SavedPlots, SavedSession
from app.state.session.saved_trials import save_trial
from core.codec import MAX_ITEMS, from_plain, read_json, to_plain
from core.errors import BenchError, InputError
from core.files import write_whole
from core.options import split_model
from core.results.trials import to_finite
from core.sources import WITH_SAMPLES, Source
from core.tables import MAX_PANES, METRICS

_MOST_BYTES = 64 * 2**20
_MOST_RAW = 2000  # measurements that keep every repetition, a few kilobytes each


def to_session(state: AppState, *, closed: bool = False) -> SavedSession:
    """Return what a session file holds of a state in which something is open."""
    opened, story, plots = state.opened, state.story, state.plots
    assert opened is not None
    arrangement, display = find_arrangement(state), state.display
    if story.kept is not None:  # the demo view gives back what was set before
        arrangement, overlay, visible = story.kept
        display = replace(display, overlay=overlay, visible=visible)
    trials = state.trials[-MAX_ITEMS:]
    measured = [trial for trial in trials if trial.measured is not None]
    short = set(map(id, measured[:-_MOST_RAW]))
    return SavedSession(
        session=FORMAT,
        saved=datetime.now(UTC).isoformat(timespec="seconds"),
        model=_absolute_model(opened.model.source),
        tile=_absolute_tile(opened.source.pair),
        contents=opened.contents,
        calibration=_absolute_tile(opened.calibrated_on),
        panes=arrangement.requests,
        active=arrangement.active,
        lock=arrangement.lock,
        display=display,
        plots=SavedPlots(
            plots.score,
            plots.against,
            plots.choices,
            tuple(sorted(plots.hidden, key=repr)),
        ),
        tuning=state.tuning,
        past=state.history.past,
        future=state.history.future,
        trials=tuple(save_trial(each, raw=id(each) not in short) for each in trials),
        closed=closed,
    )


def session_text(session: SavedSession) -> str:
    """Return the text of a session file: JSON, undefined numbers null."""
    plain = to_finite(to_plain(session))
    return json.dumps(plain, separators=(",", ":"), allow_nan=False) + "\n"


def write_session(path: Path, session: SavedSession) -> None:
    """Write a session file, whole or not at all.

    Raises
    ------
    OSError
        When it cannot be written; the file before is as it was.
    """
    write_whole(path, session_text(session))


def read_session(path: Path) -> SavedSession:
    """Read a session file; nothing in it is executed.

    Raises
    ------
    InputError
        When it cannot be read or used; says why.
    """
    name = path.name
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        values = read_json(content, _MOST_BYTES)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot read the session {path} ({reason}): choose another file."
        ) from error
    except ValueError as error:
        raise InputError(
            f"{name} is no session ({error}): choose a file that Save session wrote."
        ) from error
    version = values.get("session") if isinstance(values, dict) else None
    if isinstance(version, int) and version > FORMAT:
        raise InputError(
            f"{name} was saved by a newer version (format {version}, this one knows "
            f"{FORMAT}): update PruneScope to open it."
        )
    if version != FORMAT:
        raise InputError(
            f"{name} is no session: choose a file that Save session wrote."
        )
    try:
        found = from_plain(SavedSession, values)
        _check(found)
    except ValueError as error:
        raise InputError(
            f"The session {name} cannot be used ({error}): choose another file."
        ) from error
    return found


def find_missing(session: SavedSession) -> str:
    """Return the file of a session that is not there; empty when all are."""
    model, tile = Source.of_model(session.model), Source.of_tile(session.tile)
    paths = [source.name for source in (model, tile) if not source.exists]
    if tile.labels and not Path(tile.labels).exists():
        paths.append(tile.labels)
    return paths[0] if paths else ""


def _check(session: SavedSession) -> None:
    """Refuse what the codec cannot know.

    Raises
    ------
    ValueError
        When something does not fit together.
    """
    if len(session.panes) > MAX_PANES:
        raise ValueError(f"it has {len(session.panes)} panes")
    for each in (session.arrangement, *session.past, *session.future):
        if not 0 <= each.active < len(each.requests):
            raise ValueError("it has no active pane")
    for name in (session.display.metric, session.plots.score):
        if name not in METRICS:
            raise ValueError(f"there is no score {name!r}")
    try:
        Source.of_tile(session.tile)
        split_model(session.model)
        session.plot_settings  # noqa: B018 - refuses keys that are none
    except BenchError as error:
        raise ValueError(str(error)) from error
    session.to_trials()


def _absolute_tile(text: str) -> str:
    """Return a tile's source that means the same in any working folder."""
    if text.startswith(WITH_SAMPLES):
        return WITH_SAMPLES + _absolute_tile(text.removeprefix(WITH_SAMPLES))
    source = Source.of_tile(text)
    if not text or source.path is None:
        return text
    labels = str(Path(source.labels).absolute()) if source.labels else ""
    return replace(source, name=str(source.path.absolute()), labels=labels).pair


def _absolute_model(text: str) -> str:
    """Return a model's source that means the same in any working folder."""
    name, options = split_model(text)
    if Source.of_model(text).kind != "file":
        return text
    return options.named(str(Path(name).absolute()))
