"""Recovery by training: early stopping, teachers, masks, slimming, resuming."""

from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from core.errors import InputError
from core.images.synthetic import synthetic_tile
from core.job import Cancelled, Job
from core.models import LoadedModel, build, load_model
from core.pruning import (
    apply_masks,
    apply_plan,
    make_masks,
    make_plan,
    trace,
)
from core.training import (
    Augmentation,
    Callbacks,
    Example,
    TrainingSettings,
    fit,
    pick_device,
    read_classes,
    read_folder,
    synthetic_examples,
    train,
)
from core.training.batches import stack
from core.training.data import unlabelled
from core.training.finetune import crop_side, finetune, labelled_examples, split
from core.training.loss import distillation_loss, total_loss
from core.training.validation import middles
from core.types import FineTune, ModelSpec, Tile

SPEC = ModelSpec("tiny", "nuclei", "unet", stride=4, window=(128, 96))
QUICK = TrainingSettings(steps=6, batch=2, crop=32, warmup=2, check_every=2)
BLANK = Tile(np.zeros((32, 32, 3), np.uint8))
STILL = Augmentation(scale=(1.0, 1.0), stain=0, brown=0, blur=0, noise=0)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def unet(seed=0, **config):
    return build("unet", {"base": 4, "depth": 3, "types": 0} | config, seed=seed)


def same(first, second):
    a, b = first.state_dict(), second.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


# early stopping


def test_the_best_weights_are_kept_not_the_last():
    data = synthetic_examples(range(2), 64)
    # a rate at which everything only gets worse
    wild = replace(QUICK, rate=5.0, patience=2, average=0.0, steps=40)
    module = fit(unet(), SPEC, data, replace(QUICK, steps=30, rate=5e-3))
    found = train(module, SPEC, data[:1], wild, aids=Callbacks(validation=data[1:]))

    losses = dict(found.checks)
    assert found.reason == "patience"
    assert found.steps < 40
    assert losses[found.best] == min(losses.values())
    if found.best == 0:
        assert same(found.module, module)


def test_the_last_weights_are_kept_where_the_checks_decide_nothing(tmp_path):
    data = synthetic_examples(range(2), 64)
    wild = replace(QUICK, rate=5.0, average=0.0, keep_best=False)
    wild = replace(wild, checkpoint=tmp_path / "state.pt")
    aids = Callbacks(validation=data[1:])
    found = train(unet(), SPEC, data[:1], wild, aids=aids)
    losses = dict(found.checks)
    assert found.best == found.steps == 6
    assert losses[6] > min(losses.values()), "this training does harm"
    other = train(unet(), SPEC, data[:1], replace(wild, keep_best=True), aids=aids)
    assert not same(found.module, other.module)
    again = train(unet(), SPEC, data[:1], wild, aids=aids)
    assert same(again.module, found.module), "a checkpoint holds both"


def test_training_that_helps_goes_on_to_the_end():
    data = synthetic_examples(range(2), 64)
    found = train(
        unet(), SPEC, data[:1], replace(QUICK, steps=20, patience=9, rate=3e-3),
        aids=Callbacks(validation=data[1:]),
    )  # fmt: skip
    losses = [loss for _, loss in found.checks]
    assert found.reason == "steps"
    assert losses[-1] < losses[0]
    assert [step for step, _ in found.checks] == list(range(0, 21, 2))
    assert found.peak_memory >= 0
    assert found.device == "cpu"


def test_time_is_a_limit_of_its_own():
    data = synthetic_examples(range(1), 64)
    found = train(unet(), SPEC, data, replace(QUICK, steps=10**6, minutes=0.01))
    assert found.reason == "minutes"
    assert 0 < found.steps < 10**6


def test_progress_says_what_is_left():
    seen = []
    fit(unet(), SPEC, synthetic_examples(range(1), 64), QUICK, Job(seen.append))
    assert [step.done for step in seen] == list(range(1, 7))
    assert all("loss" in step.what and "left" in step.what for step in seen)


def test_whoever_stops_gets_the_best_so_far_and_whoever_cancels_nothing():
    data = synthetic_examples(range(2), 64)
    seen = []
    aids = Callbacks(
        validation=data[1:], on_snapshot=seen.append, stop=lambda: len(seen) == 3
    )
    found = train(unet(), SPEC, data, replace(QUICK, watch_every=0.0), aids=aids)
    assert found.reason == "stopped"
    assert found.steps == 4
    assert not seen[-1].training

    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        train(unet(), SPEC, data, QUICK, job)


