"""Masks that leave and come back as the same labels."""

import gzip
import json
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from core.errors import InputError
from core.export import Described, NucleusStyle, write_geojson, write_label_tiff
from core.export.outlines import polygons
from core.images import read_labels
from core.job import Cancelled, Job


def filled(pieces, shape):
    """Fill polygons by counting, for each pixel's middle, the edges to its left."""
    inside = np.zeros(shape, int)
    for polygon in pieces:
        for ring in polygon:
            crossings = np.zeros(shape, int)
            for (x0, y0), (x1, y1) in pairwise(ring):
                assert x0 == x1 or y0 == y1
                if x0 == x1:
                    crossings[min(y0, y1) : max(y0, y1), x0:] += 1
            inside += crossings
    return inside % 2 == 1


def check_rings(pieces):
    for polygon in pieces:
        for ring in polygon:
            assert ring[0] == ring[-1]
            assert len(set(ring[:-1])) == len(ring) - 1  # touches itself nowhere
            assert len(ring) >= 5
        outer, *holes = (np.array(ring) for ring in polygon)
        for hole in holes:
            assert (hole.min(0) >= outer.min(0)).all()
            assert (hole.max(0) <= outer.max(0)).all()


@settings(max_examples=100, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_outlines_cover_exactly_their_pixels(mask):
    pieces = polygons(mask)
    check_rings(pieces)
    assert np.array_equal(filled(pieces, mask.shape), mask)
    four = ndimage.label(mask)[1]
    assert len(pieces) == four


@pytest.mark.parametrize(
    ("rows", "rings"),
    [
        (["###", "#.#", "###"], [2]),
        (["##.", "#.#", "###"], [2]),  # touches itself from outside
        (["#.", ".#"], [1, 1]),
        (["####", "#.##", "##.#", "####"], [3]),  # two holes that touch
        (["#####", "#...#", "#.#.#", "#...#", "#####"], [2, 1]),  # island in a hole
    ],
)
def test_corners_where_pieces_touch(rows, rings):
    mask = np.array([[c == "#" for c in row] for row in rows])
    pieces = polygons(mask, (10, 20))
    check_rings(pieces)
    assert sorted(len(p) for p in pieces) == sorted(rings)
    moved = [[[(x - 10, y - 20) for x, y in r] for r in p] for p in pieces]
    assert np.array_equal(filled(moved, mask.shape), mask)


def scattered(side=160, count=60, seed=3):
    rng = np.random.default_rng(seed)
    labels = np.zeros((side, side + 20), np.int32)
    for number in range(1, count + 1):
        place = rng.integers(5, side - 5, 2)
        axes = rng.integers(3, 12, 2)
        centre = (int(place[0]), int(place[1]))
        size = (int(axes[0]), int(axes[1]))
        cv2.ellipse(labels, centre, size, int(rng.integers(180)), 0, 360, number, -1)
    labels[70:90, 70:90] = count + 1
    labels[76:80, 76:80] = 0
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape).astype("i4")


def described(labels, mpp=0.25):
    count = int(labels.max())
    styles = [NucleusStyle(f"Type {i % 3}", (10, 20, i % 3)) for i in range(count)]
    return Described(styles, mpp, {"Change": ["kept"] * count})


@pytest.mark.parametrize("ending", ["geojson", "geojson.gz"])
def test_geojson_gives_the_same_labels(ending, tmp_path):
    labels, path = scattered(), tmp_path / f"nuclei.{ending}"
    assert write_geojson(path, labels, described(labels)) == labels.max()
    packed = path.read_bytes()
    text = gzip.decompress(packed) if ending.endswith("gz") else packed
    found = json.loads(text)
    assert found["type"] == "FeatureCollection"
    back = np.zeros_like(labels)
    for feature in found["features"]:
        shape, told = feature["geometry"], feature["properties"]
        rings = shape["coordinates"]
        pieces = [rings] if shape["type"] == "Polygon" else rings
        number = told["measurements"]["Label"]
        mask = filled(pieces, labels.shape)
        assert not back[mask].any()
        back[mask] = number
        assert told["objectType"] == "detection"
        expected = (number - 1) % 3
        assert told["classification"] == {
            "name": f"Type {expected}",
            "color": [10, 20, expected],
        }
        assert told["measurements"]["Area px^2"] == mask.sum()
        assert told["measurements"]["Area µm^2"] == pytest.approx(mask.sum() / 16)
        assert told["metadata"] == {"Change": "kept"}
    assert np.array_equal(back, labels)
    assert len({f["id"] for f in found["features"]}) == len(found["features"])


def test_no_nuclei_is_an_empty_collection(tmp_path):
    labels = np.zeros((8, 8), np.int32)
    write_geojson(tmp_path / "none.geojson", labels, Described([]))
    found = json.loads((tmp_path / "none.geojson").read_text())
    assert found["features"] == []


def test_cancelled_leaves_nothing(tmp_path):
    labels, job = scattered(), Job()
    job.cancel()
    with pytest.raises(Cancelled):
        write_geojson(tmp_path / "n.geojson", labels, described(labels), job)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("most", [50, 70_000])
@pytest.mark.parametrize("mpp", [None, 0.25])
def test_label_tiff_comes_back(most, mpp, tmp_path):
    import tifffile

    labels = scattered()
    labels[labels == labels.max()] = most
    write_label_tiff(tmp_path / "l.tif", labels, mpp)
    assert np.array_equal(read_labels(tmp_path / "l.tif"), labels)
    with tifffile.TiffFile(tmp_path / "l.tif") as file:
        page = file.pages[0]
        assert page.dtype == (np.uint16 if most < 65536 else np.uint32)
        if mpp:
            across, over = page.tags["XResolution"].value
            assert 10_000 / (across / over) == pytest.approx(mpp)


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match="choose another place"):
        write_label_tiff(tmp_path / "no" / "l.tif", scattered())
