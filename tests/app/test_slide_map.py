"""Which part of a slide a rectangle stands for: properties of pure functions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.state.slide_map import (
    MOST_READ,
    MOST_SEEN,
    SlideLevel,
    SlideMap,
    around,
    centred,
    clipped,
    find_level,
    find_part,
    find_region,
    measure_part,
    moved_part,
)
from app.worker.slides import find_detail
from core.sources import Source

FINE = SlideMap(
    Source("file", "a.svs"),
    "Aperio SVS",
    tuple(
        SlideLevel((50_000 // step, 30_011 // step), 0.25 * step)
        for step in (1, 4, 16, 64)
    ),
    wanted=0.25,
)
LOST = replace(FINE, levels=tuple(SlideLevel(each.size) for each in FINE.levels))

sides = st.integers(0, 60_000)
slides = st.builds(
    lambda slide, wanted: replace(slide, wanted=wanted),
    st.sampled_from([FINE, LOST]),
    st.sampled_from([0.1, 0.25, 0.4, 0.5, 1.0, 2.0, None]),
)


@given(slides, sides, sides, sides, sides)
def test_a_part_lies_inside_its_level_and_leads_back(slide, x, y, wide, tall):
    region = clipped(slide, (x, y, wide, tall))
    view = find_part(slide, region)
    left, top, width, height = view.region
    size = slide.levels[view.level].size
    assert 0 <= left <= left + width <= size[0]
    assert 0 <= top <= top + height <= size[1]
    step = slide.size[0] / size[0]
    back = find_region(slide, view)
    assert np.abs(np.subtract(back, region)).max() <= 1.5 * step + 1


@given(slides)
def test_the_level_is_the_coarsest_that_is_fine_enough(slide):
    level = find_level(slide)
    sizes = [each.mpp for each in slide.levels]
    if slide.wanted is None or sizes[0] is None or sizes[0] > 1.01 * slide.wanted:
        assert level == 0
        return
    assert sizes[level] <= 1.01 * slide.wanted
    assert all(size > 1.01 * slide.wanted for size in sizes[level + 1 :])


@given(slides, sides, sides, st.integers(1, 9000), st.integers(1, 9000))
def test_a_moved_part_keeps_its_size(slide, x, y, wide, tall):
    view = find_part(slide, clipped(slide, (500, 700, wide, tall)))
    moved = moved_part(slide, view, (x, y))
    assert moved.region[2:] == view.region[2:]
    assert replace(moved, region=view.region) == view
    left, top, width, height = moved.region
    size = slide.levels[view.level].size
    assert 0 <= left <= left + width <= size[0]
    assert 0 <= top <= top + height <= size[1]


def test_a_much_finer_level_is_shrunk_as_it_is_read():
    slide = replace(FINE, wanted=0.5)
    view = find_part(slide, (0, 0, 4000, 2000))
    assert (view.level, view.mpp) == (0, 0.5)
    size = measure_part(slide, (0, 0, 4000, 2000))
    assert (size.tile, size.mpp, size.read) == ((2000, 1000), 0.5, 8_000_000)
    assert size.seen == 2_000_000


def test_a_coarse_slide_counts_at_the_scale_of_the_model():
    slide = replace(FINE, levels=FINE.levels[1:], wanted=0.25)
    size = measure_part(slide, (0, 0, 1000, 1000))
    assert (size.tile, size.mpp, size.seen) == ((1000, 1000), 1.0, 16_000_000)
    assert size.most == pytest.approx(16_000_000 / MOST_SEEN)
    assert measure_part(FINE, (0, 0, 9000, 9000)).most > 1
    assert measure_part(FINE, (0, 0, 5000, 5000)).read == MOST_READ


def test_a_typed_pixel_size_decides_the_level():
    slide = replace(LOST, wanted=1.0)
    assert find_part(slide, (0, 0, 800, 400)).level == 0
    view = find_part(slide, (0, 0, 800, 400), 0.25)
    assert (view.level, view.region[2:], view.pixel_size) == (1, (200, 100), 1.0)


@given(sides, sides)
def test_a_click_takes_a_square_of_the_models_pixels(x, y):
    slide = replace(FINE, wanted=0.5)
    assert around(slide, (x, y))[2:] == (2048, 2048)
    assert centred(slide, (x, y), (99_999, 10))[2:] == (50_000, 10)


def test_what_is_proposed_is_full_of_tissue():
    pixels = np.full((400, 600, 3), 240, np.uint8)
    noise = np.random.default_rng(0).integers(60, 160, (150, 200, 1), np.uint8)
    pixels[200:350, 300:500] = noise
    pixels[20:60, 20:24] = 0  # a stroke of a pen on glass
    x, y = find_detail(pixels, 16.0)
    assert 300 <= x / 16 <= 500
    assert 200 <= y / 16 <= 350