@pytest.mark.parametrize("name", ["unet", "dual-decoder"])
def test_a_run_that_was_killed_ends_as_one_that_was_not(name, tmp_path):
    data = synthetic_examples(range(3), 64)
    config = {"base": 4, "depth": 3}  # the dual decoder drops values by chance
    module = build(name, config)
    aids = Callbacks(validation=data[2:], teacher=build(name, config, seed=5))
    whole = replace(QUICK, save_every=2, patience=5)
    straight = train(module, SPEC, data[:2], whole, aids=aids)

    settings = replace(whole, checkpoint=tmp_path / "state.pt")
    job = Job(lambda step: job.cancel() if step.done == 5 else None)
    with pytest.raises(Cancelled):
        train(module, SPEC, data[:2], settings, job, aids)
    resumed = train(module, SPEC, data[:2], settings, aids=aids)

    assert resumed.steps == straight.steps
    assert resumed.best == straight.best
    assert same(resumed.module, straight.module)
    again = train(module, SPEC, data[:2], settings, aids=aids)
    assert same(again.module, straight.module), "a finished run is not repeated"


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    data = synthetic_examples(range(1), 64)
    settings = replace(QUICK, steps=2, checkpoint=tmp_path / "state.pt")
    fit(unet(), SPEC, data, settings)
    with pytest.raises(InputError, match="another network"):
        fit(unet(base=6), SPEC, data, replace(settings, steps=4))


def test_a_rate_far_too_high_ends_in_a_sentence():
    data = synthetic_examples(range(1), 32)
    broken = unet()
    with torch.no_grad():
        next(broken.parameters()).fill_(float("nan"))
    with pytest.raises(InputError, match="lower rate"):
        fit(broken, SPEC, data, replace(QUICK, steps=50, batch=1))


# a teacher


def test_without_labels_a_pruned_network_comes_back_to_its_teacher():
    tile, _, _ = synthetic_tile(96, 3)
    teacher = fit(
        unet(), SPEC, synthetic_examples(range(4), 64), replace(QUICK, steps=60)
    )
    batch = torch.from_numpy(tile.pixels).permute(2, 0, 1)[None].float() / 255
    graph = trace(teacher, batch)
    pruned = apply_plan(teacher, make_plan(teacher, graph, "l2", 0.5))

    settings = replace(QUICK, steps=60, rate=3e-3, crop=64, augmentation=STILL)
    data = unlabelled([tile])
    recovered = fit(pruned, SPEC, data, settings, aids=Callbacks(teacher=teacher))

    def apart(module):
        with torch.no_grad():
            return float(distillation_loss(module(batch), teacher(batch)))

    assert apart(recovered) < 0.5 * apart(pruned)
    assert [p.shape for p in recovered.parameters()] == [
        p.shape for p in pruned.parameters()
    ]


def test_without_labels_and_without_a_teacher_there_is_nothing_to_learn():
    tile, _, _ = synthetic_tile(32, 3)
    with pytest.raises(InputError, match="distil"):
        fit(unet(), SPEC, unlabelled([tile]), QUICK)


def test_the_teacher_is_not_touched():
    data = synthetic_examples(range(2), 64)
    teacher = unet(4).train()
    before = {k: v.clone() for k, v in teacher.state_dict().items()}
    mixed = [*data, *unlabelled([synthetic_tile(64, 9)[0]])]
    fit(unet(), SPEC, mixed, QUICK, aids=Callbacks(teacher=teacher))
    assert teacher.training
    assert all(torch.equal(before[k], v) for k, v in teacher.state_dict().items())
    assert all(p.grad is None for p in teacher.parameters())


# masks


