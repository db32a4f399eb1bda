"""One pruned classifier: classes and probabilities of patches."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from core.benchmark import Bench, PrunableModel, calibration_inputs
from core.errors import InputError
from core.latency import TimingSettings
from core.metrics import score_patches
from core.models import load_model, save_model
from core.nuclei import to_input
from core.sweep import read_patches
from core.types import FineTune, PruneRequest

KINDS = ("stroma", "tumour", "other", "stroma", "tumour", "other")
HALF = PruneRequest("l2", 0.5, recovery="refit")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, crops):
    """One folder for each class."""
    found = tmp_path_factory.mktemp("patches")
    for index, crop in enumerate(crops):
        (found / KINDS[index]).mkdir(exist_ok=True)
        Image.fromarray(crop).save(found / KINDS[index] / f"p{index}.png")
    return found


@pytest.fixture(scope="module")
def bench(classifier, folder):
    return Bench.open_tiles(
        load_model(str(classifier)), read_patches(str(folder)).tiles
    )


def probabilities(module, model, tiles):
    with torch.inference_mode():
        rows = [module(to_input(model, each.tile))[0] for each in tiles]
    return torch.stack(rows).double().softmax(1).numpy()


def test_classes_and_probabilities_are_the_networks(bench):
    """Against the two networks, run by hand."""
    found = bench.prune(HALF)
    model, tiles = bench.prunable.model, bench.task.tiles
    dense = probabilities(model.module, model, tiles)
    pruned = probabilities(bench.pruned(HALF)[0], model, tiles)
    assert found.counts.params < 0.6 * bench.dense.counts.params
    assert not np.allclose(dense, pruned)
    np.testing.assert_allclose([p.dense for p in found.patches], dense, atol=1e-6)
    np.testing.assert_allclose([p.pruned for p in found.patches], pruned, atol=1e-6)
    names = np.array(model.spec.classes)
    assert [p.before for p in found.patches] == names[dense.argmax(1)].tolist()
    assert [p.after for p in found.patches] == names[pruned.argmax(1)].tolist()
    first, kind = found.patches[0], dense[0].argmax()
    assert first.confidence == pytest.approx((dense[0, kind], pruned[0, kind]))
    moved = np.abs(dense - pruned).sum(1) / 2
    assert [p.shift for p in found.patches] == pytest.approx(moved, abs=1e-6)
    truth = np.array(
        [[n.casefold() for n in model.spec.classes].index(t.target) for t in tiles]
    )
    for known, shares in ((bench.dense.scores, dense), (found.scores, pruned)):
        expected = score_patches(truth, shares).as_dict()
        del expected["n"]
        assert known == pytest.approx(expected, abs=1e-6)
    # what a window draws: each patch is an instance of the sheet, in its class
    assert found.prediction.count == len(tiles)
    assert found.prediction.classes.tolist() == (pruned.argmax(1) + 1).tolist()
    changed = dense.argmax(1) != pruned.argmax(1)
    assert [p.changed for p in found.patches] == changed.tolist()
    assert found.changes.count("retyped").events == changed.sum()


def test_nothing_removed_changes_nothing(bench):
    found = bench.prune(PruneRequest("l2", 0.0, recovery="none"))
    assert max(each.shift for each in found.patches) == pytest.approx(0, abs=1e-6)
    assert found.agreement["accuracy"] == 1
    assert not any(each.changed for each in found.patches)
    assert all(each.before == each.after for each in found.patches)


def test_a_single_tile_with_labels_of_nuclei(bench, crops, tmp_path):
    """It has no class, so the dense network is what there is to compare with."""
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    Image.fromarray(crops[0]).save(tmp_path / "images" / "a.png")
    Image.fromarray(np.ones((64, 64), np.uint8)).save(tmp_path / "labels" / "a.png")
    single = str(tmp_path / "images" / "a.png")
    found = Bench.open_tiles(bench.prunable.model, read_patches(single).tiles).prune(
        HALF
    )
    assert found.scores is None
    assert [each.target for each in found.patches] == [None]
    assert read_patches("sample:synthetic").tiles[0].labels is None
    with pytest.raises(InputError, match="no use for a label image"):
        read_patches(f"{single}|{tmp_path / 'labels' / 'a.png'}")
    with pytest.raises(InputError, match="classifies whole tiles"):
        Bench.open_tiles(bench.prunable.model, read_patches(str(tmp_path)).tiles)


def test_fine_tuned_timed_and_saved(bench, tmp_path):
    """The saved network gives the probabilities that were reported."""
    tuning = FineTune(steps=2, minutes=0, device="cpu")
    request = PruneRequest("l2", 0.5, recovery="finetune", training=tuning)
    found = bench.prune(request)
    assert found.training is not None
    assert found.training["steps"] == 2
    timed = bench.compare(request, settings=TimingSettings(seconds=0.2, threads=1))
    assert timed.environment.inputs == ((1, 3, 64, 64),)
    model = bench.export(request)
    save_model(tmp_path / "a.safetensors", model, model.plan)
    again = load_model(str(tmp_path / "a.safetensors"))
    shares = probabilities(again.module, again, bench.task.tiles)
    np.testing.assert_allclose([p.pruned for p in found.patches], shares, atol=1e-5)


def test_large_tiles_are_calibrated_on_in_patches(bench, crops):
    """Multiply-accumulates are those of one patch, as the network learned it."""
    model = bench.prunable.model
    large = replace(bench.task.tiles[0].tile, pixels=np.tile(crops[0], (3, 5, 1)))
    inputs = calibration_inputs(model, [large])
    assert {tuple(each.shape[2:]) for each in inputs} == {model.spec.window}
    counted = PrunableModel(model, inputs[0], inputs).counts
    assert counted == bench.dense.counts


def test_outputs_without_names(bench):
    model = bench.prunable.model
    bare = replace(model, spec=replace(model.spec, classes=()))
    tiles = tuple(replace(each, target=None) for each in bench.task.tiles)
    found = Bench.open_tiles(bare, tiles).prune(HALF)
    assert {each.before for each in found.patches} <= {"class 0", "class 1", "class 2"}
