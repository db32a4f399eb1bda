"""Sweeps of patch classifiers, over real tissue and a small ResNet."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from core.benchmark.tasks.class_labels import class_numbers, read_table
from core.errors import InputError
from core.job import Job
from core.metrics import score_patches
from core.models import load_model
from core.nuclei import to_input
from core.store import Record, TrialStore, read_json, write_csv, write_json
from core.sweep import Grid, read_folder, rerun, run_sweep
from core.sweep.evaluator import Subject

CLASSES = ("Stroma", "tumour", "Other")
KINDS = ("stroma", "Tumour", "other", "stroma", "tumour", "Other")


def with_table(folder, crops, rows):
    (folder / "images").mkdir(parents=True)
    for index, crop in enumerate(crops):
        Image.fromarray(crop).save(folder / "images" / f"p{index}.png")
    (folder / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def table(tmp_path_factory, crops):
    rows = ["name,class", *(f"p{i}.png,{kind}" for i, kind in enumerate(KINDS[:5]))]
    return with_table(tmp_path_factory.mktemp("data") / "t", crops, rows)


@pytest.fixture(scope="module")
def swept(classifier, table, tmp_path_factory):
    grid = Grid(
        models=(str(classifier),),
        data=table,
        heuristics=("l2", "reconstruction"),
        sparsities=(0.0, 0.5),
        timing=None,
    )
    with TrialStore(tmp_path_factory.mktemp("store") / "a.sqlite") as store:
        summary = run_sweep(grid, store)
        return grid, summary, list(store.records())


def test_a_table_gives_classes(table):
    found = read_folder(table)
    assert [each.target for each in found.tiles] == [*KINDS[:5], None]
    assert "1 of 6 tiles have no labels (p5 for one)" in found.notes[0]


def test_one_folder_for_each_class(tmp_path, crops):
    for index, crop in enumerate(crops):
        (tmp_path / KINDS[index].lower()).mkdir(exist_ok=True)
        # the same file name in several folders is no clash
        path = tmp_path / KINDS[index].lower() / f"p{index // 3}.png"
        Image.fromarray(crop).save(path)
    (tmp_path / "notes").mkdir()
    found = read_folder(tmp_path)
    names = [each.name for each in found.tiles]
    assert names == [
        "other/p0",
        "other/p1",
        "stroma/p0",
        "stroma/p1",
        "tumour/p0",
        "tumour/p1",
    ]
    assert all(each.name.startswith(f"{each.target}/") for each in found.tiles)
    assert found.notes == ()
    digest = found.digest
    (tmp_path / "other" / "p1.png").rename(tmp_path / "stroma" / "p9.png")
    assert read_folder(tmp_path).digest != digest


def test_scores_are_those_of_the_probabilities(swept, classifier, table):
    """Recompute every score of a record outside of the sweep."""
    _, summary, records = swept
    assert (summary.done, len(records)) == (4, 4)
    model, tiles = load_model(str(classifier)), read_folder(table).tiles
    truth = np.array([0, 1, 2, 0, 1])

    def shares(module):
        with torch.inference_mode():
            rows = [module(to_input(model, each.tile))[0].softmax(0) for each in tiles]
        return torch.stack(rows).numpy()

    dense = shares(model.module)
    subject = Subject(model, tiles)
    for record in records:
        plan = subject.plan(record.trial.request, Job())
        assert plan.hash == record.plan_hash
        pruned = shares(subject.prunable.build(record.trial.request, plan, Job()))
        for name, found in (("dense", dense), ("pruned", pruned)):
            expected = score_patches(truth, found[:5]).as_dict()
            for score, value in expected.items():
                assert record.mean(name, score) == pytest.approx(value, abs=1e-6)
        agreement = float((dense.argmax(1) == pruned.argmax(1)).mean())
        assert record.mean("agreement", "accuracy") == pytest.approx(agreement)
        assert record.overall["agreement"]["n"] == 6
        right = [tile.pruned["accuracy"] for tile in record.tiles[:5]]
        assert np.mean(right) == pytest.approx(record.mean("pruned", "accuracy"))
        assert record.tiles[5].pruned is None
    whole = [each for each in records if each.trial.request.sparsity == 0]
    assert all(each.mean("agreement", "accuracy") == 1 for each in whole)
    assert all(each.overall["agreement"]["changed"] == 0 for each in whole)


def test_scores_are_in_csv_and_json(swept, tmp_path):
    _, _, records = swept
    write_csv(records, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, record in zip(rows, records, strict=True):
        for name in ("accuracy", "balanced_accuracy", "f1", "auc", "ece"):
            assert float(row[f"pruned_{name}"]) == record.mean("pruned", name)
            assert row[f"agreement_{name}"] != "" or name == "auc"
        assert row["pruned_aji"] == ""
    write_json(records, tmp_path / "a.json")
    assert [each.to_json() for each in read_json(tmp_path / "a.json")] == [
        each.to_json() for each in records
    ]


def test_rows_run_again(swept, table):
    _, _, records = swept
    again = rerun(records[-1], read_folder(table))
    assert again.plan_hash == records[-1].plan_hash
    for name in ("tiles", "overall"):
        texts = [
            json.dumps(json.loads(each.to_json())[name])
            for each in (again, records[-1])
        ]
        assert texts[0] == texts[1]


def test_records_of_nuclei_are_written_as_before(swept):
    _, _, records = swept
    bare = replace(records[0], overall={})
    assert "overall" not in json.loads(bare.to_json())
    assert Record.from_json(bare.to_json()) == bare


def test_class_numbers():
    assert class_numbers({"TUMOUR", "stroma"}, CLASSES) == {"TUMOUR": 1, "stroma": 0}
    assert class_numbers({"0", "2"}, CLASSES) == {"0": 0, "2": 2}
    # a name that is a number goes before the number of an output
    assert class_numbers({"2", "1"}, ("2", "1")) == {"2": 0, "1": 1}
    for bad in ({"fat", "tumour"}, {"0", "3"}, {"0", "tumour"}, {"-1"}):
        with pytest.raises(InputError, match=r"knows no class '.*'; name"):
            class_numbers(bad, CLASSES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "names no patch"),
        ("name,class\n", "names no patch"),
        ("p0.png", "is not a name and a class"),
        ("p0.png,\n", "is not a name and a class"),
        ("p0.png,a\np0.tif,b\n", "gives p0 the classes a and b"),
    ],
)
def test_tables_that_are_none(tmp_path, text, says):
    (tmp_path / "labels.csv").write_text(text)
    with pytest.raises(InputError, match=says):
        read_table(tmp_path / "labels.csv")


def test_a_table_in_another_encoding(tmp_path):
    (tmp_path / "labels.csv").write_bytes("p0,Bindegewebsgefäß".encode("utf-16"))
    with pytest.raises(InputError, match="save it as CSV in UTF-8"):
        read_table(tmp_path / "labels.csv")


def test_ground_truth_of_the_wrong_kind(tmp_path, crops, classifier):
    orphan = with_table(tmp_path / "a", crops[:2], ["p0,Stroma", "p7,Other"])
    with pytest.raises(InputError, match="1 patches without an image, p7"):
        read_folder(orphan)
    both = with_table(tmp_path / "b", crops[:2], ["p0,Stroma"])
    (both / "labels").mkdir()
    with pytest.raises(InputError, match=r"both labels/ and labels.csv"):
        read_folder(both)
    tissue = read_folder(with_table(tmp_path / "c", crops[:2], ["p0,fat"])).tiles
    with pytest.raises(InputError, match="knows no class 'fat'"):
        Subject(load_model(str(classifier)), tissue)
    with pytest.raises(InputError, match="finds nuclei, but these tiles have tissue"):
        Subject(load_model("unet-tiny"), tissue)
    nuclei = (replace(tissue[0], labels=np.ones((64, 64), np.int32)),)
    with pytest.raises(InputError, match="classifies whole tiles"):
        Subject(load_model(str(classifier)), nuclei)