@pytest.mark.parametrize("pressure", [0.0, 0.1])
def test_masked_weights_stay_zero_bit_by_bit(pressure):
    module = unet()
    graph = trace(module, torch.zeros(1, 3, 32, 32))
    plan = make_masks(module, graph, "magnitude", 0.8)
    sparse = apply_masks(module, plan)
    data = synthetic_examples(range(2), 64)
    settings = replace(QUICK, pressure=pressure, rate=1e-2)
    aids = Callbacks(masks=plan, validation=data[1:], teacher=module)
    found = train(sparse, SPEC, data[:1], settings, aids=aids)

    named = dict(found.module.named_parameters())
    for name, kept in plan.kept.items():
        bits = named[name].detach().numpy().view(np.int32)
        assert not bits[~kept].any(), "not even a negative zero"
    fresh = train(sparse, SPEC, data[:1], settings, aids=Callbacks(masks=plan)).module
    moved = dict(fresh.named_parameters())
    before = dict(sparse.named_parameters())
    assert any(not torch.equal(moved[n], before[n]) for n in plan.kept)
    for name, kept in plan.kept.items():
        assert not moved[name].detach().numpy().view(np.int32)[~kept].any()


def test_masks_of_another_network_are_refused():
    other = unet(base=6)
    plan = make_masks(other, trace(other, torch.zeros(1, 3, 32, 32)), "magnitude", 0.5)
    with pytest.raises(InputError, match="another model"):
        fit(
            unet(),
            SPEC,
            synthetic_examples(range(1), 32),
            QUICK,
            aids=Callbacks(masks=plan),
        )


# slimming


def test_pressure_pulls_scales_to_exactly_zero():
    data = synthetic_examples(range(1), 64)
    settings = replace(QUICK, steps=30, rate=5e-3, average=0.0, cooldown=0.0)

    def scales(pressure):
        module = fit(unet(), SPEC, data, replace(settings, pressure=pressure))
        layers = [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        return torch.cat([layer.weight.detach().abs() for layer in layers])

    free, pressed, hard = scales(0.0), scales(1.0), scales(20.0)
    assert pressed.sum() < free.sum()
    assert (hard == 0).float().mean() > 0.5 > (free == 0).float().mean()


# fine-tuning with its options


def folder_of(path, count, size=64):
    for name in ("images", "labels"):
        (path / name).mkdir(parents=True)
    for seed in range(count):
        tile, labels, _ = synthetic_tile(size, seed, scale=0.7)
        Image.fromarray(tile.pixels).save(path / "images" / f"t{seed}.png")
        tifffile.imwrite(path / "labels" / f"t{seed}.tif", labels.astype(np.uint16))
    return path


TINY = FineTune(steps=4, minutes=0.0, batch=1, crop=32, device="cpu")


@pytest.fixture
def model():
    return load_model("unet-tiny")


def test_fine_tuning_learns_from_labels_tiles_or_both(model, tmp_path):
    folder = folder_of(tmp_path / "data", 4)
    tile = synthetic_tile(64, 20)[0]
    for options in (
        TINY,
        replace(TINY, data=str(folder)),
        replace(TINY, data=str(folder), distil=False),
    ):
        found = finetune(model.module, model, [tile], options)
        assert found.steps == 4
        again = finetune(model.module, model, [tile], options)
        assert same(found.module, again.module), "the same seed, the same network"
    other = finetune(model.module, model, [tile], replace(options, seed=1))
    assert not same(found.module, other.module)


def test_tiles_that_are_scored_are_not_learned_from(model, tmp_path):
    folder = folder_of(tmp_path / "data", 3)
    options = replace(TINY, data=str(folder))
    tiles = [Tile(example.pixels) for example in read_folder(folder)]
    names = [e.name for e in labelled_examples(model.spec, options, tiles[:2])]
    assert names == ["t2"]
    with pytest.raises(InputError, match="among those that are scored"):
        finetune(model.module, model, tiles, options, scored=tiles)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (replace(TINY, steps=0), "an end"),
        (replace(TINY, rate=0.0), "rate above 0"),
        (replace(TINY, data="/nowhere"), "not a folder"),
        (replace(TINY, device="abacus"), "no device"),
    ],
)
def test_impossible_options_are_refused_in_a_line(model, options, words):
    tile = synthetic_tile(64, 20)[0]
    with pytest.raises(InputError, match=words):
        finetune(model.module, model, [tile], options)


