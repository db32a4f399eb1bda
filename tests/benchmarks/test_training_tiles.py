"""Real types: reading, split, scores by data set, thresholds, patches of tissue."""

import json
import os
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from benchmarks.training import scores, thresholds, tiles, tissue, typed
from benchmarks.training.split import (
    CONSEP_VALIDATION,
    DSB_HELD_OUT,
    DSB_VALIDATION,
    TNBC_VALIDATION,
)
from benchmarks.training.tiles import TYPES, common_types, consep, patient_of
from benchmarks.training.tissue_patches import (
    CLASSES,
    FEW,
    balanced,
    patches_of,
    tissue_of,
)
from core.errors import InputError
from core.images.synthetic import TYPE_NAMES, synthetic_tile
from core.models import LoadedModel, load_model
from core.models.resnet import ResNet18
from core.training.data import Example
from core.training.targets import UNKNOWN, distance_map
from core.types import Prediction

DATA = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def data():
    if not DATA.is_dir():
        reason = "the tiles of ../shared/data are not here"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return DATA


def written(folder, name, labels, kinds):
    for part in ("images", "labels", "types"):
        (folder / part).mkdir(exist_ok=True)
    pixels = np.full((*labels.shape, 3), 200, np.uint8)
    cv2.imwrite(str(folder / "images" / f"{name}.png"), pixels)
    cv2.imwrite(str(folder / "labels" / f"{name}.png"), labels.astype(np.uint16))
    cv2.imwrite(str(folder / "types" / f"{name}.png"), kinds.astype(np.uint8))


def two_nuclei():
    labels = np.zeros((32, 32), np.int32)
    labels[2:10, 2:10], labels[20:28, 20:28] = 1, 2
    return labels


def test_consep_types_are_read_for_each_nucleus(tmp_path):
    labels = two_nuclei()
    written(tmp_path, "train_1", labels, np.array([0, 3, 2])[labels])

    (tile,) = consep(tmp_path)

    assert tile.name == "train_1"
    assert tile.classes.tolist() == [3, 2]


def test_a_type_that_consep_does_not_have_is_refused(tmp_path):
    labels = two_nuclei()
    written(tmp_path, "train_1", labels, np.array([0, 5, 2])[labels])
    with pytest.raises(InputError, match="type 5"):
        consep(tmp_path)
    (tmp_path / "types" / "train_1.png").unlink()
    with pytest.raises(InputError, match="no types of tile train_1"):
        consep(tmp_path)


def test_types_of_models_and_synthetic_tiles_get_the_numbers_of_consep():
    assert common_types(TYPES).tolist() == [0, 1, 2, 3, 4]
    named = dict(zip(TYPE_NAMES, common_types(TYPE_NAMES)[1:], strict=True))
    assert {n: TYPES[k - 1] for n, k in named.items()} == {
        "epithelial": "epithelial",
        "inflammatory": "inflammatory",
        "stromal": "spindle",
        "dead": "other",
    }
    assert common_types(("mitosis", "spindle")).tolist() == [0, 0, 4]

    _, labels, classes = synthetic_tile(96, 1000)
    (tile,) = tiles.synthetic(range(1000, 1001), 96)
    assert (tile.labels == labels).all()
    assert (tile.classes == common_types(TYPE_NAMES)[classes]).all()


def test_the_type_head_starts_with_the_nearest_types():
    model = load_model("demo")
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    with torch.inference_mode():
        before = model.module(image)["tp"]
        module, spec = typed.start(model)
        after = module(image)["tp"]

    assert spec.classes == TYPES
    assert torch.allclose(after[:, common_types(TYPE_NAMES).tolist()], before)
    with pytest.raises(ValueError, match="cannot be brought"):
        typed.start(LoadedModel(module, replace(spec, classes=("mitosis",))))


