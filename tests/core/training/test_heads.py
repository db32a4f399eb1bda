"""Losses of every kind of head: ground truth, and a teacher's word for it."""

import numpy as np
import pytest
import torch
from torch import nn

from core.images.synthetic import synthetic_tile
from core.metrics import score_instances
from core.models import load_model
from core.nuclei import READERS
from core.training.batches import make_batch, stack
from core.training.data import Example, synthetic_examples
from core.training.loss import distillation_loss, total_loss
from core.training.settings import TrainingSettings
from core.training.targets import UNKNOWN, centre_offsets, make_targets


def targets_of(labels, classes=None):
    """All targets of one tile, as a batch of one."""
    made = make_targets(labels, classes)
    names = ("inside", "distance", "kind", "weight")
    found = {n: torch.from_numpy(np.asarray(getattr(made, n)))[None] for n in names}
    return found | {"hv": torch.from_numpy(centre_offsets(labels))[None]}


def two_channels(inside, sure=20.0):
    logit = sure * (2 * inside[:, None] - 1)
    return torch.cat([-logit / 2, logit / 2], dim=1)


def test_offsets_run_from_minus_one_to_one_in_every_nucleus():
    _, labels, _ = synthetic_tile(128, 2)
    offsets = centre_offsets(labels)

    assert offsets.shape == (2, 128, 128)
    assert (offsets[:, labels == 0] == 0).all()
    for label in range(1, labels.max() + 1):
        rows, columns = np.nonzero(labels == label)
        for axis, place in ((0, columns), (1, rows)):
            if np.ptp(place) < 2:
                continue
            own = offsets[axis, rows, columns]
            assert own[place == place.min()] == pytest.approx(-1)
            assert own[place == place.max()] == pytest.approx(1)
            order = np.argsort(place, kind="stable")
            assert (np.diff(own[order]) >= 0).all(), "it rises across the nucleus"


def test_offsets_of_the_truth_give_back_its_nuclei():
    _, labels, _ = synthetic_tile(160, 5)
    maps = {"np": (labels > 0).astype(np.float32), "hv": centre_offsets(labels)}
    found = READERS["hv"](maps, {"foreground": 0.5, "object": 0.4})
    assert score_instances(labels, found).aji > 0.8


def test_one_logit_or_two_are_the_same_loss():
    _, labels, _ = synthetic_tile(32, 3)
    targets = targets_of(labels)
    torch.manual_seed(0)
    two, distance = torch.randn(1, 2, 32, 32), torch.randn(1, 1, 32, 32)
    one = two[:, 1:] - two[:, :1]
    torch.testing.assert_close(
        total_loss({"np": one, "dist": distance}, targets),
        total_loss({"np": two, "dist": distance}, targets),
    )


def test_a_perfect_hover_net_costs_least():
    labels = np.zeros((24, 24), np.int32)
    labels[4:12, 4:12], labels[12:20, 6:16] = 1, 2
    targets = targets_of(labels, np.array([2, 1]))
    kinds = nn.functional.one_hot(targets["kind"], 3).permute(0, 3, 1, 2).float()
    best = {
        "np": two_channels(targets["inside"]),
        "hv": targets["hv"],
        "tp": 20 * kinds,
    }
    assert float(total_loss(best, targets)) < 0.01
    for name in best:
        worse = best | {name: best[name].roll(5, -1)}
        assert float(total_loss(worse, targets)) > 0.1
    swapped = best | {"hv": targets["hv"].flip(1)}
    assert float(total_loss(swapped, targets)) > 0.1


def test_targets_are_cut_to_the_middle_that_comes_out():
    labels = np.zeros((24, 24), np.int32)
    labels[8:14, 9:16] = 1
    targets = targets_of(labels)
    middle = labels[4:20, 4:20]
    small = targets_of(middle) | {
        name: value[..., 4:20, 4:20] for name, value in targets.items()
    }
    torch.manual_seed(1)
    outputs = {"np": torch.randn(1, 2, 16, 16), "hv": torch.randn(1, 2, 16, 16)}
    torch.testing.assert_close(total_loss(outputs, targets), total_loss(outputs, small))


def test_patches_are_scored_by_class():
    logits = torch.tensor([[9.0, 0, 0], [0, 9.0, 0]])
    right = {"patch": torch.tensor([0, 1])}
    wrong = {"patch": torch.tensor([1, 0])}
    assert (
        float(total_loss(logits, right)) < 0.01 < 5 < float(total_loss(logits, wrong))
    )


@pytest.mark.parametrize("name", ["unet-tiny", "dual-decoder", "hovernet-tiny"])
def test_every_head_gets_a_gradient(name):
    model = load_model(name)
    side = 256 if model.spec.reader == "hv" else 32
    data = synthetic_examples(range(1), side)
    batch, targets = make_batch(
        data, model.spec, TrainingSettings(batch=1, crop=side), 0
    )
    # the synthetic types run to 4, those of the network to 5
    model.module.train()
    total_loss(model.module(batch), targets).backward()
    heads = {n: p.grad for n, p in model.module.named_parameters() if "weight" in n}
    assert all(g is not None for g in heads.values())
    outputs = model.module.eval()(batch)
    assert outputs["np"].shape[-1] <= side


def test_without_types_the_type_head_is_left_alone():
    labels = np.zeros((16, 16), np.int32)
    labels[4:9, 4:9] = 1
    outputs = {
        "np": torch.zeros(1, 1, 16, 16, requires_grad=True),
        "dist": torch.zeros(1, 1, 16, 16, requires_grad=True),
        "tp": torch.zeros(1, 3, 16, 16, requires_grad=True),
    }
    assert (targets_of(labels)["kind"] == UNKNOWN).all()
    total_loss(outputs, targets_of(labels)).backward()
    assert outputs["tp"].grad is None
    assert outputs["np"].grad is not None


@pytest.mark.parametrize("channels", [1, 2])
def test_a_student_that_says_what_its_teacher_says_costs_nothing(channels):
    torch.manual_seed(3)
    goals = {
        "np": torch.randn(2, channels, 8, 8),
        "dist": torch.randn(2, 1, 8, 8),
        "hv": torch.randn(2, 2, 8, 8),
        "tp": torch.randn(2, 4, 8, 8),
    }
    assert float(distillation_loss(goals, goals)) == pytest.approx(0, abs=1e-5)
    for name in goals:
        other = goals | {name: goals[name] + torch.randn_like(goals[name])}
        assert float(distillation_loss(other, goals)) > 0.01
    # the same probabilities from other logits are the same answer
    shifted = goals | {"tp": goals["tp"] + 3}
    assert float(distillation_loss(shifted, goals)) == pytest.approx(0, abs=1e-5)
    patch = torch.randn(4, 3)
    assert float(distillation_loss(patch, patch)) == pytest.approx(0, abs=1e-6)
    assert float(distillation_loss(patch, patch.flip(1))) > 0.01


def test_a_batch_says_which_tiles_have_ground_truth():
    tile, labels, classes = synthetic_tile(32, 1)
    known = Example("a", tile.pixels, labels, classes)
    bare = Example("b", tile.pixels, np.zeros_like(labels), known=False)
    spec = load_model("unet-tiny").spec
    _, targets = stack([known, bare], spec)
    assert targets["known"].tolist() == [True, False]
    assert "hv" not in targets
