"""A slide from end to end, against what a tile of the same pixels gives."""

import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import shape

from core.errors import InputError
from core.export import NucleusStyle
from core.images import read_tile
from core.job import Cancelled, Job
from core.metrics import score_instances
from core.nuclei import predict
from core.types import Tile
from core.wholeslide import SlideSettings, run_slide
from core.wholeslide.outputs import (
    FoundNuclei,
    write_label_pyramid,
    write_slide_geojson,
)
from core.wholeslide.regions import find_regions, summarise
from core.wholeslide.time_left import TimeLeft
from tests.core.wholeslide.conftest import make_model, make_pixels, write_pyramid

STYLES = [NucleusStyle(name, (9, 9, 9)) for name in ("Nucleus", "red", "green")]


def painted(run, model=0):
    """Labels of the whole slide."""
    width, height = run.grid.size
    return FoundNuclei(run, model).paint_part((0, 0), (height, width)).astype(np.int32)


def as_partition(labels):
    """The nuclei, whatever their numbers: each by its first pixel and its area."""
    ids, first, areas = np.unique(labels, return_index=True, return_counts=True)
    return {(int(f), int(a)) for i, f, a in zip(ids, first, areas, strict=True) if i}


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "out"
    place.mkdir()
    return place


def test_a_slide_gives_what_a_tile_of_its_pixels_gives(model, slide, folder):
    run = run_slide([model], slide, folder)
    whole = predict(model, read_tile(slide))
    labels = painted(run)
    assert run.grid.shape == (4, 5)
    assert whole.count > 100
    np.testing.assert_array_equal(labels > 0, whole.labels > 0)
    assert as_partition(labels) == as_partition(whole.labels)
    kinds = np.zeros(3, int)
    for _, facts in run.log.facts():
        kinds += facts["counts"][0]
    np.testing.assert_array_equal(kinds, np.bincount(whole.classes, minlength=3))
    run.log.close()


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(20, 300), st.integers(20, 300), st.integers(0, 99))
def test_of_any_size(tmp_path_factory, height, width, seed):
    place = tmp_path_factory.mktemp("any")
    path = write_pyramid(place / "s.tif", make_pixels(height, width, seed), levels=1)
    model = make_model()
    run = run_slide([model], path, place, SlideSettings(everywhere=True))
    whole = predict(model, read_tile(path))
    score = score_instances(whole.labels, painted(run))
    assert whole.count == 0 or score.aji > 0.995
    run.log.close()


def test_unpadded_networks_see_what_a_tile_shows_them(tmp_path):
    """Mirrored at the borders of the slide, and at no other place."""
    model = make_model(reader="distance", window=(128, 96))
    spec = replace(model.spec, reader="hv", window=(128, 96), stride=8)
    path = write_pyramid(tmp_path / "s.tif", make_pixels(300, 260), levels=1)
    from core.images import read_slide
    from core.nuclei.mosaic import take_pixels
    from core.nuclei.preprocess import margin
    from core.nuclei.spans import spans
    from core.wholeslide import build_grid

    pixels, around = read_tile(path).pixels, margin(spec)

    def ends(span):
        return span.feed.start - around, span.feed.stop - around

    with read_slide(path) as slide:
        grid = build_grid(slide, spec)
        for number in range(int(np.prod(grid.shape))):
            row, column = grid.spans(number)
            assert row in spans(300, spec)
            expected = take_pixels(pixels, ends(row), ends(column))
            np.testing.assert_array_equal(grid.read(slide, number), expected)


