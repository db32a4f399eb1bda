"""Raw maps in bytes, and how far they moved."""

import numpy as np
import pytest

from core.nuclei import quantised as module
from core.nuclei.quantised import TOPS, blocks, moved, quantised


def maps(seed, side=40):
    rng = np.random.default_rng(seed)
    hv = rng.uniform(-1, 1, (2, side, side)).astype(np.float32)
    form = rng.uniform(-0.2, 1.2, (side, side)).astype(np.float32)
    foreground = rng.random((side, side), np.float32)
    kinds = np.zeros((side, side), np.uint8)
    return {"np": foreground, "dist": form, "hv": hv, "tp": kinds}


def test_difference_is_that_of_the_maps_to_a_step():
    one, other = maps(0), maps(1)
    found = moved(quantised(one), quantised(other))
    assert set(found) == {"np", "dist", "hv"}
    clipped = [np.clip(each["dist"], 0, 1) for each in (one, other)]
    exact = {
        "np": np.abs(one["np"] - other["np"]),
        "dist": np.abs(clipped[0] - clipped[1]),
        "hv": np.abs(one["hv"] - other["hv"]).max(axis=0),
    }
    for name, values in found.items():
        assert values.dtype == np.uint8
        shown = values.astype(float) * TOPS[name] / 255
        assert np.abs(shown - exact[name]).max() <= TOPS[name] / 255 + 1e-6


def test_equal_maps_do_not_move():
    one = quantised(maps(3))
    assert not any(values.any() for values in moved(one, one).values())


def test_ends_of_the_range_are_kept():
    ends = {"np": np.array([[0.0, 1.0]], np.float32)}
    np.testing.assert_array_equal(quantised(ends)["np"], [[0, 255]])


@pytest.mark.parametrize("shape", [(64, 64), (63, 41), (5, 200)])
def test_blocks_leave_nothing_out(monkeypatch, shape):
    monkeypatch.setattr(module, "_MOST", 300)
    values = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    small = blocks(values)
    assert small.size <= 300
    step = 1
    while -(-shape[0] // step) > small.shape[0]:
        step *= 2
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    largest = np.zeros_like(small)
    np.maximum.at(largest, (rows // step, columns // step), values)
    np.testing.assert_array_equal(small, largest)