@pytest.mark.slow
def test_no_tile_is_in_two_parts_and_no_patient_of_the_test_is_learned_from(data):
    learned = [{e.name for e in group} for group in tiles.real_groups(data)]
    checked, tested = tiles.validation(data), tiles.test(data)

    assert [len(names) for names in learned] == [23, 19, 60]
    assert {e.name for e in checked["consep"]} == set(CONSEP_VALIDATION)
    assert {e.name for e in checked["tnbc"]} == set(TNBC_VALIDATION)
    assert {e.name for e in checked["dsb2018_stained"]} == set(DSB_VALIDATION)
    assert {e.name for e in tested["dsb2018_stained"]} == set(DSB_HELD_OUT)
    assert len(tested["consep"]) == 14
    assert [len(tested[f"tnbc patient {p}"]) for p in ("10", "11")] == [3, 3]
    names = [*learned, *({e.name for e in g} for g in checked.values())]
    names += [{e.name for e in g} for g in tested.values()]
    assert len(set().union(*names)) == sum(len(n) for n in names)
    assert {patient_of(n) for n in learned[1]} == {"01", "03", "05", "08"}


# scores


class Known:
    """A model whose predictions are given."""

    def __init__(self, monkeypatch, predictions, classes=TYPES):
        self.spec = replace(load_model("unet-tiny").spec, classes=classes)
        found = iter(predictions)
        monkeypatch.setattr(scores, "predict", lambda *_: next(found))


def example(name, labels, classes=None):
    pixels = np.zeros((*labels.shape, 3), np.uint8)
    return Example(name, pixels, labels, None if classes is None else np.array(classes))


def test_a_perfect_prediction_scores_one_whatever_its_names_for_types(monkeypatch):
    labels = two_nuclei()
    # epithelial and dead of the demo model are epithelial and other of CoNSeP
    found = Prediction(labels, np.array([1, 4]))
    model = Known(monkeypatch, [found, found], TYPE_NAMES)
    groups = {"consep": [example("a", labels, [3, 1]), example("b", labels, [3, 1])]}

    summary = scores.summary(scores.score_groups(model, groups)["consep"])

    for name in ("aji", "dice", "pq", "detection f1", "epithelial f1", "other f1"):
        assert summary[name] == (1, 1, 1)
    assert np.isnan(summary["spindle f1"]).all()


def test_intervals_hold_the_score_and_one_tile_has_none(monkeypatch):
    labels = two_nuclei()
    half, nothing = np.where(labels == 1, 1, 0), np.zeros_like(labels)
    predictions = [Prediction(m.astype(np.int32)) for m in (labels, half, nothing)]
    model = Known(monkeypatch, predictions, ())
    results = scores.score_groups(model, {"tnbc": [example(n, labels) for n in "abc"]})[
        "tnbc"
    ]

    summary = scores.summary(results)

    value, low, high = summary["pq"]
    assert value == pytest.approx((1 + 2 / 3) / 3)
    assert low < value < high
    assert summary["detection f1"][0] == pytest.approx(2 * 3 / (6 + 3))
    assert set(summary) == {"aji", "dice", "pq", "detection f1"}
    assert np.isnan(scores.summary(results[:1])["pq"][1:]).all()
    assert summary == scores.summary(results), "the same draws again"
    text = scores.table({"tnbc": summary, "one": scores.summary(results[:1])})
    assert "| tnbc | " in text
    assert "| one | 1.000 | 1.000 | 1.000 | 1.000 |" in text


# thresholds


def test_thresholds_that_read_better_are_chosen():
    _, labels, _ = synthetic_tile(128, 3)
    inside = (labels > 0).astype(np.float32)
    maps = {"np": 0.6 * inside + 0.2, "dist": distance_map(labels)}
    found = {"made": [thresholds.Case(maps, labels)]}
    spec = replace(load_model("demo").spec, threshold={"foreground": 0.9})

    steps = {"foreground": (0.1, 0.5, 0.95), "object": (0.3, 0.5)}
    best, reached = thresholds.choose(found, spec, steps)

    assert best.threshold["foreground"] == 0.5
    assert reached == thresholds.quality(found, best) > 0.7
    assert thresholds.quality(found, spec) == 0


# patches of tissue


