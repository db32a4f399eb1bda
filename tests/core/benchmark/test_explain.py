"""The whole way of a tile, and why a pruned network gains little."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.benchmark import PrunableModel, branches, explain, whole_way
from core.job import Cancelled, Job
from core.latency import TimingSettings, decide_verdict
from core.latency.measure import measure
from core.models import load_model
from core.nuclei import predict, raw_maps, to_input
from core.types import PruneRequest, Tile


@pytest.fixture(scope="module")
def tile():
    return Tile(np.random.default_rng(3).integers(0, 256, (64, 80, 3), np.uint8))


@pytest.fixture(scope="module")
def model():
    return load_model("unet-tiny")


@pytest.fixture(scope="module")
def pruned(model, tile):
    prunable = PrunableModel(model, to_input(model, tile), ())
    request = PruneRequest("l2", 0.3, recovery="none")
    return prunable.build(request, prunable.plan(request)).eval()


def test_every_stage_of_both_networks_is_timed_on_the_real_thing(model, pruned, tile):
    drawn, ran = [], []
    hooks = [
        network.register_forward_pre_hook(lambda *_, side=side: ran.append(side))
        for side, network in enumerate((model.module, pruned))
    ]
    found = whole_way(
        model,
        pruned,
        lambda: tile,
        lambda t, labels: drawn.append(labels),
        settings=TimingSettings(seconds=60, min_blocks=2, max_blocks=2),
    )
    for side in (found.dense, found.pruned):
        assert list(side.ms) == ["read", "network", "instances", "draw"]
        assert side.ms["network"] > 0
    for hook in hooks:
        hook.remove()
    timed = found.timed
    ratios = np.log(timed.dense.ms / timed.pruned.ms)
    np.testing.assert_allclose(timed.blocks.ravel(), ratios)  # paired, call by call
    low, high = timed.interval
    assert low < timed.speedup < high
    assert timed.verdict == decide_verdict(timed.interval)
    for side, each in ((found.dense, timed.dense), (found.pruned, timed.pruned)):
        assert side.total == pytest.approx(each.median, rel=0.5)
    np.testing.assert_array_equal(found.dense_maps["np"], raw_maps(model, tile)["np"])
    smaller = raw_maps(replace(model, module=pruned), tile)
    np.testing.assert_array_equal(found.pruned_maps["np"], smaller["np"])
    expected = [
        predict(model, tile).labels,
        predict(replace(model, module=pruned), tile).labels,
    ]
    for block in (ran[:4], ran[4:]):
        assert block in ([0, 1, 1, 0], [1, 0, 0, 1])
    for labels, side in zip(drawn, ran, strict=True):
        np.testing.assert_array_equal(labels, expected[side])


def test_cancelled(model, pruned, tile):
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        whole_way(model, pruned, lambda: tile, lambda *_: None, job)


def test_layers_are_the_pruned_ones_and_reasons_come_where_it_is_not_faster(
    model, pruned, tile
):
    settings = TimingSettings(seconds=0.2, threads=1, layout="contiguous")
    inputs = (to_input(model, tile),)
    timed = measure(
        (model.module, model.module), inputs, settings, _step, isolated=False
    )
    timed = replace(timed, speedup=1.0, verdict="no difference")
    reasons, layers = explain(model, pruned, tile, timed, network_share=0.2)
    assert sum(each.share for each in layers) == pytest.approx(1)
    widths = {each.name: each.channels for each in layers}
    convolutions = [
        (name, part)
        for name, part in pruned.named_modules()
        if isinstance(part, torch.nn.Conv2d)
    ]
    assert [widths[name] for name, _ in convolutions] == [
        part.out_channels for _, part in convolutions
    ]
    assert "The network takes only 20%" in " ".join(reasons)
    faster = replace(timed, speedup=2.0, verdict="faster")
    assert explain(model, pruned, tile, faster, network_share=0.9)[0] == ()


def test_branches_are_scored_before_nuclei_are_made(model, pruned, tile):
    whole = raw_maps(model, tile)
    less = raw_maps(replace(model, module=pruned), tile)
    labels = np.kron(np.arange(20).reshape(4, 5), np.ones((16, 16))).astype(np.int32)
    found = branches(whole, less, labels)

    def dice(one, two):
        return 2 * (one & two).sum() / (one.sum() + two.sum())

    seen, left = whole["np"] >= 0.5, less["np"] >= 0.5
    assert seen.any()
    assert found["agreement"].dice == pytest.approx(dice(seen, left))
    error = np.abs(whole["dist"] - less["dist"])[seen].mean()
    assert found["agreement"].mae == pytest.approx(error, rel=1e-5)
    assert found["agreement"].mae > 0
    assert found["dense"].dice == pytest.approx(dice(seen, labels > 0))
    assert found["pruned"].dice == pytest.approx(dice(left, labels > 0))
    same = branches(whole, whole)
    assert set(same) == {"agreement"}
    assert (same["agreement"].dice, same["agreement"].mae) == (1, 0)


def _step(done, total):
    pass
