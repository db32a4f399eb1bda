"""``prunescope prune`` for patch classifiers."""

import json
from dataclasses import replace

import numpy as np
import pytest
import skimage
import torch
from PIL import Image

from app.cli.arguments import parse
from app.cli.commands import run
from core.models import LoadedModel, load_model, save_model
from core.models.catalogue import entries
from core.models.resnet import ResNet18
from core.nuclei import to_input
from core.sweep import read_patches

KINDS = ("stroma", "tumour", "stroma")


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    torch.manual_seed(0)
    spec = replace(
        entries()["resnet18"].spec,
        name="small classifier",
        config={"classes": 2, "base": 4},
        classes=("stroma", "tumour"),
        window=(64, 64),
    )
    path = tmp_path_factory.mktemp("model") / "patches.safetensors"
    save_model(path, LoadedModel(ResNet18(classes=2, base=4).eval(), spec))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("data")
    tissue = skimage.data.immunohistochemistry()
    (place / "images").mkdir()
    for index in range(len(KINDS)):
        part = tissue[index * 70 : index * 70 + 64, 100:164]
        Image.fromarray(part).save(place / "images" / f"p{index}.png")
    rows = [f"p{index},{kind}" for index, kind in enumerate(KINDS)]
    (place / "labels.csv").write_text("\n".join(rows), encoding="utf-8")
    return place


def words(classifier, tile, *more):
    line = ["prune", "--model", str(classifier), "--tile", str(tile)]
    return parse([*line, "--heuristic", "l2", "--sparsity", "0.6", *more])


def test_a_folder_of_labelled_patches(classifier, folder, tmp_path, capsys):
    """The numbers are those of the network that was written."""
    out = tmp_path / "out"
    asked = words(classifier, folder, "--json", "--out", str(out))
    assert run(asked) == 0
    result = json.loads(capsys.readouterr().out)
    assert json.loads((out / "result.json").read_text()) == result
    again = load_model(str(out / "pruned.safetensors"))
    tiles = read_patches(str(folder)).tiles
    with torch.inference_mode():
        rows = [again.module(to_input(again, each.tile))[0] for each in tiles]
    shares = torch.stack(rows).softmax(1).numpy()
    each = result["patches"]["each"]
    assert [row["name"] for row in each] == ["p0", "p1", "p2"]
    assert [row["class"] for row in each] == list(KINDS)
    found = [row["pruned"]["probability"] for row in each]
    np.testing.assert_allclose(found, shares.max(1), atol=1e-5)
    truth = [again.spec.classes.index(kind) for kind in KINDS]
    accuracy = float((shares.argmax(1) == truth).mean())
    assert result["scores"]["pruned"]["accuracy"] == pytest.approx(accuracy)
    assert result["sparsity"]["params"] > 0.5
    assert "nuclei" not in result
    rows = (out / "patches.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in rows] == ["patch", "p0", "p1", "p2"]
    card = (out / "pruned.md").read_text(encoding="utf-8")
    assert "On 3 patches of " in card
    assert "| Balanced accuracy |" in card
    assert "AJI" not in card


def test_classes_can_be_named_on_the_command_line(classifier, folder, capsys):
    named = words(classifier, folder / "images" / "p0.png", "--classes", "fat,gland")
    assert run(named) == 0
    assert "p0: " in (text := capsys.readouterr().out)
    assert "fat" in text or "gland" in text
    assert "stroma" not in text
    assert run(words(classifier, folder, "--classes", "fat,gland,nerve")) == 2
    assert "3 different names and the model 2 classes" in capsys.readouterr().err


def test_names_of_classes_are_for_classifiers(capsys):
    assert run(words("unet", "sample:", "--classes", "fat,gland")) == 2
    assert "classifier of patches" in capsys.readouterr().err


def test_one_patch_for_people(classifier, folder, capsys):
    assert run(words(classifier, folder / "images" / "p0.png")) == 0
    text = capsys.readouterr().out
    assert "classes     " in text
    assert "of 1 changed" in text
    assert "  p0: " in text
    assert "agreement with dense: " in text
    assert "  Accuracy " in text
    assert "against truth" not in text


def test_truth_of_the_wrong_kind_is_one_line(classifier, folder, tmp_path, capsys):
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    for kind in ("images", "labels"):
        Image.fromarray(np.ones((64, 64), np.uint8)).save(tmp_path / kind / "a.png")
    label = tmp_path / "labels" / "a.png"
    patch = folder / "images" / "p0.png"
    for asked, says in (
        (words(classifier, tmp_path), "classifies whole tiles"),
        (words(classifier, patch, "--labels", str(label)), "labels.csv"),
        (words("unet-tiny", folder), "takes one tile"),
    ):
        assert run(asked) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert says in error