def test_a_slide_of_another_scale_is_resampled_without_seams(tmp_path, folder):
    """Twice as coarse: what a tile gives, which is resampled as a whole."""
    pixels = make_pixels(300, 360)
    path = write_pyramid(tmp_path / "s.tif", pixels, mpp=1.0, levels=1)
    model = make_model(mpp=0.5)
    run = run_slide([model], path, folder, SlideSettings(everywhere=True))
    assert (run.grid.size, run.grid.step, run.grid.mpp) == ((720, 600), 0.5, 0.5)
    import cv2

    large = cv2.resize(pixels, (720, 600), interpolation=cv2.INTER_CUBIC)
    whole = predict(model, Tile(large, 0.5))
    assert as_partition(painted(run)) == as_partition(whole.labels)
    write_slide_geojson(folder / "n.geojson", run, 0, STYLES)
    found = json.loads((folder / "n.geojson").read_text())["features"]
    corners = np.array([shape(each["geometry"]).bounds for each in found])
    assert corners[:, 2].max() <= 360
    assert corners[:, 3].max() <= 300
    assert corners[:, 2].max() > 350
    run.log.close()


def test_glass_is_not_looked_at(tmp_path, folder, model):
    path = write_pyramid(tmp_path / "s.tif", make_pixels(400, 900, glass=420))
    run = run_slide([model], path, folder)
    assert run.tissue.any(axis=0).tolist() == [True] * 6 + [False] * 4
    assert model.module.calls == run.tissue.sum()
    assert sum(summarise(run)["patches"].values()) == run.tissue.size + run.tissue.sum()
    run.log.close()


def test_files_show_the_same_nuclei(model, pruned, slide, folder):
    run = run_slide([model, pruned], slide, folder)
    for number in (0, 1):
        labels = painted(run, number)
        total = write_slide_geojson(folder / "n.geojson", run, number, STYLES)
        found = json.loads((folder / "n.geojson").read_text())["features"]
        assert len(found) == total == len(np.unique(labels)) - 1
        areas = sum(shape(each["geometry"]).area for each in found)
        assert areas == (labels > 0).sum()
        write_label_pyramid(folder / "l.ome.tif", run, number)
        with tifffile.TiffFile(folder / "l.ome.tif") as tiff:
            series = tiff.series[0]
            assert tiff.is_ome
            assert len(series.levels) == 2
            for level, each in enumerate(series.levels):
                step = 2**level
                np.testing.assert_array_equal(each.asarray(), labels[::step, ::step])
    run.log.close()


def test_what_the_pruned_model_changed_adds_up(model, pruned, slide, folder):
    run = run_slide([model, pruned], slide, folder)
    found = summarise(run)
    dense, other = (each["nuclei"] for each in found["models"])
    changes = {kind: each["nuclei"] for kind, each in found["changes"].items()}
    assert dense == sum(changes.values()) - changes["new"]
    assert changes["lost"] > 0
    assert other > 0
    regions = find_regions(run)
    assert sum(each.dense for each in regions) == dense
    assert sum(each.area for each in regions) == pytest.approx(400 * 500 * 0.25 / 1e6)
    damage = [each.damage for each in regions]
    assert damage == sorted(damage, reverse=True)
    assert found["time"]["shares"].keys() == {"read", "network", "instances"}
    low, high = found["time"]["interval"]
    assert low <= found["time"]["speedup"] <= high
    run.log.close()


def test_a_run_that_was_stopped_goes_on(model, pruned, slide, tmp_path):
    def stop(step):
        if step.done == 7:
            raise Cancelled

    parts, whole = tmp_path / "parts", tmp_path / "whole"
    parts.mkdir()
    whole.mkdir()
    with pytest.raises(Cancelled):
        run_slide([model, pruned], slide, parts, job=Job(stop))
    before = model.module.calls
    assert before == 7
    again = run_slide([model, pruned], slide, parts)
    assert model.module.calls - before == 20 - 7
    straight = run_slide([model, pruned], slide, whole)
    for number in (0, 1):
        np.testing.assert_array_equal(painted(again, number), painted(straight, number))
    again.log.close()
    straight.log.close()


def test_a_folder_of_another_run_is_refused(model, pruned, slide, folder):
    run_slide([model], slide, folder).log.close()
    with pytest.raises(InputError, match="another model, pruned model"):
        run_slide([pruned, model], slide, folder)
    with pytest.raises(InputError, match="choose another folder"):
        run_slide([model], slide, folder, SlideSettings(everywhere=True))


