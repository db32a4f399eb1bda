"""Targets, augmentation, losses and the loop."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.training.demo import mean_of, mix
from benchmarks.training.rounds import FINAL_ROUNDS, LATER_ROUNDS
from core.errors import InputError
from core.images.synthetic import synthetic_tile
from core.job import Cancelled, Job
from core.metrics import score_instances
from core.models.unet import UNet
from core.nuclei import predict
from core.training import Augmentation, Example, TrainingSettings, fit
from core.training.augment import augment, crop, restain
from core.training.batches import batches, make_batch
from core.training.data import draw, read_folder, synthetic_examples
from core.training.loss import dice_loss, total_loss
from core.training.run import rate_at
from core.training.targets import UNKNOWN, distance_map, make_targets
from core.types import ModelSpec, Tile

SPEC = ModelSpec(
    "tiny", "nuclei", "unet", stride=4, classes=("a", "b", "c", "d"), window=(128, 96)
)
STILL = Augmentation(scale=(1.0, 1.0), stain=0, brown=0, blur=0, noise=0)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tiny(seed=0):
    torch.manual_seed(seed)
    return UNet(base=8, depth=3, types=4)


class Loaded:
    def __init__(self, module, spec=SPEC):
        self.module, self.spec = module, spec


def ink(labels):
    """An image that shows its labels: aligned if and only if they moved together."""
    table = np.random.default_rng(1).integers(0, 200, (labels.max() + 1, 3))
    table[0] = 255
    return table[labels].astype(np.uint8)


# targets


def test_distance_is_one_in_every_middle_and_small_at_every_outline():
    _, labels, _ = synthetic_tile(128, 2)
    distance = distance_map(labels)

    assert ((distance > 0) == (labels > 0)).all()
    for label in range(1, labels.max() + 1):
        assert distance[labels == label].max() == pytest.approx(1)
    apart = labels[:, 1:] != labels[:, :-1]
    sizes = np.bincount(labels.ravel())
    wide = apart & (labels[:, 1:] > 0) & (sizes[labels[:, 1:]] > 100)
    assert distance[:, 1:][wide].max() < 0.5


def test_contacts_weigh_more_and_types_follow_labels():
    labels = np.zeros((10, 20), np.int32)
    labels[2:8, 2:10], labels[2:8, 10:18] = 1, 2
    targets = make_targets(labels, np.array([3, 1]))

    assert targets.weight[5, 9] > targets.weight[2, 3] > targets.weight[5, 5] == 1
    assert targets.kind[5, 5] == 3
    assert targets.kind[5, 15] == 1
    assert targets.kind[0, 0] == 0
    assert (make_targets(labels, None).kind == UNKNOWN).all()
    assert make_targets(np.zeros((4, 4), np.int32), None).distance.max() == 0


# augmentation


@pytest.mark.parametrize("seed", range(6))
def test_labels_move_with_the_image(seed):
    _, labels, _ = synthetic_tile(160, 4)
    rng = np.random.default_rng(seed)
    image, moved = crop(ink(labels), labels, 96, Augmentation(), rng)

    assert image.shape == (96, 96, 3)
    assert moved.shape == (96, 96)
    expected = ink(labels)  # same table
    table = np.zeros((labels.max() + 1, 3))
    table[labels] = expected
    wrong = np.abs(table[moved] - image).max(axis=2) > 60
    assert wrong[2:-2, 2:-2].mean() < 0.22, "only interpolated outlines may differ"
    inner = np.abs(table[moved] - image).max(axis=2)[distance_map(moved) > 0.6]
    assert np.median(inner) == 0


def test_colour_changes_leave_labels_alone_and_change_the_image():
    tile, labels, _ = synthetic_tile(96, 1)
    rng = np.random.default_rng(0)
    plain = crop(tile.pixels, labels, 96, STILL, np.random.default_rng(3))
    changed = augment(tile.pixels, labels, 96, STILL, np.random.default_rng(3))
    stained = restain(tile.pixels, Augmentation(), rng)

    assert np.array_equal(plain[0], changed[0]), "everything is switched off"
    assert stained.shape == tile.pixels.shape
    assert np.abs(stained.astype(int) - tile.pixels).mean() > 3


def test_a_tile_smaller_than_the_crop_is_mirrored_on():
    tile, labels, _ = synthetic_tile(24, 1)
    image, moved = augment(
        tile.pixels, labels, 64, Augmentation(), np.random.default_rng(0)
    )
    assert image.shape == (64, 64, 3)
    assert moved.shape == (64, 64)


# data


def test_examples_are_drawn_by_weight_and_not_before_their_time():
    blank = Example("a", np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.int32))
    data = [
        blank,
        replace(blank, name="b", weight=3),
        replace(blank, name="c", since=5),
    ]
    early = [draw(data, 0, np.random.default_rng(i)).name for i in range(400)]
    late = {draw(data, 5, np.random.default_rng(i)).name for i in range(100)}

    assert 240 < early.count("b") < 360
    assert "c" not in early
    assert late == {"a", "b", "c"}


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no tiles with ground truth"):
        read_folder(tmp_path)


# loss


def test_a_perfect_answer_costs_less_than_any_other():
    labels = np.zeros((16, 16), np.int32)
    labels[4:12, 4:12] = 1
    made = make_targets(labels, np.array([2]))
    targets = {
        name: torch.from_numpy(np.asarray(getattr(made, name)))[None]
        for name in ("inside", "distance", "kind", "weight")
    }
    kinds = nn.functional.one_hot(targets["kind"], 5).permute(0, 3, 1, 2).float()
    best = {
        "np": 20 * (2 * targets["inside"][:, None] - 1),
        "dist": targets["distance"][:, None],
        "tp": 20 * kinds,
    }
    assert float(total_loss(best, targets)) < 0.02
    for name in best:
        worse = best | {name: best[name].roll(4, -1)}
        assert float(total_loss(worse, targets)) > 0.1

    targets["kind"] = torch.full_like(targets["kind"], UNKNOWN)
    assert float(total_loss(best | {"tp": -best["tp"]}, targets)) < 0.02
    assert float(dice_loss(targets["inside"], targets["inside"])) == pytest.approx(0)


# loop


def test_rate_rises_stays_and_falls_to_nothing():
    settings = TrainingSettings(steps=100, warmup=10, cooldown=0.5, rate=1.0)
    rates = [rate_at(step, settings) for step in range(100)]

    assert rates[0] == pytest.approx(0.1)
    assert rates[9:50] == pytest.approx([1.0] * 41)
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert rates[-1] < 0.01


def test_batches_are_the_same_whatever_was_before():
    data = synthetic_examples(range(2), 64)
    settings = TrainingSettings(steps=4, batch=2, crop=32)
    first, again = (
        make_batch(data, SPEC, settings, 3),
        make_batch(data, SPEC, settings, 3),
    )
    later = list(batches(data, SPEC, settings, 3))

    assert torch.equal(first[0], again[0])
    assert len(later) == 1
    assert torch.equal(first[0], later[0][0])
    assert float(first[0].min()) >= 0
    assert float(first[0].max()) <= 1


def test_gentler_settings_change_colours_less():
    tile, labels, _ = synthetic_tile(96, 1)
    plain = crop(tile.pixels, labels, 96, STILL, np.random.default_rng(0))[0].astype(
        int
    )

    def moved(strength):
        gentle = replace(STILL, stain=0.08 * strength, strength=strength)
        images = [
            augment(tile.pixels, labels, 96, gentle, np.random.default_rng(seed))[0]
            for seed in range(12)
        ]
        return np.mean([abs(image.mean() - plain.mean()) for image in images])

    assert moved(0.3) < 0.8 * moved(1.0)


def test_groups_get_their_share_of_the_crops():
    blank = Example("a", np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.int32))
    mixed = mix([[blank] * 10, [blank, replace(blank, weight=3.0)]], (0.75, 0.25))
    weights = [example.weight for example in mixed]

    assert sum(weights[:10]) == pytest.approx(0.75)
    assert weights[11] == pytest.approx(3 * weights[10])


def test_later_rounds_carry_seed_and_checkpoint_on():
    first = TrainingSettings(seed=4, checkpoint=Path("run/state.pt"), half=True)
    rounds = (*LATER_ROUNDS, *FINAL_ROUNDS)
    later = [r.settings(first, n) for n, r in enumerate(rounds, start=1)]
    assert [settings.seed for settings in later] == [5, 6, 7, 8]
    assert later[0].checkpoint == Path("run/state-polish.pt")
    assert len({settings.checkpoint for settings in later}) == len(later)
    assert all(settings.half for settings in later)


def test_mean_of_networks_is_the_mean_of_their_weights():
    first, second = tiny(), tiny()
    with torch.no_grad():
        for value in second.state_dict().values():
            value.add_(2)
    mean = mean_of([first, second]).state_dict()
    for name, value in first.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(mean[name], value + 1)


def test_an_error_while_making_batches_reaches_the_loop():
    broken = Example("x", np.zeros((4, 4, 3), np.uint8), np.zeros((5, 5), np.int64)[:0])
    with pytest.raises(Exception, match=r".+"):
        fit(tiny(), SPEC, [broken], TrainingSettings(steps=1, batch=1, crop=32))


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path):
    data = synthetic_examples(range(2), 64)
    whole = TrainingSettings(steps=6, batch=2, crop=32, warmup=2, save_every=2)
    straight = fit(tiny(), SPEC, data, whole)

    settings = replace(whole, checkpoint=tmp_path / "run" / "state.pt")
    job = Job(lambda step: job.cancel() if step.done == 4 else None)
    with pytest.raises(Cancelled):
        fit(tiny(), SPEC, data, settings, job)
    seen = []
    resumed = fit(tiny(9), SPEC, data, settings, Job(lambda s: seen.append(s.done)))

    assert seen == [5, 6]
    for name, value in straight.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], value, msg=name)


def test_the_module_given_is_left_as_it_was():
    module = tiny()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    trained = fit(
        module,
        SPEC,
        synthetic_examples(range(1), 64),
        TrainingSettings(steps=2, batch=1, crop=32),
    )

    assert not trained.training
    assert all(torch.equal(before[n], v) for n, v in module.state_dict().items())
    assert any(not torch.equal(before[n], v) for n, v in trained.state_dict().items())


def test_nothing_to_train_on_is_refused():
    with pytest.raises(InputError, match="at least one tile"):
        fit(tiny(), SPEC, [], TrainingSettings(steps=1))


def test_it_learns_one_tile_by_heart():
    tile, labels, classes = synthetic_tile(64, 9, scale=0.7)
    data = [Example("one", tile.pixels, labels, classes)]
    settings = TrainingSettings(
        steps=240,
        batch=2,
        crop=64,
        rate=5e-3,
        warmup=5,
        average=0.9,
        augmentation=STILL,
    )
    trained = fit(tiny(), SPEC, data, settings)
    found = predict(Loaded(trained), Tile(tile.pixels))

    assert score_instances(labels, found.labels).dice > 0.9
    assert score_instances(labels, found.labels).aji > 0.6
