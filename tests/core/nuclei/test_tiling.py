"""Tiles of any size, patch by patch."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import ModelError
from core.job import Cancelled, Job
from core.nuclei import forward, predict, raw_maps, to_input
from core.nuclei.spans import spans
from core.types import ModelSpec, Tile


class Bright(nn.Module):
    """A stand-in whose nuclei are what is bright; exact, and local."""

    def __init__(self, shrink=0):
        super().__init__()
        self.seen: list[tuple[int, int]] = []
        self.shrink = shrink
        self.unused = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        self.seen.append(tuple(x.shape[-2:]))
        assert x.shape[-1] % 16 == 0 or self.shrink
        assert x.shape[-2] % 16 == 0 or self.shrink
        grey = x.mean(dim=1, keepdim=True)
        if self.shrink:
            s = self.shrink
            grey = grey[..., s:-s, s:-s]
            both = torch.cat([0.5 - grey, grey - 0.5], dim=1) * 20
            return {"np": both, "hv": torch.zeros_like(both)}
        return {"np": 20 * (grey - 0.5), "dist": grey}


@dataclass(frozen=True)
class Loaded:
    module: nn.Module
    spec: ModelSpec


def model(window=(64, 48)):
    return Loaded(Bright(), ModelSpec("b", "nuclei", "unet", window=window))


def valid_model():
    spec = ModelSpec("v", "nuclei", "hovernet", stride=8, reader="hv", window=(48, 24))
    return Loaded(Bright(shrink=12), spec)


def tile(height, width, seed=0):
    rng = np.random.default_rng(seed)
    return Tile(rng.integers(0, 256, (height, width, 3)).astype(np.uint8))


@pytest.mark.parametrize("make", [model, valid_model])
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 90), (16, 16), (64, 64), (65, 63), (130, 97), (300, 40)]
)
def test_maps_do_not_depend_on_how_a_tile_is_divided(make, shape):
    given = make()
    picture = tile(*shape)
    maps = raw_maps(given, picture)
    grey = picture.pixels.mean(axis=2) / 255

    assert maps["np"].shape == shape
    np.testing.assert_array_equal(maps["np"] > 0.5, grey > 0.5)
    assert all(max(size) <= given.spec.window[0] for size in given.module.seen)


@pytest.mark.parametrize("side", [1, 15, 16, 64, 65, 100, 113, 500, 1001])
@pytest.mark.parametrize("spec", [model().spec, valid_model().spec])
def test_spans_cover_every_pixel_once(side, spec):
    found = spans(side, spec)
    covered = np.concatenate([np.arange(s.place.start, s.place.stop) for s in found])

    assert np.array_equal(covered, np.arange(side))
    for span in found:
        assert span.keep.stop - span.keep.start == span.place.stop - span.place.start
        assert span.feed.stop - span.feed.start <= spec.window[0]


@pytest.mark.parametrize("size", [64, 63, 48, 1])
def test_a_small_tile_is_one_pass(size):
    given = model()
    predict(given, tile(size, size))
    assert len(given.module.seen) == 1


def test_a_nucleus_on_a_seam_is_found_once():
    picture = np.zeros((150, 200, 3), np.uint8)
    y, x = np.ogrid[:150, :200]
    centres = [(r, c) for r in range(20, 150, 25) for c in range(15, 200, 25)]
    for row, col in centres:
        picture[(y - row) ** 2 + (x - col) ** 2 <= 64] = 255
    given = model()
    found = predict(given, Tile(picture))

    assert len(given.module.seen) > 4
    assert found.count == len(centres)
    assert len({found.labels[centre] for centre in centres}) == len(centres)
    assert np.array_equal(found.labels > 0, picture[..., 0] > 0)


def test_pieces_are_what_predict_does():
    given, picture = model(), tile(50, 61)
    inputs = to_input(given, picture)
    maps = forward(given.module, given.spec, inputs, (50, 61))

    assert inputs.shape == (1, 3, 64, 64)
    np.testing.assert_array_equal(maps["np"], raw_maps(given, picture)["np"])


@pytest.mark.parametrize(
    ("bounds", "mean", "std", "white"),
    [((0, 1), (0, 0, 0), (1, 1, 1), 1.0), ((0, 255), (0, 0, 0), (1, 1, 1), 255.0),
     ((-1, 1), (0, 0, 0), (1, 1, 1), 1.0), ((0, 1), (0.5,) * 3, (0.25,) * 3, 2.0)],
)  # fmt: skip
def test_input_is_scaled_as_the_spec_says(bounds, mean, std, white):
    spec = replace(model().spec, input_range=bounds, mean=mean, std=std)
    inputs = to_input(Loaded(Bright(), spec), Tile(np.full((16, 32, 3), 255, np.uint8)))

    assert inputs.shape == (1, 3, 16, 32)
    assert inputs.dtype == torch.float32
    torch.testing.assert_close(inputs, torch.full_like(inputs, white))


def test_every_patch_is_reported_and_cancel_stops_within_a_layer():
    steps = []
    given = model()
    job = Job(steps.append)
    raw_maps(given, tile(150, 150), job)
    assert [s.done for s in steps] == list(range(len(given.module.seen) + 1))
    assert {s.total for s in steps} == {len(given.module.seen)}

    stopped = model()
    job = Job(lambda step: job.cancel() if step.done == 2 else None)
    with pytest.raises(Cancelled):
        raw_maps(stopped, tile(150, 150), job)
    assert len(stopped.module.seen) == 2


def test_a_network_without_the_map_its_reader_needs_is_named():
    class Lacking(Bright):
        def forward(self, x):
            return {"np": x[:, :1]}

    with pytest.raises(ModelError, match="gives no map 'dist'"):
        predict(Loaded(Lacking(), model().spec), tile(16, 16))


def test_the_u_net_reads_a_tile_of_odd_size():
    from core.models.unet import UNet

    torch.manual_seed(0)
    spec = ModelSpec("u", "nuclei", "unet", classes=("a", "b"), window=(64, 32))
    given = Loaded(UNet(base=4, types=2).eval(), spec)
    found = predict(given, tile(75, 33))
    assert found.labels.shape == (75, 33)
    assert len(found.classes) == found.count
