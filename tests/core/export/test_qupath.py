"""GeoJSON as QuPath's reader takes it, judged by shapely's geometry.

What is expected is what QuPath's own ``QuPathTypeAdapters`` reads: a UUID, a
polygon, ``objectType``, a classification with name and colour, numbers by name
and words by name.
"""

import json
import tracemalloc
import uuid

import numpy as np
import pytest
import shapely
import skimage.io
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from shapely.geometry import shape

from core.export import Described, NucleusStyle, write_geojson, write_label_tiff
from core.export.outlines import boxes, polygons

STYLES = (
    NucleusStyle("Neoplastic", (230, 159, 0)),
    NucleusStyle("Nucleus", (0, 114, 178)),
)


def written(labels, folder, mpp=None):
    path = folder / "nuclei.geojson"
    styles = [STYLES[number % 2] for number in range(int(labels.max()))]
    write_geojson(
        path, labels, Described(styles, mpp, {"Note": ["kept"] * len(styles)})
    )
    return json.loads(path.read_text(encoding="utf-8"))["features"]


def drawn(rows):
    return np.array([[int(cell) for cell in row] for row in rows], np.int32)


TOUCHING = drawn(
    [
        "1111000",
        "1001220",  # 1 has a hole; 2 shares an edge and a corner with it
        "1001220",
        "1111003",
        "0000330",  # 3 touches itself in a corner alone: two pieces
    ]
)


@settings(max_examples=60, deadline=None)
@given(arrays(bool, st.tuples(st.integers(1, 10), st.integers(1, 10))))
def test_every_polygon_is_valid_and_as_large_as_its_pixels(mask):
    pieces = polygons(mask)
    found = [shapely.Polygon(outer, holes) for outer, *holes in pieces]
    assert all(piece.is_valid for piece in found)
    if found:
        whole = shapely.MultiPolygon(found)
        assert whole.is_valid
        assert whole.area == mask.sum()


def test_holes_and_touching_nuclei(tmp_path):
    found = {
        feature["properties"]["measurements"]["Label"]: shape(feature["geometry"])
        for feature in written(TOUCHING, tmp_path)
    }
    assert [found[n].geom_type for n in (1, 2, 3)] == [
        "Polygon",
        "Polygon",
        "MultiPolygon",
    ]
    assert len(found[1].interiors) == 1
    assert found[1].interiors[0].bounds == (1, 1, 3, 3)
    for number, outline in found.items():
        assert outline.is_valid
        assert outline.area == (number == TOUCHING).sum()
    # Neighbours share a border and no area: nothing is counted twice.
    for one, other in ((1, 2), (1, 3), (2, 3)):
        assert found[one].intersection(found[other]).area == 0
    assert found[1].touches(found[2])


def test_what_qupath_reads_of_a_feature(tmp_path):
    features = written(TOUCHING, tmp_path, mpp=0.5)
    for number, feature in enumerate(features, start=1):
        told = feature["properties"]
        assert feature["type"] == "Feature"
        assert str(uuid.UUID(feature["id"])) == feature["id"]
        assert told["objectType"] == "detection"
        style = STYLES[(number - 1) % 2]
        colour = list(style.colour)
        assert told["classification"] == {"name": style.name, "color": colour}
        assert all(
            type(value) in {int, float} for value in told["measurements"].values()
        )
        pixels = int((number == TOUCHING).sum())
        assert told["measurements"]["Area µm^2"] == pixels / 4
        assert all(type(word) is str for word in told["metadata"].values())


def test_the_same_nucleus_keeps_its_id(tmp_path):
    once, again = (written(TOUCHING, tmp_path) for _ in range(2))
    assert [each["id"] for each in once] == [each["id"] for each in again]


def test_labels_with_gaps_are_all_there():
    labels = np.zeros((9, 9), np.int32)
    labels[1:3, 4:9] = 5
    labels[8, 0] = 2
    assert list(boxes(labels)) == [
        (2, slice(8, 9), slice(0, 1)),
        (5, slice(1, 3), slice(4, 9)),
    ]


def grid(per_side, side=600):
    """Return label images of squares: ``per_side`` squared nuclei."""
    cell = side // per_side
    places = np.arange(side) // cell
    numbers = (places[:, None] * per_side + places + 1).astype(np.int32)
    gap = np.arange(side) % cell == 0
    numbers[gap] = 0
    numbers[:, gap] = 0
    return numbers


@pytest.mark.parametrize("per_side", [10, 25])
def test_memory_holds_a_box_for_each_nucleus_and_no_more(per_side, tmp_path):
    """Neither outlines nor text pile up: those are several thousand bytes each."""
    labels, count = grid(per_side), per_side**2
    described = Described([STYLES[0]] * count)
    tracemalloc.start()
    try:
        assert write_geojson(tmp_path / "n.geojson", labels, described) == count
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 400_000 + 400 * count
    assert most < labels.nbytes / 2  # nor is there a copy of the image


@pytest.mark.parametrize("read", [tifffile.imread, skimage.io.imread])
@pytest.mark.parametrize("most", [3, 70_000])
def test_label_tiff_opens_elsewhere(read, most, tmp_path):
    labels = TOUCHING.copy()
    labels[labels == 3] = most
    write_label_tiff(tmp_path / "labels.tif", labels, 0.25)
    found = read(tmp_path / "labels.tif")
    assert found.shape == labels.shape
    assert np.array_equal(found, labels)
