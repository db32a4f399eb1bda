"""Tiles at another pixel size than the model's: results stay on the tile's pixels."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from core.benchmark import Bench
from core.errors import InputError
from core.images import read_tile
from core.images.samples import load_sample
from core.metrics import score_instances
from core.models import load_model
from core.nuclei import (
    find_scale,
    maps_to_tile_grid,
    predict,
    to_model_grid,
    to_tile_grid,
)
from core.types import ModelSpec, Prediction, PruneRequest, Tile

SPEC = ModelSpec("m", "nuclei", "unet", mpp=0.25)


@dataclass
class Loaded:
    module: nn.Module
    spec: ModelSpec


class Dark(nn.Module):
    """Finds what is dark: the foreground is the same at every scale."""

    def forward(self, x):
        dark = (x.mean(1, keepdim=True) < 0.4).float() * 20 - 10
        return {"np": torch.cat([-dark, dark], 1), "dist": (dark > 0).float()}


def spots(mpp, factor=1):
    """Dark discs at 0.25 µm a pixel, shrunk by `factor`."""
    labels = np.zeros((240, 320), np.int32)
    centres = [(x, y) for y in range(30, 240, 48) for x in range(30, 320, 48)]
    for number, centre in enumerate(centres, start=1):
        cv2.circle(labels, centre, 13, number, -1)
    grey = np.where(labels > 0, 60, 230).astype(np.uint8)
    size = (320 // factor, 240 // factor)
    pixels = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return Tile(np.repeat(pixels[..., None], 3, axis=2), mpp), labels


def test_the_factor_is_pixels_of_the_model_for_one_of_the_tile():
    tile = Tile(np.zeros((10, 10, 3), np.uint8), 0.5)
    assert find_scale(tile, SPEC).factor == pytest.approx(2)
    assert find_scale(replace(tile, mpp=0.125), SPEC).factor == pytest.approx(0.5)
    for same in (0.25, 0.252, 0.23, None):
        assert not find_scale(replace(tile, mpp=same), SPEC).resampled
    assert not find_scale(tile, replace(SPEC, mpp=None)).resampled
    assert not find_scale(replace(tile, rescale=False), SPEC).resampled


def test_the_sentence_says_what_was_done():
    tile = Tile(np.zeros((10, 10, 3), np.uint8), 0.5)
    assert "enlarged 2 times" in find_scale(tile, SPEC).describe()
    assert "shrunk 2 times" in find_scale(replace(tile, mpp=0.125), SPEC).describe()
    off = find_scale(replace(tile, rescale=False), SPEC)
    assert off.describe().startswith("Not resampled, as asked")
    assert off.deserves_a_note
    unknown = find_scale(replace(tile, mpp=None), SPEC)
    assert "--tile-mpp" in unknown.describe()
    assert not unknown.deserves_a_note
    assert "Same scale" in find_scale(replace(tile, mpp=0.25), SPEC).describe()


@pytest.mark.parametrize(("mpp", "factor"), [(0.25, 1), (0.5, 2), (1.0, 4)])
def test_nuclei_come_back_on_the_pixels_of_the_tile(mpp, factor):
    tile, labels = spots(mpp, factor)
    spec = replace(SPEC, threshold={"smallest": 100, "merge": 0.0})
    found = predict(Loaded(Dark(), spec), tile)
    assert found.labels.shape == tile.pixels.shape[:2]
    assert found.count == labels.max()
    # of three pixels of radius, a rim of half a pixel is a third of the area
    assert score_instances(labels, found.labels).aji > (0.6 if factor == 4 else 0.8)
    alone = predict(Loaded(Dark(), spec), replace(tile, rescale=False))
    assert alone.count == labels.max() if factor == 1 else alone.count < labels.max()


def test_a_finer_tile_is_shrunk_for_the_model():
    tile, labels = spots(0.0625)
    seen = to_model_grid(tile, SPEC)
    assert seen.pixels.shape == (60, 80, 3)
    assert seen.mpp == 0.25
    found = predict(Loaded(Dark(), replace(SPEC, threshold={"smallest": 4})), tile)
    assert found.labels.shape == labels.shape
    assert score_instances(labels, found.labels).aji > 0.7


def test_nuclei_that_vanish_leave_no_gaps_and_take_their_types_along():
    labels = np.zeros((8, 8), np.int32)
    labels[0, 0] = 1  # gone on the coarser grid
    labels[2:6, 2:6] = 2
    labels[6:, 6:] = 3
    found = to_tile_grid(Prediction(labels, np.array([5, 6, 7])), (4, 4))
    assert sorted(np.unique(found.labels)) == [0, 1, 2]
    assert found.classes.tolist() == [6, 7]


def test_maps_come_back_with_their_own_values():
    maps = {"np": np.full((8, 12), 0.5, np.float32), "hv": np.zeros((2, 8, 12), "f4")}
    maps["tp"] = np.full((8, 12), 3, np.uint8)
    found = maps_to_tile_grid(maps, (4, 6))
    assert {name: each.shape for name, each in found.items()} == {
        "np": (4, 6), "hv": (2, 4, 6), "tp": (4, 6),
    }  # fmt: skip
    assert (found["np"] == 0.5).all()
    assert (found["tp"] == 3).all()


def test_what_would_be_too_large_is_refused():
    tile = Tile(np.zeros((4000, 4000, 3), np.uint8), 1.0)
    with pytest.raises(InputError, match=r"16,000 x 16,000.*--region"):
        to_model_grid(tile, SPEC)
    with pytest.raises(InputError, match="too coarse to show nuclei"):
        to_model_grid(Tile(np.zeros((10, 10, 3), np.uint8), 8.0), SPEC)


@pytest.fixture(scope="module")
def half():
    """The synthetic sample at 0.5 µm, and its ground truth."""
    sample = load_sample("synthetic")
    pixels = cv2.resize(sample.tile.pixels, (256, 256), interpolation=cv2.INTER_AREA)
    labels = cv2.resize(
        sample.labels, (256, 256), interpolation=cv2.INTER_NEAREST_EXACT
    )
    return Tile(pixels, 0.5, "half", ("a note of the reader",)), labels


def test_a_bench_works_at_the_scale_of_its_model(half):
    model = load_model("demo-90")
    tile, labels = half
    bench = Bench.open(model, tile, labels, calibration=[tile])
    assert bench.scale.factor == pytest.approx(2)
    found = bench.dense
    assert found.prediction.labels.shape == labels.shape
    assert found.notes[0] == "a note of the reader"
    assert "enlarged 2 times" in found.notes[1]
    np.testing.assert_array_equal(found.prediction.labels, predict(model, tile).labels)
    outcome = bench.prune(PruneRequest("l2", 0.3, recovery="none"))
    assert outcome.prediction.labels.shape == labels.shape
    off = Bench.open(model, replace(tile, rescale=False), labels, before=bench)
    assert off.dense.scores["aji"] < 0.9 * found.scores["aji"]
    assert "Not resampled" in off.dense.notes[1]


CASES = Path(__file__).parents[4] / "shared" / "cases"


@pytest.mark.skipif(
    not CASES.is_dir() and not os.environ.get("CI"), reason=f"{CASES} is not there"
)
def test_counts_of_the_cases():
    model = load_model("demo")
    counts = {}
    for mpp in ("0.25", "0.5"):
        tile = read_tile(CASES / "images" / f"mpp_{mpp}.tif")
        counts[mpp] = predict(model, tile).count
    assert counts["0.5"] == pytest.approx(counts["0.25"], rel=0.15)
