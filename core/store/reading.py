"""Reading a store that may belong to another machine, or to a running sweep.

Nothing is written, repaired or renamed here, unlike in `core.store.database`.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.errors import StoreError
from core.store.database import APPLICATION, FORMAT
from core.store.records import Record

_BUSY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in the order they were added.

    Parameters
    ----------
    records
        New ones.
    last
        Hand it to the next `read_store`, which then goes on from there.
    """

    records: tuple[Record, ...]
    last: int


def read_store(path: str | Path, after: int = 0) -> Batch:
    """Read the records of a store without changing it.

    Parameters
    ----------
    path
        Of the store; another process may be writing to it.
    after
        `Batch.last` of an earlier call, to get what was added since.

    Raises
    ------
    StoreError
        When there is no such file, it is no store, or from a newer version.
    """
    path = Path(path)
    if not path.is_file():
        raise StoreError(f"{path} does not exist; choose a store of a sweep.")
    try:
        with closing(_connected(path)) as db:
            _check(path, db)
            rows = db.execute(
                "SELECT rowid, record FROM trials WHERE rowid > ? ORDER BY rowid",
                (after,),
            ).fetchall()
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise StoreError(
            f"{path.name} cannot be read ({error}); choose another store."
        ) from error
    records = tuple(Record.from_json(text) for _, text in rows)
    return Batch(records, rows[-1][0] if rows else after)


def _connected(path: Path) -> sqlite3.Connection:
    uri = path.absolute().as_uri()
    db = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
    try:
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        db.close()
        if "unable to open" not in str(error) or Path(f"{path}-wal").exists():
            raise
        # a medium that cannot be written, where SQLite's own files cannot be made
        return sqlite3.connect(f"{uri}?immutable=1", uri=True)
    except BaseException:
        db.close()
        raise
    return db


def _check(path: Path, db: sqlite3.Connection) -> None:
    owner = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if owner != APPLICATION:
        raise StoreError(f"{path.name} is no store of a sweep; choose another file.")
    if version > FORMAT:
        raise StoreError(
            f"{path.name} was written by a newer version (format {version}, this one "
            f"knows {FORMAT}); update PruneScope."
        )
