"""Patches in the order of what is looked at; parts that are seen before them."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core.benchmark.growing import find_middle
from core.benchmark.tasks.nuclei import NucleiTask
from core.benchmark.tasks.parts import NucleiParts
from core.job import Cancelled, Job
from core.nuclei import raw_maps
from core.nuclei.mosaic import HALO, Mosaic, take_pixels
from core.nuclei.tiling import finish
from core.rects import overlaps
from core.types import LabelledTile, ModelSpec, Tile


class Blurred(nn.Module):
    """Sees twelve pixels around each; its maps depend on what it is given."""

    def __init__(self):
        super().__init__()
        self.blur = nn.Conv2d(3, 1, 25, padding=12, bias=False)
        nn.init.constant_(self.blur.weight, 1 / (3 * 25 * 25))
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        grey = self.blur(x)
        return {"np": 20 * (grey - 0.5), "dist": grey}


@dataclass(frozen=True)
class Loaded:
    module: nn.Module
    spec: ModelSpec
    trained: bool = True


def model(window=(64, 32)):
    spec = ModelSpec("b", "nuclei", "unet", window=window, threshold={"smallest": 0})
    return Loaded(Blurred(), spec)


def tile(height=150, width=170, seed=0):
    rng = np.random.default_rng(seed)
    return Tile(rng.integers(0, 256, (height, width, 3)).astype(np.uint8))


RECTS = st.tuples(
    st.integers(0, 140), st.integers(0, 120), st.integers(4, 60), st.integers(4, 60)
)


@given(st.none() | RECTS)
@settings(max_examples=10, deadline=None)
def test_patches_come_in_order_of_their_distance_and_join_to_the_same_maps(seen):
    given_model, picture = model(), tile()
    mosaic, order = Mosaic(given_model, picture), []
    while not mosaic.complete:
        order.append(mosaic.find_next(seen))
        mosaic.add(order[-1])
    x, y, width, height = seen or (0, 0, 170, 150)
    middles = np.array(
        [
            (c[0] + c[2] / 2 - x - width / 2, c[1] + c[3] / 2 - y - height / 2)
            for c in mosaic.cells
        ]
    )
    far = np.square(middles).sum(1)[order]
    assert sorted(order) == list(range(mosaic.total))
    assert (np.diff(far) >= 0).all()
    plain = raw_maps(given_model, picture)
    for name, values in plain.items():
        np.testing.assert_array_equal(mosaic.maps[name], values)


def test_looking_elsewhere_changes_what_comes_next():
    mosaic, job = Mosaic(model(), tile()), Job()
    job.look((0, 0, 20, 20))
    steps = finish(mosaic, job)
    next(steps)
    assert mosaic.has(0)
    job.look((160, 140, 10, 10))
    next(steps)
    assert mosaic.has(mosaic.total - 1)


def test_only_patches_on_screen_are_named():
    mosaic, part = Mosaic(model(), tile()), (70, 70, 30, 30)
    while (cell := mosaic.find_next(part, part)) is not None:
        assert overlaps(mosaic.cells[cell], part)
        mosaic.add(cell)
    assert 0 < mosaic.finished < mosaic.total
    assert all(overlaps(c, part) for c in mosaic.done)


@given(RECTS)
@settings(max_examples=15, deadline=None)
def test_a_preview_is_what_the_joined_patches_are_where_its_halo_is_wide_enough(part):
    given_model, picture = model(window=(96, 32)), tile()  # both see 12 pixels around
    mosaic = Mosaic(given_model, picture)
    found = mosaic.preview(part)
    x, y, width, height = part
    exact = raw_maps(given_model, picture)["dist"][y : y + height, x : x + width]
    # the edge of the tile is padded by zeros, or mirrored on: as by each patch
    inner = (slice(max(12 - y, 0), 138 - y), slice(max(12 - x, 0), 158 - x))
    assert HALO >= 12
    np.testing.assert_allclose(found["dist"][inner], exact[inner], atol=1e-5)


def test_a_preview_keeps_the_values_of_patches_that_are_done():
    mosaic = Mosaic(model(), tile())
    cell = mosaic.find_next((60, 60, 40, 40))
    mosaic.add(cell)
    x, y, width, height = mosaic.cells[cell]
    found = mosaic.preview((x - 5, y - 5, width + 10, height + 10))
    kept = mosaic.read((x, y, width, height))["np"]
    np.testing.assert_array_equal(found["np"][5 : 5 + height, 5 : 5 + width], kept)


def test_a_part_that_lies_on_many_patches_is_seen_in_one_pass():
    mosaic = Mosaic(model(window=(256, 128)), tile(600, 600))
    crossing = next(c for c in mosaic.cells if c[0] and c[1])
    assert mosaic.previews((crossing[0] - 20, crossing[1] - 20, 40, 40))
    mosaic.add(mosaic.cells.index(crossing))
    x, y, width, height = crossing
    assert not mosaic.previews((x + 8, y + 8, width - 16, height - 16))
    assert not mosaic.previews((0, 0, 600, 600))


@pytest.mark.parametrize("side", [1, 2, 5, 40])
def test_pixels_are_mirrored_as_opencv_does(side):
    import cv2

    pixels = tile(side, side).pixels
    expected = cv2.copyMakeBorder(pixels, 30, 45, 12, 9, cv2.BORDER_REFLECT_101)
    found = take_pixels(pixels, (-30, side + 45), (-12, side + 9))
    np.testing.assert_array_equal(found, expected)


def test_cancel_stops_within_a_layer():
    class Two(Blurred):
        def forward(self, x):
            job.cancel()
            return super().forward(x)

    job, given_model = Job(), model()
    module = Two()
    mosaic = Mosaic(replace(given_model, module=module), tile())
    with pytest.raises(Cancelled):
        mosaic.add(0, job)
    assert mosaic.finished == 0
    mosaic.add(0)  # and it can go on
    assert mosaic.finished == 1


@given(RECTS)
@settings(max_examples=10, deadline=None)
def test_a_part_of_the_whole_has_its_nuclei_and_no_others(part):
    task = NucleiTask(model(), [LabelledTile("t", tile())], keep_maps=True)
    parts = NucleiParts(task)
    whole = task.predict(task.model.module, 0)
    own = parts.describe(parts.start(task.model.module), [part], whole=True)
    cut = parts.cut(whole, own).prediction
    x, y, width, height = own.box
    before = whole.prediction.labels[y : y + height, x : x + width]
    assert cut.labels.shape == before.shape
    pairs = set(zip(before.ravel().tolist(), cut.labels.ravel().tolist(), strict=True))
    assert len({a for a, _ in pairs}) == len(pairs) == len({b for _, b in pairs})
    assert np.array_equal(before > 0, cut.labels > 0)
    assert cut.count == len(pairs) - (0 in before)


def test_the_middle_is_a_quarter():
    x, y, width, height = find_middle((10, 20, 100, 60))
    assert (x, y, width, height) == (35, 35, 50, 30)


@given(
    st.tuples(st.integers(40, 120), st.integers(40, 120)),
    st.floats(0.11, 0.5),
    st.tuples(*(4 * [st.floats(0, 1)])),
)
@settings(max_examples=60, deadline=None)
def test_what_is_looked_at_is_covered_whatever_the_size_of_pixels(size, mpp, cut):
    """Or it would be asked for again without end."""
    (height, width), (left, top, across, down) = size, cut
    x, y = int(left * (width - 1)), int(top * (height - 1))
    part = x, y, 1 + int(across * (width - 1 - x)), 1 + int(down * (height - 1 - y))
    network = model()
    network = replace(network, spec=replace(network.spec, mpp=0.25))
    pixels = np.zeros((height, width, 3), np.uint8)
    task = NucleiTask(network, [LabelledTile("t", Tile(pixels, mpp))], keep_maps=True)
    parts = NucleiParts(task)
    seen = parts.to_model(part)
    described = parts.describe(parts.start(network.module), [seen], whole=True)
    assert described.covers(part)
