import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.rendering.overlay import (
    Camera,
    Colours,
    compose,
    edges,
    fit,
    label_pyramid,
    picture_pyramid,
    premultiplied,
    sample,
)


def scattered(count, side, seed):
    """Single-pixel nuclei: the first to vanish from a careless picture."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((side, side), np.int32)
    places = rng.choice(side * side, count, replace=False)
    labels.ravel()[places] = np.arange(1, count + 1)
    return labels


@given(seed=st.integers(0, 1000), zoom=st.floats(0.06, 1.0))
def test_no_nucleus_vanishes_when_zoomed_out(seed, zoom):
    # Far enough apart that two never share a screen pixel.
    labels = np.zeros((512, 512), np.int32)
    rng = np.random.default_rng(seed)
    number = 0
    for y in range(0, 512, 64):
        for x in range(0, 512, 64):
            number += 1
            dy, dx = rng.integers(0, 16, 2)
            labels[y + dy, x + dx] = number
    size = (int(512 * zoom) + 4, int(512 * zoom) + 4)
    seen = sample(label_pyramid(labels), Camera(256, 256, zoom), size)
    assert set(np.unique(seen)) == set(range(number + 1))


def test_sample_at_full_size_is_the_tile():
    labels = scattered(200, 64, 0)
    seen = sample(label_pyramid(labels), Camera(32, 32, 1.0), (64, 64))
    np.testing.assert_array_equal(seen, labels)


@pytest.mark.parametrize("factor", [2, 5])
def test_sample_zoomed_in_repeats_pixels(factor):
    labels = scattered(30, 32, 1)
    seen = sample(
        label_pyramid(labels), Camera(16, 16, factor), (32 * factor, 32 * factor)
    )
    np.testing.assert_array_equal(seen, labels.repeat(factor, 0).repeat(factor, 1))


def test_outside_the_tile_is_background():
    labels = np.ones((8, 8), np.int32)
    seen = sample((labels,), Camera(-100, -100, 1.0), (20, 10))
    assert seen.shape == (10, 20)
    assert not seen.any()


def test_edges_are_inside_and_between_neighbours():
    labels = np.zeros((9, 9), np.int32)
    labels[1:8, 1:4] = 1
    labels[1:8, 4:8] = 2
    rim = edges(labels, 1)
    assert not rim[labels == 0].any()
    assert rim[4, 3]
    assert rim[4, 4]
    assert not rim[4, 2]


def test_compose_draws_line_inside_and_hatch():
    labels = np.zeros((40, 40), np.int32)
    labels[5:35, 5:35] = 1
    colours = Colours(*(np.array([0, value], np.uint32) for value in (7, 8, 9)))
    drawn = compose(labels, colours, 2)
    assert drawn[0, 0] == 0
    assert drawn[5, 20] == 7
    assert set(np.unique(drawn[10:30, 10:30])) == {8, 9}
    plain = Colours(colours.line, colours.inside, colours.inside)
    assert set(np.unique(compose(labels, plain, 2)[10:30, 10:30])) == {8}


def test_premultiplied_packs_alpha_first():
    packed = premultiplied(np.array([[255, 128, 0]], np.uint8), np.array([0.5]))
    assert f"{packed[0]:08x}" == "80804000"


def test_picture_pyramid_halves_and_averages():
    pixels = np.zeros((1024, 1030, 3), np.uint8)
    pixels[::2] = 200
    levels = picture_pyramid(pixels)
    assert [level.shape for level in levels] == [(1024, 1030), (512, 515), (256, 257)]
    assert f"{levels[1][0, 0]:08x}" == "ff646464"
    assert f"{levels[0][0, 0]:08x}" == "ffc8c8c8"


def test_fit_shows_the_whole_tile():
    camera = fit((400, 200), (100, 100))
    assert camera == Camera(200, 100, 0.25)


@given(
    st.floats(0.2, 5),
    st.tuples(st.floats(0, 300), st.floats(0, 200)),
)
def test_zoom_keeps_the_place_under_the_pointer(factor, point):
    size = (300, 200)
    camera = Camera(50, 60, 1.5)
    before = camera.at(size, point)
    after = camera.zoomed(factor, size, point).at(size, point)
    assert (before.x, before.y) == pytest.approx((after.x, after.y))
