"""A session that survives what happens to programs: written while the window is open.

Start from `Autosave`; `find_slot` says where.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QLockFile, QObject, Qt, Signal, Slot

from app.state.app_state import AppState, Message
from app.state.events import MessageShown
from app.state.session.saved_session import SavedSession
from app.state.session.session_file import (
    read_session,
    to_session,
    write_session,
)
from app.state.session.sources import SESSION_ENDING
from app.state.store import Store
from app.state.timers import single_shot
from core.errors import InputError
from core.files import set_aside

SAVE_MS = 2000  # what is younger is lost in a crash
_WAITS = 5  # how often a running measurement is let be
_SLOTS = 32  # windows at once
_TRIES = 2  # of a session that ended the program while it was opened

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionSlot:
    """Where one window keeps its session; no other window uses it meanwhile.

    Parameters
    ----------
    path
        Of the session file.
    lock
        Held until the window is closed; that of a killed process counts for nothing.
    session
        What the last window left there; None where there is nothing.
    notice
        A sentence about a file that cannot be used, and was set aside.
    """

    path: Path
    lock: QLockFile
    session: SavedSession | None = None
    notice: str = ""


def find_slot(folder: Path, *, fresh: bool = False) -> SessionSlot | None:
    """Take the first place for a session that no window uses.

    Parameters
    ----------
    folder
        Made when it is not there.
    fresh
        Whether something else is to be opened: the session of a window that was not
        closed then stays where it is, for the next start.

    Returns
    -------
    SessionSlot or None
        None where nothing can be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    for number in range(1, _SLOTS + 1):
        path = folder / f"session-{number}{SESSION_ENDING}"
        lock = QLockFile(str(path.with_suffix(".lock")))
        lock.setStaleLockTime(0)  # held as long as the process lives, however long
        if not lock.tryLock(0):
            if lock.error() == QLockFile.LockError.PermissionError:
                return None
            continue
        session, notice = _read(path)
        if fresh and session is not None and not session.closed:
            lock.unlock()
            continue
        return SessionSlot(path, lock, session, notice)
    return None


def _read(path: Path) -> tuple[SavedSession | None, str]:
    """Read the session of last time; one that cannot be used is set aside."""
    if not path.exists():
        return None, ""
    try:
        session = read_session(path)
    except InputError as error:
        return None, f"{str(error).partition(':')[0]}. {keep_aside(path)}".strip()
    if not session.closed and session.tries >= _TRIES:
        words = "The session of last time ended the program when it was opened."
        return None, f"{words} {keep_aside(path)}".strip()
    return session, ""


def keep_aside(path: Path) -> str:
    """Rename a session that nobody opens; return a sentence that says where it is."""
    kept = set_aside(path)
    return f"It is kept as {kept}." if kept else ""


class Autosave(QObject):
    """Writes the session of a window, a moment after each change.

    The state is frozen, so a thread of its own turns it into text and writes it; the
    window waits for nothing but the last time, when it closes.

    Parameters
    ----------
    store
        Owner of the state.
    slot
        Where to.
    parent
        Qt owner.
    """

    failed = Signal(str)

    def __init__(
        self, store: Store, slot: SessionSlot, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store, self._slot = store, slot
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="autosave")
        self._waited = 0
        self._told = self._closed = False
        self._unread = False  # what the last window left is still to be opened
        self._timer = single_shot(self, SAVE_MS, self._begin)
        self.failed.connect(self._tell, Qt.ConnectionType.QueuedConnection)
        store.changed.connect(self._on_changed)

    @property
    def slot(self) -> SessionSlot:
        """Where the session is kept."""
        return self._slot

    def begin_restoring(self, session: SavedSession) -> None:
        """Note that the session is about to be opened.

        It is not written over until it is on show; and what ends the program each
        time it is opened is not opened for ever.
        """
        self._unread = True
        if not session.closed:
            self._write(replace(session, tries=session.tries + 1))

    def restored(self) -> None:
        """Note that what the last window left is on show, or was set aside."""
        self._unread = False

    @Slot(object, object)
    def _on_changed(self, old: AppState, new: AppState) -> None:
        if _differs(old, new) and not self._timer.isActive():
            self._timer.start()

    def _begin(self) -> None:
        """Hand the newest state to the thread."""
        state = self._store.state
        if state.opened is None or state.opening is not None or self._closed:
            return
        measures = state.work is not None and state.work.measures
        if measures and self._waited < _WAITS:
            self._waited += 1  # two programs at once would spoil a measurement
            self._timer.start()
            return
        self._waited = 0
        self._make_room()
        self._pool.submit(self._save, state)

    def save_now(self, *, closed: bool = False) -> None:
        """Write the newest state and wait for it: the program may end at any moment."""
        state = self._store.state
        if state.opened is None or self._closed:
            return
        self._make_room()
        self._pool.submit(self._save, state, closed=closed).result()

    def close(self) -> None:
        """Write a last time, and let another window have the place."""
        if self._closed:
            return
        self._timer.stop()
        self.save_now(closed=True)
        self._closed = True
        self._pool.shutdown()
        self._slot.lock.unlock()

    def _make_room(self) -> None:
        """Set aside what was never opened."""
        if self._unread:
            self._unread = False
            keep_aside(self._slot.path)

    def _save(self, state: AppState, *, closed: bool = False) -> None:
        """Write a state (on the thread, one after the other)."""
        try:
            self._write(to_session(state, closed=closed))
        except Exception:  # a fault must not stop the next one
            log.exception("the session could not be kept")
            self.failed.emit("The session cannot be kept: see the log.")

    def _write(self, session: SavedSession) -> None:
        path = self._slot.path
        try:
            write_session(path, session)
        except OSError as error:
            reason = error.strerror or str(error)
            self.failed.emit(
                f"The session cannot be kept in {path} ({reason}): save it elsewhere "
                "with File, Save session as."
            )

    @Slot(str)
    def _tell(self, sentence: str) -> None:
        if not self._told:  # once, not every two seconds
            self._told = True
            self._store.dispatch(MessageShown(Message(sentence, kind="warning")))


def _differs(old: AppState, new: AppState) -> bool:
    """Return whether a session file would be another one."""
    return (
        old.trials is not new.trials
        or old.panes is not new.panes
        or old.history is not new.history
        or old.display is not new.display
        or old.plots is not new.plots
        or old.opened is not new.opened
        or (old.active, old.lock, old.tuning) != (new.active, new.lock, new.tuning)
    )
