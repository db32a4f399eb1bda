"""A file of trials that survives what happens to programs.

SQLite in write-ahead mode: each record is one transaction, so a process may be
killed at any moment and loses at most the trial it was running, and two
processes may write to one file. Start with `TrialStore`.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from core.errors import StoreError
from core.store.records import Record

FORMAT = 1
"""Version of the file's layout; a file with a higher one is not touched."""

APPLICATION = 0x50535043
"""Marks a file as ours: "PSPC"."""

_BUSY_SECONDS = 30.0
_WAL_SECONDS = 3.0  # in which another process may change the journal itself
_SUFFIXES = (".sqlite", ".sqlite3", ".db")
_TABLE = """
CREATE TABLE IF NOT EXISTS trials (
    key TEXT PRIMARY KEY,
    created TEXT NOT NULL,
    status TEXT NOT NULL,
    model TEXT NOT NULL,
    heuristic TEXT NOT NULL,
    scope TEXT NOT NULL,
    count TEXT NOT NULL,
    recovery TEXT NOT NULL,
    sparsity REAL NOT NULL,
    seed INTEGER NOT NULL,
    plan_hash TEXT NOT NULL,
    record TEXT NOT NULL
)
"""

_T = TypeVar("_T")


class TrialStore:
    """Trials in one file.

    Parameters
    ----------
    path
        Made when it does not exist. A damaged store is renamed, never written
        over; `set_aside` then says to what.
    resume
        With False, a store that already holds trials is refused.

    Raises
    ------
    StoreError
        When the file is no store, comes from a newer version, or cannot be
        read or written.
    """

    def __init__(self, path: str | Path, *, resume: bool = True) -> None:
        self.path = Path(path)
        self.set_aside: Path | None = None
        self._check_place()
        try:
            self._db = self._open()
        except _Damaged:
            self.set_aside = _move_aside(self.path)
            self._db = self._open()
        if not resume and len(self):
            self.close()
            raise StoreError(
                f"{self.path.name} already holds trials; "
                "resume it, or choose another file."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; what was added is in it, and in no other file."""
        with suppress(sqlite3.Error):  # closed before, or another program reads it
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()

    def add(self, record: Record) -> bool:
        """Keep a record for good; returns False when its trial was there.

        Raises
        ------
        StoreError
            When the disk is full or cannot be written; the store stays
            readable.
        """
        request, trial = record.trial.request, record.trial
        row = (
            trial.key,
            record.created,
            record.status,
            trial.model,
            request.heuristic,
            request.scope,
            request.count,
            request.recovery,
            request.sparsity,
            request.seed,
            record.plan_hash,
            record.to_json(),
        )
        marks = ",".join("?" * len(row))
        with self._told():
            cursor = self._db.execute(
                f"INSERT OR IGNORE INTO trials VALUES ({marks})", row
            )
            # so that a copy of this file alone has every trial, even after a kill
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        return cursor.rowcount > 0

    def __contains__(self, key: object) -> bool:
        return bool(self._rows("SELECT 1 FROM trials WHERE key = ?", key))

    def __len__(self) -> int:
        return int(self._rows("SELECT count(*) FROM trials")[0][0])

    def get(self, key: str) -> Record | None:
        """Return the record of a trial, or None."""
        found = self._rows("SELECT record FROM trials WHERE key = ?", key)
        return Record.from_json(found[0][0]) if found else None

    def keys(self) -> frozenset[str]:
        """Names of all trials."""
        return frozenset(row[0] for row in self._rows("SELECT key FROM trials"))

    def records(self) -> Iterator[Record]:
        """All records in the order they were added."""
        for (text,) in self._rows("SELECT record FROM trials ORDER BY rowid"):
            yield Record.from_json(text)

    def _rows(self, query: str, *values: object) -> list[tuple[str, ...]]:
        with self._told():
            return self._db.execute(query, values).fetchall()

    def _check_place(self) -> None:
        if self.path.is_dir():
            raise StoreError(f"{self.path} is a folder; name a file in it.")
        if not self.path.parent.is_dir():
            raise StoreError(f"{self.path.parent} does not exist; make it first.")

    def _open(self) -> sqlite3.Connection:
        with self._told():
            fresh = not self.path.exists() or self.path.stat().st_size == 0
            place = self.path.absolute()  # ":memory:" is a name like any other here
            db = sqlite3.connect(place, timeout=_BUSY_SECONDS, isolation_level=None)
            try:
                if not fresh:
                    self._check_content(db)
                _patiently(lambda: _prepare(db))
            except BaseException:
                db.close()
                raise
        return db

    def _check_content(self, db: sqlite3.Connection) -> None:
        """Refuse other people's files and newer ones; notice damage."""
        try:
            owner, version, tables = _identity(db)
            if owner == 0 and tables == 0:
                return  # another process is just making it
            if owner != APPLICATION:
                raise StoreError(
                    f"{self.path.name} is a database of another program; "
                    "choose another file."
                )
            if version > FORMAT:
                raise StoreError(
                    f"{self.path.name} was written by a newer version (format "
                    f"{version}, this one knows {FORMAT}); update PruneScope, or "
                    "choose another file."
                )
            verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.OperationalError:
            raise
        except (sqlite3.DatabaseError, UnicodeDecodeError):  # of its own messages
            verdict = "unreadable"
        if verdict != "ok":
            if self.path.suffix.lower() in _SUFFIXES:
                raise _Damaged
            raise StoreError(f"{self.path.name} is not a store; choose another file.")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Put what SQLite reports into a sentence."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            text = str(error)
            name = self.path.name
            if "full" in text:
                advice = "the disk is full; free some space and resume"
            elif "readonly" in text or "unable to open" in text:
                advice = "it cannot be written; choose a folder you may write to"
            elif "locked" in text or "busy" in text:
                advice = "another program keeps it locked; close that and resume"
            else:
                advice = f"{text}; check the disk, or start a new store"
            raise StoreError(f"{name} could not be used: {advice}.") from error
        except OSError as error:
            raise StoreError(
                f"{self.path.name} could not be used: {error.strerror or error}; "
                "choose another place."
            ) from error


class _Damaged(Exception):  # noqa: N818 - never leaves this module
    """The file was a store and can no longer be read."""


def _identity(db: sqlite3.Connection) -> tuple[int, int, int]:
    owner = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    return int(owner), int(version), int(tables)


def _prepare(db: sqlite3.Connection) -> None:
    """Set the connection up and make the table, whoever comes first."""
    choose_journal(db)
    db.execute("PRAGMA synchronous = FULL")
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.execute(f"PRAGMA user_version = {FORMAT}")
        db.execute(_TABLE)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def choose_journal(db: sqlite3.Connection) -> str:
    """Write ahead where the file system can, else keep a rollback journal.

    Network file systems often lack the shared memory or the locks of the first.

    Parameters
    ----------
    db
        Open, outside a transaction.

    Returns
    -------
    str
        ``"wal"`` or ``"delete"``.

    Raises
    ------
    sqlite3.OperationalError
        When another program keeps the file locked.
    """
    end = time.monotonic() + _WAL_SECONDS
    while True:
        try:
            mode = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError:
            if time.monotonic() > end:
                break
            time.sleep(0.01)
        else:
            if mode == "wal":
                return "wal"
            break
    return str(db.execute("PRAGMA journal_mode = DELETE").fetchone()[0])


def _patiently(work: Callable[[], _T]) -> _T:
    """Try again while another process changes the journal mode.

    SQLite does not wait by itself there.
    """
    end = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            return work()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)


def _move_aside(path: Path) -> Path:
    """Rename a damaged store and its journal; returns the new name."""
    number = 1
    while (
        target := path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")
    ).exists():
        number += 1
    path.rename(target)
    for end in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{path}{end}").rename(f"{target}{end}")
    return target
