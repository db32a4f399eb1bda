"""The generator: seeded, finite, and rich in what it makes."""

import collections

import torch
from hypothesis import given, settings

from tests.core.pruning.random_networks import networks, random_network


@settings(max_examples=60, deadline=None)
@given(networks)
def test_networks_run_and_are_finite(made):
    module, images = made
    with torch.inference_mode():
        outputs = module(*images)
    assert outputs
    for out in outputs:
        assert out.dtype == torch.float64
        assert torch.isfinite(out).all()
        assert out.abs().max() < 1e6


def test_the_seed_decides_everything():
    first, images = random_network(7)
    second, same = random_network(7)
    assert all(torch.equal(a, b) for a, b in zip(images, same, strict=True))
    ours, theirs = first.state_dict(), second.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_longer_network_starts_like_a_shorter_one():
    short, long = random_network(3, steps=4)[0], random_network(3, steps=9)[0]
    heads = len(short.outputs)
    names = list(short.layers)[:-heads]
    assert list(long.layers)[: len(names)] == names


def test_two_hundred_networks_cover_the_layers():
    seen = collections.Counter()
    for seed in range(200):
        module, _ = random_network(seed)
        kinds = {type(layer).__name__ for layer in module.modules()}
        seen.update(kinds)
        calls = collections.Counter(step.layer for step in module.steps if step.layer)
        seen["called twice"] += max(calls.values()) > 1
        seen["two inputs"] += module.inputs == 2
        seen["grouped"] += any(getattr(m, "groups", 1) > 1 for m in module.modules())
    wanted = [
        "Conv2d",
        "ConvTranspose2d",
        "BatchNorm2d",
        "GroupNorm",
        "InstanceNorm2d",
        "PReLU",
        "Linear",
        "PixelShuffle",
        "PixelUnshuffle",
        "ChannelShuffle",
        "Upsample",
        "Sigmoid",
    ]
    for kind in (*wanted, "called twice", "two inputs", "grouped"):
        assert seen[kind] >= 5, kind
