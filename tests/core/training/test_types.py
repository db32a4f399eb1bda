"""Types of nuclei in training: from images, partly unknown, weighed; far crops."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import InputError
from core.training.augment import FAR, Augmentation, crop
from core.training.data import types_of_labels
from core.training.loss import total_loss
from core.training.targets import UNKNOWN, make_targets


def test_the_type_of_a_nucleus_is_that_of_most_of_its_pixels():
    labels = np.array([[1, 1, 1, 0], [4, 4, 5, 5]], np.int32)
    kinds = np.array([[3, 3, 2, 2], [0, 0, 4, 1]], np.int32)

    found = types_of_labels(labels, kinds)

    # 2 and 3 are gaps, no pixel of 4 has a type, 5 is torn between 4 and 1
    assert found.tolist() == [3, UNKNOWN, UNKNOWN, UNKNOWN, 1]
    assert found.dtype == np.int64
    assert types_of_labels(np.zeros((2, 2), np.int32), kinds[:, :2]).size == 0


def test_types_of_other_labels_are_refused():
    with pytest.raises(InputError, match="4 x 2 pixels and the labels are 3 x 2"):
        types_of_labels(np.zeros((2, 3), np.int32), np.zeros((2, 4), np.int32))


def outputs_and_targets(classes):
    labels = np.zeros((1, 8, 16), np.int32)
    labels[0, 2:6, 2:6], labels[0, 2:6, 9:13] = 1, 2
    made = make_targets(labels[0], np.array(classes))
    names = ("inside", "distance", "kind", "weight")
    targets = {n: torch.from_numpy(getattr(made, n))[None] for n in names}
    torch.manual_seed(0)
    maps = {"np": 1, "dist": 1, "tp": 3}
    return {n: torch.randn(1, c, 8, 16) for n, c in maps.items()}, targets, labels


def test_a_nucleus_of_unknown_type_says_nothing_about_types():
    outputs, targets, labels = outputs_and_targets([2, UNKNOWN])
    changed = outputs["tp"].clone()
    changed[:, :, torch.from_numpy(labels[0] == 2)] = 50.0

    loss = total_loss(outputs, targets)

    assert torch.equal(loss, total_loss(outputs | {"tp": changed}, targets))


def test_weights_of_types_move_the_loss_of_types_only():
    outputs, targets, _ = outputs_and_targets([1, 2])
    usual = total_loss(outputs, targets)

    assert torch.equal(usual, total_loss(outputs, targets, (0.5, 1.0, 1.0)))
    assert not torch.equal(usual, total_loss(outputs, targets, (0.5, 1.0, 4.0)))
    targets["kind"] = torch.full_like(targets["kind"], UNKNOWN)
    assert torch.equal(
        total_loss(outputs, targets), total_loss(outputs, targets, (0.5, 1.0, 4.0))
    )
    outputs, targets, _ = outputs_and_targets([1, 2])
    with pytest.raises(InputError, match="give 3"):
        total_loss(outputs, targets, (1.0, 1.0))


def test_far_crops_show_nuclei_smaller_than_any_other():
    labels = np.zeros((400, 400), np.int32)
    labels[180:220, 180:220] = 1
    pixels = np.zeros((400, 400, 3), np.uint8)
    near = Augmentation(scale=(1.0, 1.25))
    sides = {}
    for name, settings in {"near": near, "far": replace(near, far=1.0)}.items():
        areas = []
        for seed in range(40):
            rng = np.random.default_rng(seed)
            areas.append((crop(pixels, labels, 400, settings, rng)[1] > 0).sum())
        sides[name] = np.sqrt(areas) / 40
    assert sides["near"].min() > 0.85
    assert sides["far"].max() < 1.15
    assert sides["far"].min() < 1.15 * FAR / 0.8
