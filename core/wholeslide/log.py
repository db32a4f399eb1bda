"""What is known of a run, patch by patch, in a file that survives its program.

SQLite in write-ahead mode: each patch is one transaction, so a process may be killed
at any moment and loses at most the patch it was working on. Results are added and
never changed; only the maps of patches, which are large and needed until the patches
around have been read, are let go when they have served.
"""

from __future__ import annotations

import io
import json
import sqlite3
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from core.errors import InputError, StoreError
from core.wholeslide.nuclei import PatchNuclei

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from core.nuclei import Maps

APPLICATION = 0x50535753
"""Marks a file as ours: "PSWS"."""

_TABLES = """
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS patches (
    number INTEGER PRIMARY KEY, seconds TEXT NOT NULL, maps BLOB
);
CREATE TABLE IF NOT EXISTS found (
    number INTEGER PRIMARY KEY, facts TEXT NOT NULL, dense BLOB NOT NULL, pruned BLOB
);
"""


class SlideLog:
    """The log of one slide; may be used from several threads.

    Parameters
    ----------
    path
        Made when it does not exist.
    identity
        Everything that decides the result; a log of another run is refused.

    Raises
    ------
    InputError
        When the file belongs to another run.
    StoreError
        When it cannot be read or written.
    """

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        self.path = path
        self._lock = threading.Lock()
        with self._told():
            self._db = sqlite3.connect(
                path, timeout=30, isolation_level=None, check_same_thread=False
            )
        try:
            with self._told():
                self._prepare(json.dumps(identity, sort_keys=True))
        except BaseException:
            self._db.close()
            raise

    def _prepare(self, identity: str) -> None:
        db = self._db
        owner = db.execute("PRAGMA application_id").fetchone()[0]
        tables = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if tables and owner != APPLICATION:
            raise InputError(
                f"{self.path.name} is a database of another program; choose another "
                "folder with --out."
            )
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")  # survives the process, not torn
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        db.executescript(_TABLES)
        row = ("identity", identity)
        db.execute("INSERT OR IGNORE INTO about VALUES (?, ?)", row)
        kept = db.execute("SELECT value FROM about WHERE key = 'identity'").fetchone()
        if kept[0] != identity:
            names = _differences(json.loads(kept[0]), json.loads(identity))
            raise InputError(
                f"{self.path.parent} holds a run with another {names}; choose another "
                "folder with --out."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; what was added is in it."""
        with self._lock:
            self._db.close()

    def add_patch(
        self, number: int, seconds: Mapping[str, Any], maps: Sequence[Maps]
    ) -> None:
        """Keep the maps of one patch, one set for each model."""
        row = (number, json.dumps(seconds), _pack(maps))
        self._write("INSERT OR IGNORE INTO patches VALUES (?, ?, ?)", row)

    def maps(self, number: int) -> list[Maps]:
        """Maps of a patch that was kept.

        Raises
        ------
        StoreError
            When they are gone or damaged.
        """
        rows = self._rows("SELECT maps FROM patches WHERE number = ?", number)
        if not rows or rows[0][0] is None:
            raise StoreError(
                f"{self.path.name} lacks patch {number}; delete its folder and run the "
                "slide again."
            )
        return _unpack(rows[0][0])

    def add_found(
        self,
        number: int,
        facts: Mapping[str, Any],
        nuclei: Sequence[PatchNuclei],
        done_with: Sequence[int],
    ) -> None:
        """Keep the nuclei of a patch, and let go of maps that have served."""
        blobs = [each.to_bytes() for each in nuclei]
        row = (number, json.dumps(facts), blobs[0], blobs[1] if blobs[1:] else None)
        with self._told(), self._lock:
            self._db.execute("BEGIN")
            try:
                self._db.execute("INSERT OR IGNORE INTO found VALUES (?, ?, ?, ?)", row)
                self._db.executemany(
                    "UPDATE patches SET maps = NULL WHERE number = ?",
                    [(each,) for each in done_with],
                )
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise

    def patches(self) -> dict[int, dict[str, Any]]:
        """Seconds of each patch that the networks have seen, by number."""
        rows = self._rows("SELECT number, seconds FROM patches ORDER BY number")
        return {number: json.loads(text) for number, text in rows}

    def facts(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Number and facts of each finished patch, in order."""
        for number, text in self._rows("SELECT number, facts FROM found ORDER BY 1"):
            yield number, json.loads(text)

    def nuclei(self, number: int, model: int = 0) -> PatchNuclei:
        """Nuclei of a patch by one model; none where it is not finished."""
        column = ("dense", "pruned")[model]
        rows = self._rows(f"SELECT {column} FROM found WHERE number = ?", number)
        if not rows or rows[0][0] is None:
            return PatchNuclei.gather(())
        return PatchNuclei.from_bytes(rows[0][0])

    def shrink(self) -> None:
        """Give the space of maps that have served back to the disk, if it can be."""
        with suppress(StoreError):  # a full disk: the results are in the file anyhow
            self._write("VACUUM", ())
            self._write("PRAGMA wal_checkpoint(TRUNCATE)", ())

    def _write(self, command: str, row: tuple[Any, ...]) -> None:
        with self._told(), self._lock:
            self._db.execute(command, row)

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with self._told(), self._lock:
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"{self.path} could not be used ({error}); free some space, or choose "
                "another folder with --out."
            ) from error


def _differences(kept: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    names = sorted(n for n in kept.keys() | asked.keys() if kept.get(n) != asked.get(n))
    return ", ".join(names)


def _pack(maps: Sequence[Maps]) -> bytes:
    file = io.BytesIO()
    arrays = {
        f"{number}.{name}": values
        for number, each in enumerate(maps)
        for name, values in each.items()
    }
    np.savez(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def _unpack(data: bytes) -> list[Maps]:
    found: dict[int, Maps] = {}
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        for key in arrays.files:
            number, _, name = key.partition(".")
            found.setdefault(int(number), {})[name] = arrays[key]
    return [found[number] for number in sorted(found)]
