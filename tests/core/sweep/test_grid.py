"""Order, ranges and folders: nothing is pruned here."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.errors import InputError
from core.numbers import read_sparsities
from core.sweep import Grid, coarse_to_fine, read_folder


def test_any_beginning_spreads_over_the_range():
    values = [0.05 * index for index in range(20)]
    order = coarse_to_fine(values)
    assert order[:3] == (values[0], values[-1], values[9])
    assert sorted(order) == values
    for count in range(2, 20):
        seen = sorted(order[:count])
        gaps = np.diff(seen)
        assert gaps.max() <= 0.95 / (count // 2) + 0.06


@given(st.lists(st.floats(0, 0.99), max_size=40))
def test_order_holds_every_value_once(values):
    order = coarse_to_fine(values)
    assert sorted(order) == sorted(set(values))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0:0.95:0.05", [round(0.05 * index, 2) for index in range(20)]),
        ("0.5", [0.5]),
        ("0.9,0.1,0.5", [0.1, 0.5, 0.9]),
        ("0:0.2:0.1,0.15", [0.0, 0.1, 0.15, 0.2]),
        ("0.3:0.3:0.1", [0.3]),
        ("0:0.99:0.33", [0.0, 0.33, 0.66, 0.99]),
    ],
)
def test_ranges(text, expected):
    assert list(read_sparsities(text)) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a", "first:last:step"),
        ("", "first:last:step"),
        ("0:1", "first:last:step"),
        ("0:0.5:0", "first:last:step"),
        ("0:0.5:-0.1", "first:last:step"),
        ("0.5:0.1:0.1", "first:last:step"),
        ("0:0.5:nan", "first:last:step"),
        ("1.0", "beyond 0 to 0.99"),
        ("-0.1", "beyond 0 to 0.99"),
        ("nan", "first:last:step"),
        ("0:0.9:0.00001", "larger step"),
    ],
)
def test_ranges_that_are_none(text, says):
    with pytest.raises(InputError, match=says):
        read_sparsities(text)


def test_grid_covers_every_combination_once():
    grid = Grid(
        models=("a", "b"),
        data=Path(),
        heuristics=("l1", "l2", "l1"),
        sparsities=(0.0, 0.5, 0.9, 0.5),
        scopes=("layer", "network"),
        recoveries=("none", "refit"),
        seeds=(0, 1),
        round_to=8,
    )
    points = list(grid.points())
    assert len(grid) == len(points) == len(set(points)) == 2 * 2 * 3 * 2 * 2 * 2
    assert {request.round_to for _, request in points} == {8}
    # the first seed is finished before the second begins, ends come before middles
    seeds = [request.seed for _, request in points]
    assert seeds == sorted(seeds)
    first = [request.sparsity for _, request in points[: len(points) // 2]]
    assert list(dict.fromkeys(first)) == [0.0, 0.9, 0.5]


@pytest.mark.parametrize("name", ["models", "heuristics", "sparsities", "seeds"])
def test_empty_grid(name):
    values = {
        "models": ("a",), "heuristics": ("l2",), "sparsities": (0.5,), "seeds": (0,),
    }  # fmt: skip
    with pytest.raises(InputError, match=f"no {name}"):
        Grid(data=Path(), **(values | {name: ()}))


# ----------------------------------------------------------------- folders

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
LABELS = (np.arange(600).reshape(20, 30) // 100).astype(np.uint16)


def make_folder(folder, images=("a", "b"), labels=("a", "b")):
    for kind in ("images", "labels"):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    for stem in images:
        Image.fromarray(RGB).save(folder / "images" / f"{stem}.png")
    for stem in labels:
        tifffile.imwrite(folder / "labels" / f"{stem}.tif", LABELS)
    return folder


def test_images_meet_their_labels(tmp_path):
    found = read_folder(make_folder(tmp_path, ("b", "a", "c"), ("a", "b")))
    assert [each.name for each in found.tiles] == ["a", "b", "c"]
    np.testing.assert_array_equal(found.tiles[0].labels, LABELS)
    assert found.tiles[2].labels is None
    (note,) = found.notes
    assert "1 of 3 tiles have no labels (c for one)" in note


def test_plain_folder_of_images(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("not a tile")
    assert [each.name for each in read_folder(tmp_path).tiles] == ["a"]


def test_digest_follows_the_pixels(tmp_path):
    first = read_folder(make_folder(tmp_path / "one")).digest
    assert read_folder(make_folder(tmp_path / "two")).digest == first
    tifffile.imwrite(tmp_path / "two" / "labels" / "b.tif", LABELS + 1)
    second = read_folder(tmp_path / "two").digest
    (tmp_path / "two" / "labels" / "b.tif").unlink()
    assert len({first, second, read_folder(tmp_path / "two").digest}) == 3


def test_bad_folders(tmp_path):
    with pytest.raises(InputError, match="is not a folder"):
        read_folder(tmp_path / "nothing")
    with pytest.raises(InputError, match="holds no images"):
        read_folder(make_folder(tmp_path / "empty", (), ()))
    with pytest.raises(InputError, match=r"1 label images have no tile, b.tif"):
        read_folder(make_folder(tmp_path / "orphan", ("a",), ("a", "b")))
    twice = make_folder(tmp_path / "twice", ("a",), ())
    Image.fromarray(RGB).save(twice / "images" / "a.jpg")
    with pytest.raises(InputError, match="share a name"):
        read_folder(twice)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (LABELS[:-1], r"b.tif: The labels are 30 x 19 pixels"),
        (LABELS.astype(np.float32) + 0.5, "float32"),
        (RGB, "colour image"),
    ],
)
def test_bad_labels_stop_before_anything_runs(tmp_path, labels, says):
    folder = make_folder(tmp_path)
    photometric = "rgb" if labels.ndim == 3 else "minisblack"
    path = folder / "labels" / "b.tif"
    tifffile.imwrite(path, labels, photometric=photometric)
    with pytest.raises(InputError, match=says):
        read_folder(folder)


def test_damaged_tile(tmp_path):
    folder = make_folder(tmp_path)
    (folder / "images" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n junk")
    with pytest.raises(InputError, match=r"a.png is damaged"):
        read_folder(folder)