def test_batches_change_nothing(model, slide, tmp_path):
    found = []
    for size in (1, 5):
        place = tmp_path / str(size)
        place.mkdir()
        run = run_slide([model], slide, place, SlideSettings(batch=size))
        found.append(painted(run))
        run.log.close()
    np.testing.assert_array_equal(*found)


def test_too_little_memory_is_noted_and_fewer_patches_are_run(model, slide, tmp_path):
    whole, small = tmp_path / "whole", tmp_path / "small"
    whole.mkdir()
    small.mkdir()
    expected = run_slide([model], slide, whole)
    tight = make_model()
    plain, sizes = tight.module.forward, []

    def forward(inputs):
        sizes.append(len(inputs))
        if len(inputs) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return plain(inputs)

    tight.module.forward = forward
    found = run_slide([tight], slide, small, SlideSettings(batch=8))
    with expected.log as first, found.log as second:
        assert nuclei_of(first) == nuclei_of(second)
    assert (sizes.count(8), sizes.count(4)) == (1, 2)  # too many are tried once
    assert found.notes[-1].startswith("The memory of the device held 2 of 8 patches")


def nuclei_of(log):
    return [log.nuclei(number).to_bytes() for number, _ in log.facts()]


def test_models_of_other_patches_are_refused(model, slide, folder):
    other = make_model(window=(160, 96))
    with pytest.raises(InputError, match="take other patches"):
        run_slide([model, other], slide, folder)
    patch = make_model(task="patch")
    with pytest.raises(InputError, match="whole patch"):
        run_slide([patch], slide, folder)


@given(seed=st.integers(0, 2**32 - 1), typical=st.floats(0.05, 1.0))
def test_time_left_is_right_within_a_fifth_after_a_minute(seed, typical):
    durations = np.random.default_rng(seed).lognormal(np.log(typical), 0.3, 2700)
    now, done = [0.0], 0
    left = TimeLeft(len(durations), lambda: now[0])
    while now[0] < 60:
        now[0] += durations[done]
        left.finish(1)
        done += 1
    assert left.seconds == pytest.approx(durations[done:].sum(), rel=0.2)


@given(
    seed=st.integers(0, 2**32 - 1),
    runs=st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=20),
)
def test_time_left_holds_where_tissue_is_uneven(seed, runs):
    """Glass costs nothing: it is no patch. Dense tissue costs nuclei, not networks."""
    rng = np.random.default_rng(seed)
    tissue = np.repeat([kind for _, kind in runs], [count for count, _ in runs])
    network = rng.lognormal(np.log(0.5), 0.1, len(tissue) + 1000)
    nuclei = np.append(np.where(tissue, 0.04, 0.0), np.full(1000, 0.02))
    durations = network + nuclei  # at most 8 % of a patch
    now, done = [0.0], 0
    left = TimeLeft(len(durations), lambda: now[0])
    while now[0] < 60:
        now[0] += durations[done]
        left.finish(1)
        done += 1
    assert left.seconds == pytest.approx(durations[done:].sum(), rel=0.2)


def test_patches_that_come_together_only_start_the_clock():
    now = [0.0]
    left = TimeLeft(1000, lambda: now[0])
    for _ in range(10):
        now[0] += 8.0
        for _ in range(16):  # two workers, eight patches each
            left.finish(1, burst=16)
    assert left.seconds == pytest.approx((1000 - 160) * 0.5)


def test_time_left_goes_by_the_patches_of_this_run():
    now = [0.0]
    left = TimeLeft(101, lambda: now[0])
    assert left.seconds is None
    now[0] = 30.0  # the first patch pays for what is set up once
    left.finish(1)
    assert left.words() == ""
    for _ in range(25):
        now[0] += 2.0
        left.finish(1)
    assert left.seconds == pytest.approx(150)
    assert left.words() == ", about 2 min left"
