"""Sweeps from the command line, and a row of theirs again."""

import json

import pytest
import skimage
from PIL import Image

from app.cli.arguments import parse
from app.cli.commands import run
from core.store import read_json


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("data")
    (place / "images").mkdir()
    tissue = skimage.data.immunohistochemistry()
    for index in range(2):
        part = tissue[index * 64 : index * 64 + 64, 100:164]
        Image.fromarray(part).save(place / "images" / f"t{index}.png")
    return place


def test_any_row_of_any_file_runs_again(folder, tmp_path, capsys):
    store, exported = tmp_path / "a.sqlite", tmp_path / "a.json"
    words = f"sweep --model unet-tiny --data {folder} --heuristics l2,nonsense"
    words += f" --sparsities 0.5 --out {store} --json {exported}"
    assert run(parse(words.split())) == 0
    records = json.loads(exported.read_text())
    assert {each["status"] for each in records} == {"done", "impossible"}
    assert "2 trials computed, 0 found" in (said := capsys.readouterr().out)
    assert "1 of them left out" in said
    keys = [each.trial.key for each in read_json(exported)]

    def again(file, row, data=folder):
        words = f"repeat --store {file} --row {row} --data {data}"
        code = run(parse(words.split()))
        return code, capsys.readouterr()

    for record, key in zip(records, keys, strict=True):
        for file in (store, exported):
            code, said = again(file, key[:6])
            assert code == 0, said
            met = "could not be met either time: There is no heuristic"
            same = f"gave the same plan, {record['plan_hash']}, and scores on 2 tiles"
            assert (same if record["status"] == "done" else met) in said.out
    done, key = next(
        pair for pair in zip(records, keys, strict=True) if pair[0]["status"] == "done"
    )
    done["tiles"][0]["agreement"]["dice"] = 0.123
    exported.write_text(json.dumps([done]))
    code, said = again(exported, key)
    assert code == 1
    assert "and other scores" in said.out
    done["plan_hash"] = "0" * 16
    exported.write_text(json.dumps([done]))
    assert "gave another plan" in again(exported, key)[1].out
    for arguments, says in (
        ((store, "zz"), "has no trial 'zz'"),
        ((store, key, folder / "images" / "t0.png"), "not those of the record"),
        ((tmp_path / "no.sqlite", "a"), "does not exist"),
    ):
        code, said = again(*arguments)
        assert code == 2
        assert says in said.err
        assert said.err.count("\n") == 1
    assert not (tmp_path / "no.sqlite").exists()


@pytest.mark.parametrize("option", ["--csv", "--json"])
def test_where_nothing_can_be_written_is_said_first(folder, tmp_path, capsys, option):
    words = f"sweep --model unet-tiny --data {folder} --heuristics l2 --sparsities 0.5"
    words += f" --out {tmp_path / 'a.sqlite'} {option} {tmp_path / 'no' / 'a'}"
    assert run(parse(words.split())) == 2
    assert f"{tmp_path / 'no'} does not exist; make it first" in capsys.readouterr().err
    assert not (tmp_path / "a.sqlite").exists()
