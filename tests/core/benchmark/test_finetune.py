"""Recovery by training, in the bench and in sweeps, on a miniature."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from core.benchmark import Bench, PrunableModel, calibration_inputs
from core.benchmark.recovery import Material
from core.errors import InputError, PruningError
from core.images.synthetic import synthetic_tile
from core.job import Cancelled, Job
from core.models import load_model, save_model
from core.store import Record, TrialStore
from core.sweep import Grid, run_sweep
from core.types import FineTune, PruneRequest, Tile

TINY = FineTune(steps=5, minutes=0.0, batch=1, crop=32, device="cpu")
REQUEST = PruneRequest("l2", 0.5, recovery="finetune", training=TINY)


@pytest.fixture(scope="module")
def model():
    torch.set_num_threads(1)
    return load_model("unet-tiny")


@pytest.fixture(scope="module")
def tile():
    return synthetic_tile(96, 1)[0]


@pytest.fixture
def bench(model, tile):
    return Bench.open(model, tile, calibration=[tile])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("tiles")
    for name in ("images", "labels"):
        (place / name).mkdir()
    for seed in range(3):
        made, labels, _ = synthetic_tile(64, 30 + seed, scale=0.7)
        Image.fromarray(made.pixels).save(place / "images" / f"t{seed}.png")
        tifffile.imwrite(place / "labels" / f"t{seed}.tif", labels.astype(np.uint16))
    return place


def test_settings_belong_to_fine_tuning_only():
    assert PruneRequest("l2", 0.5, training=TINY).training is None
    assert PruneRequest("l2", 0.5, recovery="finetune").training == FineTune()
    assert replace(REQUEST, recovery="refit") == PruneRequest("l2", 0.5)
    assert replace(REQUEST, training=replace(TINY, seed=1)) != REQUEST


def test_a_round_is_trained_from_the_refitted_model(bench, model):
    before = {k: v.clone() for k, v in model.module.state_dict().items()}
    found = bench.prune(REQUEST)
    refitted = bench.prune(replace(REQUEST, recovery="refit"))

    assert found.training["steps"] == 5
    assert found.training["reason"] == "steps"
    assert found.training["seconds"] > 0
    assert refitted.training is None
    assert found.plan_hash == refitted.plan_hash
    assert found.counts == refitted.counts
    after = model.module.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before), "the dense one stays"


def test_what_was_trained_is_not_trained_again(bench, tmp_path):
    steps = []
    bench.prune(REQUEST, Job(steps.append))
    assert sum("training" in step.what for step in steps) == 5
    del steps[:]
    bench.prune(REQUEST, Job(steps.append))
    exported = bench.export(REQUEST)
    assert not any("training" in step.what for step in steps)

    save_model(tmp_path / "tuned.safetensors", exported, exported.plan)
    loaded = load_model(str(tmp_path / "tuned.safetensors"))
    for name, value in exported.module.state_dict().items():
        torch.testing.assert_close(loaded.module.state_dict()[name], value)


def test_masks_are_shown_while_it_learns(bench):
    seen = []
    request = replace(REQUEST, training=replace(TINY, steps=3))
    found = bench.prune(request, live=seen.append)
    assert len(seen) >= 1, "the refitted model at once"
    assert all(each.training is None for each in seen)
    assert all(each.request == request for each in (*seen, found))
    refitted = bench.prune(replace(request, recovery="refit"))
    np.testing.assert_array_equal(seen[0].prediction.labels, refitted.prediction.labels)


def test_whoever_cancels_keeps_the_best_so_far(bench):
    job = Job(lambda step: job.cancel() if "training" in step.what else None)
    with pytest.raises(Cancelled):
        bench.prune(REQUEST, job)
    module, _ = bench.pruned(REQUEST)
    assert bench.export(REQUEST).module is module, "nothing is trained for an export"
    assert bench.prune(REQUEST).training["steps"] == 5, "asked for again, it is"


def test_a_training_that_was_stopped_goes_on_where_it_was(bench):
    request = replace(REQUEST, training=replace(TINY, seed=3))
    job = Job(lambda step: job.finish() if "training" in step.what else None)
    first = bench.prune(request, job, live=lambda _: None)
    assert first.training["reason"] == "stopped"
    assert first.training["steps"] < 5
    seen = []
    found = bench.prune(request, Job(seen.append), live=lambda _: None)
    trained = [step.done for step in seen if "training" in step.what]
    assert trained == list(range(first.training["steps"] + 1, 6))
    whole = Bench.open(bench.prunable.model, bench.tile, calibration=[bench.tile])
    expected = whole.prune(request).training
    for name in ("steps", "best_step", "loss", "reason"):
        assert found.training[name] == expected[name]


def test_the_open_tile_is_learned_from_without_its_labels(model, folder):
    from core.training import read_folder

    example = read_folder(folder)[0]
    other = Tile(read_folder(folder)[1].pixels)
    opened = Bench.open(
        model, Tile(example.pixels), example.labels, calibration=[other]
    )
    options = replace(TINY, data=str(folder))
    request = replace(REQUEST, training=options)
    assert opened.prune(request).scores is not None
    only = folder.parent / "one"
    for part, name in (("images", "t0.png"), ("labels", "t0.tif")):
        (only / part).mkdir(parents=True)
        (only / part / name).write_bytes((folder / part / name).read_bytes())
    request = replace(REQUEST, training=replace(TINY, data=str(only)))
    with pytest.raises(InputError, match="scored"):
        opened.prune(request)


def test_without_tiles_there_is_a_sentence(model, tile):
    inputs = calibration_inputs(model, [tile])
    prunable = PrunableModel(model, inputs[0], inputs)
    with pytest.raises(PruningError, match="tiles to train on"):
        prunable.build(REQUEST, prunable.plan(REQUEST))
    with pytest.raises(PruningError, match="no recovery 'magic'"):
        prunable.build(replace(REQUEST, recovery="magic"), prunable.plan(REQUEST))


def test_single_weights_stay_at_zero_through_fine_tuning(bench):
    request = replace(REQUEST, heuristic="unstructured:magnitude", sparsity=0.8)
    found = bench.prune(request, live=lambda _: None)
    module, masks = bench.pruned(request)
    assert found.training["steps"] == 5
    named = dict(module.named_parameters())
    assert masks.removed > 0
    for name, kept in masks.kept.items():
        assert not named[name].detach().numpy().view(np.int32)[~kept].any()


def test_a_build_fine_tunes_single_weights_too(model, tile):
    """As a sweep asks for it."""
    inputs = calibration_inputs(model, [tile])
    prunable = PrunableModel(model, inputs[0], inputs)
    request = replace(REQUEST, heuristic="unstructured:magnitude", sparsity=0.8)
    plan, seen = prunable.plan(request), []
    job = Job(lambda step: seen.append(step.what))
    module = prunable.build(request, plan, job, Material([tile], [tile]))
    assert any("training" in what for what in seen)
    named = dict(module.named_parameters())
    assert plan.kept
    for name, kept in plan.kept.items():
        assert not named[name].detach().numpy()[~kept].any()


def test_sweeps_fine_tune_and_resume(folder, tmp_path):
    train_on = tmp_path / "train"
    for part in ("images", "labels"):
        (train_on / part).mkdir(parents=True)
    made, labels, _ = synthetic_tile(64, 90, scale=0.7)
    Image.fromarray(made.pixels).save(train_on / "images" / "a.png")
    tifffile.imwrite(train_on / "labels" / "a.tif", labels.astype(np.uint16))
    grid = Grid(
        models=("unet-tiny",),
        data=folder,
        heuristics=("l2",),
        sparsities=(0.5,),
        recoveries=("refit", "finetune"),
        seeds=(0, 1),
        timing=None,
        training=replace(TINY, data=str(train_on)),
    )
    with TrialStore(tmp_path / "a.sqlite") as store:
        first = run_sweep(grid, store)
        assert (first.done, first.impossible) == (4, ())
        # the same cut: refitted once for both seeds, but trained for each
        assert first.reused == 1
        again = run_sweep(grid, store)
        assert (again.done, again.resumed) == (0, 4)
        for record in store.records():
            back = Record.from_json(record.to_json())
            assert back.trial.request == record.trial.request
            assert back.trial.key == record.trial.key
    impossible = replace(grid, training=replace(TINY, data=str(folder)))
    with (
        TrialStore(tmp_path / "b.sqlite") as store,
        pytest.raises(InputError, match="other tiles"),
    ):
        run_sweep(impossible, store)
