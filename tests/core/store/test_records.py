"""Records to JSON and back, and flat rows."""

import csv
import dataclasses
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import StoreError
from core.store import Record, TrialIdentity, read_json, to_row, write_csv, write_json
from core.types import PruneRequest


def test_json_round_trip(make_record):
    record = make_record()
    back = Record.from_json(record.to_json())
    assert back.to_json() == record.to_json()
    assert back.trial == record.trial
    assert back.pruned == record.pruned
    assert math.isnan(back.tiles[0].dense["pq"])
    assert back.tiles[1].dense is None
    assert "NaN" not in record.to_json()


def test_impossible_record(make_record):
    record = make_record(
        status="impossible", dense=None, pruned=None, tiles=(), latency=None, reason="x"
    )
    assert Record.from_json(record.to_json()) == record
    assert to_row(record)["params_dense"] == 0


@given(st.floats(0, 0.99), st.integers(0, 2**40), st.sampled_from(["l1", "l2"]))
def test_key_is_the_request(sparsity, seed, heuristic):
    request = PruneRequest(heuristic, sparsity, seed=seed)
    trial = TrialIdentity("demo", "w", "d", request)
    assert trial.key == TrialIdentity("elsewhere", "w", "d", request).key
    others = [
        dataclasses.replace(trial, weights="v"),
        dataclasses.replace(trial, data="e"),
        dataclasses.replace(trial, timing={"seconds": 1.0}),
        dataclasses.replace(trial, request=dataclasses.replace(request, scope="layer")),
        dataclasses.replace(trial, request=dataclasses.replace(request, seed=seed + 1)),
    ]
    assert len({each.key for each in [trial, *others]}) == 6


def test_key_does_not_change_between_versions():
    """Stored sweeps resume by it: changing this breaks every existing store."""
    key = TrialIdentity("demo", "w", "d", PruneRequest("l2", 0.5), {"seconds": 2.0}).key
    assert key == "e4cc927f41aff483bee49c923a86f083"


def test_mean_leaves_undefined_scores_out(make_record):
    record = make_record()
    assert record.mean("dense", "aji") == 0.5
    assert record.mean("agreement", "aji") == 0.75
    assert record.mean("agreement", "pq") == 0.75
    assert math.isnan(record.mean("dense", "pq"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"trial": {}}', "null", "3"])
def test_no_record(text):
    with pytest.raises(StoreError, match="cannot be read"):
        Record.from_json(text)


def test_csv(tmp_path, make_record):
    records = [make_record(0.5), make_record(0.25, status="impossible", dense=None)]
    path = tmp_path / "a.csv"
    assert write_csv(records, path) == 2
    with path.open(newline="") as file:
        first, second = csv.DictReader(file)
    assert first["heuristic"] == "l2"
    assert float(first["params_sparsity"]) == 0.5
    assert float(first["pruned_aji"]) == 0.25
    assert first["dense_pq"] == ""
    assert float(first["speedup_low"]) == 1.9
    assert second["status"] == "impossible"
    assert list(to_row(records[0])) == list(to_row(records[1]))
    assert [each.name for each in tmp_path.iterdir()] == ["a.csv"]


def test_json_export(tmp_path, make_record):
    records = (make_record(0.1), make_record(0.2))
    assert write_json(records, tmp_path / "a.json") == 2
    assert json.loads((tmp_path / "a.json").read_text())[0]["plan_hash"] == "abc"
    back = read_json(tmp_path / "a.json")
    assert [each.to_json() for each in back] == [each.to_json() for each in records]
    assert write_json([], tmp_path / "b.json") == 0
    assert read_json(tmp_path / "b.json") == ()


def test_export_that_cannot_be_written(tmp_path, make_record):
    with pytest.raises(StoreError, match="cannot be written"):
        write_csv([make_record()], tmp_path / "no" / "a.csv")
    with pytest.raises(StoreError, match="cannot be read"):
        read_json(tmp_path / "a.json")
    (tmp_path / "a.csv").write_text("before")

    def broken():
        yield make_record()
        raise StoreError("gone")

    with pytest.raises(StoreError, match="gone"):
        write_csv(broken(), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "before"