def test_the_dominant_type_names_the_tissue():
    many = FEW + 8
    number = {name: TYPES.index(name) + 1 for name in TYPES}

    assert CLASSES[tissue_of(np.full(FEW - 1, 3))] == "few nuclei"
    for name in CLASSES[1:]:
        assert CLASSES[tissue_of(np.full(many, number[name]))] == name
    assert tissue_of(np.full(many, number["other"])) == UNKNOWN
    assert tissue_of(np.arange(many) % 3 + 2) == UNKNOWN, "a mixture"


def tissue_tile(name="train_1", kind=2, side=500):
    labels = np.zeros((side, side), np.int32)
    number = 0
    for row in range(10, side - 10, 50):
        for column in range(10, side - 10, 50):
            number += 1
            labels[row : row + 8, column : column + 8] = number
    return example(name, labels, [kind] * number)


def test_patches_cover_the_tile_at_half_its_resolution():
    tile = tissue_tile()
    found = list(patches_of(tile, 276))

    assert [e.name for e in found] == [
        f"train_1 {top} {left}" for top in (0, 52) for left in (0, 52)
    ]
    assert {CLASSES[e.patch] for e in found} == {"inflammatory"}
    assert found[0].pixels.shape == (224, 224, 3)
    assert not list(patches_of(tissue_tile(kind=1), 276)), "no class of tissue"


def test_every_class_is_drawn_equally_often():
    found = [*patches_of(tissue_tile(), 30), *patches_of(tissue_tile(kind=4), 276)]
    shares = dict.fromkeys(range(4), 0.0)
    for patch in balanced(found):
        shares[patch.patch] += patch.weight
    assert shares == pytest.approx({0: 0, 1: 1, 2: 0, 3: 1})


def test_the_classifier_is_scored_on_patches():
    found = [*patches_of(tissue_tile(), 276), *patches_of(tissue_tile(kind=4), 276)]
    torch.manual_seed(0)
    spec = tissue.spec_of(4)
    module = ResNet18(len(CLASSES), 4).eval()

    score = tissue.score(LoadedModel(module, spec), found)

    assert score.n == 8
    assert spec.classes == CLASSES
    assert 0 <= score.accuracy <= 1


# the runs themselves


@pytest.mark.slow
def test_a_run_on_real_types_saves_a_model_and_is_resumed(tmp_path, monkeypatch):
    _, labels, classes = synthetic_tile(64, 1)
    one = example("tile", labels, common_types(TYPE_NAMES)[classes])
    monkeypatch.setattr(typed, "training_groups", lambda _: [[one]] * 5)
    monkeypatch.setattr(typed, "SETTINGS", replace(typed.SETTINGS, batch=1))
    out, checkpoint = tmp_path / "typed.safetensors", tmp_path / "run.pt"
    given = ["--data", str(tmp_path), "--out", str(out), "--crop", "32"]
    given += ["--checkpoint", str(checkpoint), "--steps"]

    assert typed.main([*given, "1"]) == 0
    first = load_model(out).module.state_dict()
    assert typed.main([*given, "2"]) == 0

    second = load_model(out)
    assert second.spec.classes == TYPES
    name = "heads.tp.weight"
    assert not torch.equal(first[name], second.module.state_dict()[name])
    assert torch.load(checkpoint, weights_only=True)["step"] == 2


def test_a_run_of_the_tissue_classifier(tmp_path, monkeypatch, capsys):
    found = [*patches_of(tissue_tile(), 276), *patches_of(tissue_tile(kind=4), 276)]
    groups = dict.fromkeys(("train", "validation", "test"), found)
    monkeypatch.setattr(tissue, "patches", lambda _: groups)
    monkeypatch.setattr(tissue, "SETTINGS", replace(tissue.SETTINGS, batch=2, crop=64))
    out = tmp_path / "tissue.safetensors"

    given = ["--data", str(tmp_path), "--out", str(out), "--steps", "1"]
    assert tissue.main([*given, "--base", "4", "--test"]) == 0

    assert set(json.loads(capsys.readouterr().out)) == {"validation", "test"}
    assert load_model(out).spec.classes == CLASSES
