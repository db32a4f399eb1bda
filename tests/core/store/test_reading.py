"""Reading stores without changing them."""

import sqlite3

import pytest

from core.errors import StoreError
from core.store import FORMAT, TrialStore, read_json, read_store


def test_reads_on_from_where_it_was(tmp_path, make_record):
    path = tmp_path / "a.sqlite"
    with TrialStore(path) as store:
        for seed in range(3):
            store.add(make_record(seed=seed))
        first = read_store(path)  # while the writer is there
        assert [each.trial.request.seed for each in first.records] == [0, 1, 2]
        assert read_store(path, first.last).records == ()
        store.add(make_record(seed=3))
        second = read_store(path, first.last)
        assert [each.trial.request.seed for each in second.records] == [3]
        assert second.last > first.last
        assert second.records[0] == store.get(make_record(seed=3).trial.key)


def test_the_file_stays_as_it_is(tmp_path, make_record):
    path = tmp_path / "a.sqlite"
    with TrialStore(path) as store:
        store.add(make_record())
    before = path.read_bytes()
    read_store(path)
    assert path.read_bytes() == before


def test_what_is_no_store(tmp_path, make_record):
    with pytest.raises(StoreError, match="does not exist; choose a store"):
        read_store(tmp_path / "a.sqlite")
    text = tmp_path / "b.sqlite"
    text.write_text("not a store" * 300)
    with pytest.raises(StoreError, match="cannot be read"):
        read_store(text)
    assert text.read_text().startswith("not a store")  # not renamed either
    other = tmp_path / "c.sqlite"
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(StoreError, match="is no store of a sweep"):
        read_store(other)
    newer = tmp_path / "d.sqlite"
    with TrialStore(newer) as store:
        store._db.execute(f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(StoreError, match="written by a newer version"):
        read_store(newer)


def test_r9_a_store_of_odd_bytes_is_one_sentence(tmp_path, make_record):
    path = tmp_path / "a.sqlite"
    with TrialStore(path) as store:
        store.add(make_record())
    path.write_bytes(path.read_bytes().replace(b"CREATE", b"CRE\xffTE"))
    with pytest.raises(StoreError):
        read_store(path)
    with TrialStore(path) as store:
        assert store.set_aside is not None
        assert len(store) == 0


@pytest.mark.parametrize("text", ["1e309", "{}", "[1]", "null", "[" * 9])
def test_r9_a_table_that_is_no_list_of_trials_is_one_sentence(text, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(StoreError):
        read_json(path)
