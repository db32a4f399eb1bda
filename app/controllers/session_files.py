"""Sessions: opened, saved, listed, and restored at the start.

Start from `SessionFiles`.
"""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Slot

from app.controllers.autosave import Autosave, keep_aside
from app.controllers.controller import Controller
from app.state.app_state import AppState, Message
from app.state.events import MessageShown, SaveAsked, SessionDiscarded
from app.state.restoring import find_changed
from app.state.session.saved_session import SavedSession
from app.state.session.session_file import (
    find_missing,
    read_session,
    to_session,
    write_session,
)
from app.state.session.settings import Settings
from app.state.session.sources import SESSION_ENDING
from app.state.store import Store
from app.state.values import Opened, Saved
from app.text.format import counted
from app.views.main_window import dialogs
from app.views.main_window.window import Window
from core.errors import InputError
from core.options import split_model
from core.sources import DEFAULT_TILE, Source


class SessionFiles(QObject):
    """Answers the commands about sessions.

    Parameters
    ----------
    window
        Asks.
    store
        Owner of the state.
    controller
        Opens models and tiles.
    settings
        Keeps the recent ones.
    """

    def __init__(
        self, window: Window, store: Store, controller: Controller, settings: Settings
    ) -> None:
        super().__init__(window)
        self._window, self._store = window, store
        self._controller, self._settings = controller, settings
        self._autosave: Autosave | None = None
        self._path: Path | None = None  # where *Save session* writes
        self._asked: tuple[Path, SavedSession] | None = None  # being opened
        window.sessionAsked.connect(lambda path: self.open(Path(path)))
        window.sessionSaveAsked.connect(self.save)
        window.sessionPlaceAsked.connect(lambda: ask_place(window, store.state))
        window.set_recent_sessions(settings.recent_sessions)
        controller.openedChanged.connect(self._on_opened)

    def open(self, path: Path) -> bool:
        """Open a session file; returns whether it is one."""
        try:
            session = read_session(path)
            session = _beside(session, path)
            if missing := find_missing(session):
                raise InputError(
                    f"{path.name} needs {missing}, which is not there: put it back, or "
                    "beside the session."
                )
        except InputError as error:
            self._tell(Message(str(error)))
            return False
        self._begin(path, session)
        return True

    def save(self, path: str = "") -> None:
        """Save the session, where it was saved last or where the user says."""
        if self._store.state.opened is None:
            return
        if path:
            target = Path(path)
            target = target if target.suffix else target.with_suffix(SESSION_ENDING)
            self._write(target)
        elif self._path is not None:
            self._write(self._path)
        else:
            ask_place(self._window, self._store.state)

    def keep(self, autosave: Autosave) -> None:
        """Keep the session of the window from now on."""
        self._autosave = autosave
        self._window.closing.connect(autosave.close)
        if autosave.slot.notice:
            self._tell(Message(autosave.slot.notice, kind="warning"))

    def restore(self) -> bool:
        """Open what the last window left; returns whether there is anything."""
        slot = self._autosave.slot if self._autosave is not None else None
        if slot is None or slot.session is None or self._autosave is None:
            return False
        session, path = slot.session, slot.path
        self._autosave.begin_restoring(session)
        if missing := find_missing(session):
            self._autosave.restored()
            words = f"The session of last time needs {missing}, which is not there."
            self._tell(Message(f"{words} {keep_aside(path)}".strip(), kind="warning"))
            return False
        self._begin(path, session)
        if not session.closed:
            self._tell(_restored(session))
        return True

    def _begin(self, path: Path, session: SavedSession) -> None:
        self._asked = path, session
        self._controller.open(
            session.model,
            session.tile,
            calibration=session.calibration,
            kept=session,
        )

    def _write(self, path: Path) -> None:
        """Write the session on the worker, behind what it does now."""
        state = self._store.state

        def write(_: object) -> Saved:
            try:
                write_session(path, to_session(state, closed=True))
            except OSError as error:
                reason = error.strerror or str(error)
                raise InputError(
                    f"Cannot write {path} ({reason}): choose another place."
                ) from error
            return Saved(f"Saved the session as {path}.")

        self._store.dispatch(SaveAsked(write))
        self._take(path, state.opened)

    def _take(self, path: Path | None, opened: Opened | None) -> None:
        """Note where *Save session* writes, and list it."""
        self._path = path if opened is not None else None
        if path is not None:
            self._settings.add_recent_session(str(path.absolute()))
            self._window.set_recent_sessions(self._settings.recent_sessions)

    @Slot(object, object)
    def _on_opened(self, old: AppState, new: AppState) -> None:
        if new.opening is None and old.opening is not None and self._asked is not None:
            asked, self._asked = self._asked, None
            if old.opening.kept is asked[1] and new.opened is not old.opened:
                self._accept(*asked, new.opened)
                return
        if _is_other(old.opened, new.opened):
            self._path = None  # what is open now is not what the file holds

    def _accept(self, path: Path, session: SavedSession, opened: Opened | None) -> None:
        """Take note that a session is open."""
        changed = opened is None or find_changed(opened, session)
        own = self._autosave is not None and path == self._autosave.slot.path
        if not own:
            self._take(None if changed else path, opened)
        elif not changed and self._autosave is not None:
            self._autosave.restored()

    def _tell(self, message: Message) -> None:
        # queued: it may be said while the store tells of a change
        QTimer.singleShot(0, self, lambda: self._store.dispatch(MessageShown(message)))


def ask_place(window: Window, state: AppState) -> None:
    """Ask where to save the session."""
    opened = state.opened
    source = opened.source if opened else DEFAULT_TILE
    stem = Path(source.name).stem or "session"
    dialogs.ask_save(
        window,
        window.sessionSaveAsked.emit,
        f"{stem}{SESSION_ENDING}",
        dialogs.SESSIONS,
    )


def _is_other(old: Opened | None, new: Opened | None) -> bool:
    """Return whether another model or tile is open than before."""
    if old is None or new is None or old is new:
        return False
    return (old.model.source, old.source, old.calibrated_on) != (
        new.model.source,
        new.source,
        new.calibrated_on,
    )


def _beside(session: SavedSession, path: Path) -> SavedSession:
    """Return a session whose files are looked for beside it, where they are gone."""
    model, tile = Source.of_model(session.model), Source.of_tile(session.tile)
    if not model.exists and (found := path.parent / Path(model.name).name).exists():
        options = split_model(session.model)[1]
        session = replace(session, model=options.named(str(found.absolute())))
    if not tile.exists and (found := path.parent / Path(tile.name).name).exists():
        tile = replace(tile, name=str(found.absolute()))
    labels = path.parent / Path(tile.labels).name
    if tile.labels and not Path(tile.labels).exists() and labels.exists():
        tile = replace(tile, labels=str(labels.absolute()))
    moved = tile != Source.of_tile(session.tile)
    return replace(session, tile=tile.pair) if moved else session


def _restored(session: SavedSession) -> Message:
    """Return what is told about a session of a window that was not closed."""
    when = session.saved
    with suppress(ValueError, OverflowError):
        when = datetime.fromisoformat(when).astimezone().strftime("%Y-%m-%d %H:%M")
    tried = counted(len(session.trials), "model")
    return Message(
        f"PruneScope was not closed last time: restored from {when}, {tried} tried.",
        kind="info",
        offer=("Discard", SessionDiscarded()),
    )
