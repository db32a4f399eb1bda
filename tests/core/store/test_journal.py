"""One file holds every trial, on file systems with and without shared memory."""

import shutil
import sqlite3

import pytest

from core.store import TrialStore, read_store
from core.store.database import choose_journal


@pytest.mark.parametrize("stop", ["closed", "killed"])
def test_a_copy_of_the_file_alone_has_every_trial(tmp_path, make_record, stop):
    place = tmp_path / "run.sqlite"
    store = TrialStore(place)
    other = sqlite3.connect(place)  # a window that reads meanwhile
    other.execute("SELECT count(*) FROM trials").fetchone()
    for seed in range(4):
        store.add(make_record(seed=seed))
    if stop == "closed":
        store.close()
    shutil.copy(place, tmp_path / "copy.sqlite")
    assert len(read_store(tmp_path / "copy.sqlite").records) == 4
    other.close()
    store.close()
    assert [each.name for each in tmp_path.glob("run.sqlite*")] == ["run.sqlite"]


def test_without_shared_memory_there_is_a_rollback_journal(tmp_path):
    place = (tmp_path / "run.sqlite").as_uri()
    db = sqlite3.connect(f"{place}?vfs=unix-dotfile", uri=True, isolation_level=None)
    assert choose_journal(db) == "delete"
    db.execute("CREATE TABLE t (x)")
    db.execute("INSERT INTO t VALUES (1)")
    db.close()


def test_where_there_is_it_writes_ahead(tmp_path):
    db = sqlite3.connect(tmp_path / "run.sqlite", isolation_level=None)
    assert choose_journal(db) == "wal"
    db.close()