def test_the_split_keeps_the_open_tile_for_learning():
    blank = np.zeros((8, 8, 3), np.uint8)
    bare = unlabelled([Tile(blank, None, name) for name in "abcd"])
    named = [replace(e, known=True) for e in bare]
    for seed in range(8):
        learn, check = split([], bare, seed)
        assert len(check) == 1
        assert "a" in {e.name for e in learn}
        assert {e.name for e in learn}.isdisjoint(e.name for e in check)
    assert split([], bare[:2], 0) == (bare[:2], bare[:2])
    assert split(named[:2], [], 0)[1] == []
    learn, check = split(named, bare, 1)
    assert all(e.known for e in check)
    assert sum(e.weight for e in learn if e.known) == pytest.approx(0.7)


def test_types_beside_the_labels_are_read(tmp_path):
    folder = folder_of(tmp_path, 2)
    labels = read_folder(folder)[0].labels
    (folder / "types").mkdir()
    types = [1 + i % 3 for i in range(labels.max())]
    text = "\n".join(map(str, types))
    (folder / "types" / "t0.csv").write_text(text)
    first, second = read_folder(folder)
    assert first.classes.tolist() == types
    assert second.classes is None
    (folder / "types" / "t1.csv").write_text("1")
    with pytest.raises(InputError, match="one type for each"):
        read_folder(folder)
    (folder / "types" / "t1.csv").write_text("one")
    with pytest.raises(InputError, match="whole numbers"):
        read_folder(folder)


def test_a_patch_classifier_learns_its_classes(tmp_path):
    spec = replace(
        load_model("resnet18").spec,
        config={"classes": 2, "base": 4},
        classes=("dark", "light"),
        window=(64, 64),
    )
    rng = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 150)):
        (tmp_path / name).mkdir()
        for number in range(3):
            pixels = rng.integers(low, low + 100, (64, 64, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    module = build("resnet18", spec.config)
    assert [e.patch for e in read_classes(tmp_path, spec.classes)] == [0] * 3 + [1] * 3
    options = replace(TINY, data=str(tmp_path), distil=False)
    assert finetune(module, LoadedModel(module, spec), [], options).steps == 4
    data = read_classes(tmp_path, spec.classes)
    settings = replace(QUICK, steps=40, batch=6, crop=64, rate=5e-3, average=0.5)
    learned = fit(module, spec, data, settings)

    def loss(network):
        with torch.no_grad():
            batch, targets = stack(data, spec)
            return float(total_loss(network(batch), targets))

    assert loss(learned) < 0.2 < loss(module)
    with pytest.raises(InputError, match="sub-folders"):
        read_classes(tmp_path, ("grey",))


@pytest.mark.parametrize(
    ("name", "wanted", "side"),
    [("unet-tiny", 100, 96), ("unet-tiny", 5, 16), ("hovernet-fast", 64, 256)],
)
def test_crops_are_what_the_network_takes(name, wanted, side):
    assert crop_side(load_model_spec(name), wanted) == side


def load_model_spec(name):
    from core.models.catalogue import entries

    return entries()[name].spec


def test_checks_are_made_on_unchanged_middles():
    tile, labels, _ = synthetic_tile(64, 1)
    examples = [Example(str(n), tile.pixels, labels) for n in range(30)]
    found = middles(examples, 32)
    assert len(found) == 12
    assert np.array_equal(found[0].pixels, tile.pixels[16:48, 16:48])
    grown = middles(examples[:1], 80)[0]
    assert grown.labels.shape == (80, 80)
    assert np.array_equal(grown.labels[:64, :64], labels)


# devices


def test_a_device_that_is_not_there_is_named():
    assert pick_device("auto").type in ("cpu", "cuda", "mps")
    assert pick_device("cpu").type == "cpu"
    for name in ("tpu", "cuda:99"):
        with pytest.raises(InputError, match="no device"):
            pick_device(name)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_network_back_where_it_was():
    data = synthetic_examples(range(2), 64)
    settings = replace(QUICK, device="cuda", half=True)
    found = train(unet(), SPEC, data, settings, aids=Callbacks(teacher=unet(3)))
    assert found.device.startswith("cuda")
    assert found.peak_memory > 0
    assert next(found.module.parameters()).device.type == "cpu"


@pytest.mark.gpu
@pytest.mark.skipif(
    not torch.backends.mps.is_available(), reason="needs an Apple processor"
)
def test_mps_gives_the_network_back_where_it_was():
    data = synthetic_examples(range(2), 64)
    found = train(unet(), SPEC, data, replace(QUICK, device="mps"))
    assert found.device.startswith("mps")
    assert next(found.module.parameters()).device.type == "cpu"
