"""The store under everything that may happen to a file."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.errors import StoreError
from core.store import FORMAT, TrialStore

ROOT = Path(__file__).parents[3]

_WRITER = """
import sys
from tests.core.store.conftest import make_record
from core.store import TrialStore

with TrialStore(sys.argv[1]) as store:
    first, last = int(sys.argv[2]), int(sys.argv[3])
    for seed in range(first, last):
        added = store.add(make_record(seed=seed))
        print(seed, int(added), flush=True)
"""


def writer(path, first, last):
    """Start a process that adds records and tells of each once it is kept."""
    command = [sys.executable, "-c", _WRITER, path, str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True)


def test_add_get_and_order(tmp_path, make_record):
    records = [make_record(each) for each in (0.5, 0.1, 0.9)]
    with TrialStore(tmp_path / "a.sqlite") as store:
        assert [store.add(each) for each in records] == [True] * 3
        assert store.add(records[0]) is False
        assert len(store) == 3
        key = records[1].trial.key
        assert key in store
        assert "nothing" not in store
        assert store.get(key).to_json() == records[1].to_json()
        assert store.get("nothing") is None
        assert store.keys() == {each.trial.key for each in records}
    with TrialStore(tmp_path / "a.sqlite") as store:
        assert [each.trial.request.sparsity for each in store.records()] == [
            0.5, 0.1, 0.9,
        ]  # fmt: skip
        assert store.set_aside is None


def test_first_result_of_a_trial_stays(tmp_path, make_record):
    with TrialStore(tmp_path / "a.sqlite") as store:
        store.add(make_record(plan_hash="first"))
        store.add(make_record(plan_hash="second"))
        assert next(store.records()).plan_hash == "first"


def test_no_resume(tmp_path, make_record):
    path = tmp_path / "a.sqlite"
    with TrialStore(path, resume=False) as store:
        store.add(make_record())
    with pytest.raises(StoreError, match="already holds trials; resume it"):
        TrialStore(path, resume=False)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
def test_killed_fifty_times(tmp_path):
    """Whatever the moment, all that was reported as kept is there after."""
    path = tmp_path / "a.sqlite"
    rng = np.random.default_rng(5)
    kept, first = set(), 0
    for number in range(50):
        # the first kills fall into the opening of the file, later ones anywhere
        lines = 0 if number < 5 else int(rng.integers(1, 12))
        child = writer(path, first, first + 1000)
        for _ in range(lines):
            kept.add(int(child.stdout.readline().split()[0]))
        child.send_signal(signal.SIGKILL)
        rest, _ = child.communicate()
        # what it had said before it died counts; a torn last line does not
        kept |= {int(line.split()[0]) for line in rest.splitlines() if " " in line}
        assert child.returncode == -signal.SIGKILL
        with TrialStore(path) as store:
            assert store.set_aside is None
            found = {each.trial.request.seed for each in store.records()}
        assert kept <= found
        assert len(found - kept) <= number + 1  # kept, but killed before saying so
        first = max(found, default=-1) + 1
    assert len(kept) > 100


def test_two_processes_write_at_once(tmp_path):
    path = tmp_path / "a.sqlite"
    children = [writer(path, 0, 150), writer(path, 100, 250)]
    outputs = [child.communicate()[0] for child in children]
    assert [child.returncode for child in children] == [0, 0]
    with TrialStore(path) as store:
        seeds = [each.trial.request.seed for each in store.records()]
    assert sorted(seeds) == list(range(250))
    added = [line.endswith("1") for text in outputs for line in text.splitlines()]
    assert added.count(True) == 250  # each shared trial was kept once


def test_full_disk(tmp_path, make_record):
    path = tmp_path / "a.sqlite"
    with TrialStore(path) as store:
        store.add(make_record(seed=0))
        pages = store._db.execute("PRAGMA page_count").fetchone()[0]
        store._db.execute(f"PRAGMA max_page_count = {pages + 2}")
        many = [make_record(seed=seed) for seed in range(1, 1000)]
        with pytest.raises(StoreError, match="disk is full; free some space"):
            any(not store.add(each) for each in many)
        count = len(store)
        assert 1 <= count < 1000
        assert len(list(store.records())) == count
        store._db.execute("PRAGMA max_page_count = 100000")
        assert store.add(make_record(seed=1000))
    with TrialStore(path) as store:
        assert len(store) == count + 1


def test_newer_version_is_not_touched(tmp_path, make_record):
    path = tmp_path / "a.sqlite"
    with TrialStore(path) as store:
        store.add(make_record())
        store._db.execute(f"PRAGMA user_version = {FORMAT + 1}")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer version \(format 2.*update"):
        TrialStore(path)
    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.sqlite"]


def test_database_of_another_program_is_not_touched(tmp_path):
    path = tmp_path / "a.sqlite"
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE mine (x)")
    db.commit()
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        TrialStore(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("how", ["overwritten", "text", "cut"])
def test_damaged_store_is_kept_aside(tmp_path, make_record, how):
    path = tmp_path / "a.sqlite"
    with TrialStore(path) as store:
        for seed in range(60):
            store.add(make_record(seed=seed))
    data = bytearray(path.read_bytes())
    if how == "overwritten":
        data[8192:20480] = b"\xff" * 12288
    elif how == "text":
        data[:] = b"this was a store" * 300
    else:
        data = data[: len(data) // 2]
    path.write_bytes(data)
    with TrialStore(path) as store:
        assert store.set_aside == tmp_path / "a.damaged-1.sqlite"
        assert store.set_aside.read_bytes() == data
        assert len(store) == 0
        store.add(make_record())
    path.write_bytes(b"again" * 100)
    with TrialStore(path) as store:
        assert store.set_aside.name == "a.damaged-2.sqlite"


def test_a_file_that_is_no_store_by_its_name_is_left_alone(tmp_path):
    path = tmp_path / "thesis.docx"
    path.write_text("years of work " * 100)
    with pytest.raises(StoreError, match="is not a store"):
        TrialStore(path)
    assert path.read_text() == "years of work " * 100


def test_empty_file_becomes_a_store(tmp_path, make_record):
    (tmp_path / "a.sqlite").touch()
    with TrialStore(tmp_path / "a.sqlite") as store:
        assert store.add(make_record())


def test_places_that_cannot_be(tmp_path, monkeypatch):
    with pytest.raises(StoreError, match="is a folder"):
        TrialStore(tmp_path)
    with pytest.raises(StoreError, match="does not exist; make it"):
        TrialStore(tmp_path / "no" / "a.sqlite")

    def refuse(*_, **__):
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr("sqlite3.connect", refuse)
    with pytest.raises(StoreError, match="cannot be written; choose a folder"):
        TrialStore(tmp_path / "a.sqlite")


def test_r14_a_name_of_sqlite_is_a_file_like_any_other(
    tmp_path, make_record, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    with TrialStore(":memory:") as store:
        store.add(make_record())
    assert (tmp_path / ":memory:").is_file()
    with TrialStore(":memory:") as store:
        assert len(store) == 1
