"""Rounds of the bench on a small model and a real tile."""

import numpy as np
import pytest
import skimage
import torch

from core.benchmark import Bench, calibration_inputs
from core.errors import InputError
from core.job import Cancelled, Job
from core.latency import TimingSettings
from core.models import load_model, save_model
from core.pruning import Counter, trace
from core.types import PruneRequest, Tile

BRIEF = TimingSettings(seconds=0.2, threads=1)


@pytest.fixture(scope="module")
def tile():
    pixels = skimage.data.immunohistochemistry()[:96, :112]
    return Tile(np.ascontiguousarray(pixels), None, "colon")


@pytest.fixture(scope="module")
def model():
    torch.set_num_threads(1)
    return load_model("unet-tiny")


@pytest.fixture
def bench(model, tile):
    return Bench.open(model, tile, calibration=[tile])


def test_dense_result_is_the_model_as_loaded(bench, model, tile):
    params = sum(p.numel() for p in model.module.parameters())
    assert bench.dense.counts.params == params
    assert bench.dense.prediction.labels.shape == tile.pixels.shape[:2]
    assert bench.dense.scores is None


@pytest.mark.parametrize("recovery", ["none", "bn", "refit", "sequential"])
@pytest.mark.parametrize("count", ["params", "macs", "channels"])
def test_round_meets_its_target(bench, recovery, count):
    request = PruneRequest("reconstruction", 0.5, count=count, recovery=recovery)
    round_ = bench.prune(request)
    left = getattr(round_.counts, count) / getattr(bench.dense.counts, count)
    widest = Counter(bench.prunable.graph).per_atom(count).max()
    assert abs(left - 0.5) <= widest / getattr(bench.dense.counts, count) + 1e-9
    module, _ = bench.pruned(request)
    assert sum(p.numel() for p in module.parameters()) == round_.counts.params


def test_nothing_removed_is_full_agreement(bench):
    round_ = bench.prune(PruneRequest("l2", 0.0))
    np.testing.assert_array_equal(
        round_.prediction.labels, bench.dense.prediction.labels
    )
    if bench.dense.prediction.count:
        assert round_.agreement["aji"] == 1.0


def test_dense_model_is_untouched(bench, model):
    before = {k: v.clone() for k, v in model.module.state_dict().items()}
    for recovery in ("none", "bn", "refit"):
        bench.prune(PruneRequest("reconstruction", 0.7, recovery=recovery))
    after = model.module.state_dict()
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_same_request_gives_same_plan(model, tile):
    request = PruneRequest("random", 0.4, seed=3)
    plans = {
        Bench.open(model, tile, calibration=[tile]).prune(request).plan_hash
        for _ in range(2)
    }
    assert len(plans) == 1


def test_random_channels_of_another_seed_have_sizes_of_their_own(bench):
    first, second = (
        bench.curve(PruneRequest("random", 0.5, seed=seed)) for seed in (0, 1)
    )
    assert first.at(0.5).macs != second.at(0.5).macs


def test_curve_agrees_with_rounds(bench):
    for heuristic in ("l2", "reconstruction"):
        for sparsity in (0.2, 0.5, 0.8):
            request = PruneRequest(heuristic, sparsity)
            expected = bench.curve(request).at(sparsity)
            counts = bench.prune(request).counts
            dense = bench.dense.counts
            assert counts.params == pytest.approx(
                expected.params, abs=0.03 * dense.params
            )
            assert counts.macs == pytest.approx(expected.macs, abs=0.03 * dense.macs)


def test_tile_larger_than_a_window(model):
    pixels = np.tile(skimage.data.immunohistochemistry()[:96, :96], (2, 3, 1))
    small = model.spec.__class__(**{**_fields(model.spec), "window": (128, 96)})
    narrow = model.__class__(model.module, small, None)
    bench = Bench.open(narrow, Tile(pixels), calibration=[Tile(pixels)])
    round_ = bench.prune(PruneRequest("l1", 0.3))
    assert round_.prediction.labels.shape == pixels.shape[:2]
    timed = bench.compare(PruneRequest("l1", 0.3), settings=BRIEF)
    assert timed.environment.inputs == ((1, 3, 128, 128),)  # a window, not the tile
    assert timed.pixels == 96**2  # what is kept of it


def _fields(spec):
    return {name: getattr(spec, name) for name in spec.__dataclass_fields__}


def test_ground_truth_is_scored(model, tile):
    truth = np.zeros(tile.pixels.shape[:2], np.int32)
    truth[10:20, 10:20] = 1
    bench = Bench.open(model, tile, truth, calibration=[tile])
    assert bench.dense.scores is not None
    assert bench.prune(PruneRequest("l1", 0.2)).scores is not None


def test_labels_of_another_size_are_refused(model, tile):
    with pytest.raises(InputError, match="label image"):
        Bench.open(model, tile, np.zeros((5, 5), np.int32), calibration=[tile])


def test_cancelled_job_stops(bench):
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        bench.prune(PruneRequest("l1", 0.3), job)


def test_model_is_traced_once_for_several_tiles(bench, model, tile):
    other = Tile(tile.pixels[::-1].copy())
    again = Bench.open(model, other, calibration=[tile], before=bench)
    assert again.prunable is bench.prunable


def test_exported_model_predicts_the_same(bench, tmp_path, tile):
    request = PruneRequest("reconstruction", 0.6)
    round_ = bench.prune(request)
    path = tmp_path / "small.safetensors"
    exported = bench.export(request)
    save_model(path, exported, exported.plan)
    loaded = load_model(path)
    again = Bench.open(loaded, tile, calibration=[tile])
    np.testing.assert_array_equal(
        again.dense.prediction.labels, round_.prediction.labels
    )
    assert again.dense.counts.params == round_.counts.params


def test_layers_name_protected_heads(bench):
    heads = [layer for layer in bench.prunable.layers if layer.protected]
    assert heads
    assert all(layer.width > 0 for layer in bench.prunable.layers)


def test_calibration_spreads_over_tiles(model):
    tiles = [Tile(np.full((300, 600, 3), shade, np.uint8)) for shade in (10, 200)]
    inputs = calibration_inputs(model, tiles, 4)
    assert len(inputs) == 4
    assert len({float(batch.mean()) for batch in inputs}) == 2


def test_trace_does_not_depend_on_the_tile(model):
    first = trace(model.module, torch.zeros(1, 3, 64, 64))
    second = trace(model.module, torch.zeros(1, 3, 96, 128))
    assert first.atoms == second.atoms
