"""Label images of every integer kind, and those that are no label images."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from core.errors import InputError
from core.images import as_labels, check_labels, read_labels
from core.types import Tile

LABELS = np.random.default_rng(1).integers(0, 200, (31, 45))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "uint32", "int64"])
def test_tiff_of_any_integer(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", LABELS.astype(dtype), compression="zlib")
    labels = read_labels(tmp_path / "a.tif")
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_png(tmp_path, dtype):
    Image.fromarray(LABELS.astype(dtype)).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), LABELS)


def test_ids_beyond_16_bits_survive(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", LABELS.astype(np.int32) * 100_003)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), LABELS * 100_003)


def test_palette_indices_are_the_labels(tmp_path):
    image = Image.fromarray(LABELS.astype(np.uint8)).convert("P")
    index = np.asarray(image)
    image.putpalette(list(np.random.default_rng(0).integers(0, 256, 768)))
    image.save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "a.png"), index)


def test_one_bit_maps_are_masks(tmp_path):
    Image.fromarray(LABELS > 99).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", LABELS > 99, photometric="minisblack")
    np.save(tmp_path / "a.npy", LABELS > 99)
    for name in ("a.png", "a.tif", "a.npy"):
        np.testing.assert_array_equal(read_labels(tmp_path / name) > 0, LABELS > 99)


def test_npy(tmp_path):
    np.save(tmp_path / "a.npy", LABELS)
    np.testing.assert_array_equal(read_labels(tmp_path / "a.npy"), LABELS)


def test_pickled_npy_is_not_run(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="pickles are not run"):
        read_labels(tmp_path / "a.npy")


def test_colour_labels_are_refused(tmp_path):
    rgb = np.zeros((9, 9, 3), np.uint8)
    Image.fromarray(rgb).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", rgb, photometric="rgb")
    for name in ("a.png", "a.tif"):
        with pytest.raises(InputError, match=r"colour image.*whole numbers"):
            read_labels(tmp_path / name)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_labels_are_whole(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", LABELS.astype(dtype) + 0.5)
    with pytest.raises(InputError, match=f"{dtype}.*whole"):
        read_labels(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_that_are_whole_are_labels(tmp_path, dtype):
    tifffile.imwrite(tmp_path / "a.tif", LABELS.astype(dtype))
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif"), LABELS)
    broken = LABELS.astype(dtype)
    broken[0, 0] = np.nan
    tifffile.imwrite(tmp_path / "b.tif", broken)
    with pytest.raises(InputError, match="not finite"):
        read_labels(tmp_path / "b.tif")


def test_jpeg_negative_and_other_files(tmp_path):
    Image.fromarray(LABELS.astype(np.uint8)).save(tmp_path / "a.jpg")
    tifffile.imwrite(tmp_path / "a.tif", LABELS.astype(np.int16) - 1)
    (tmp_path / "a.txt").write_text("1 2 3")
    with pytest.raises(InputError, match="JPEG"):
        read_labels(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="from -1"):
        read_labels(tmp_path / "a.tif")
    with pytest.raises(InputError, match="is a text file, which is no ground truth"):
        read_labels(tmp_path / "a.txt")
    with pytest.raises(InputError, match="does not exist"):
        read_labels(tmp_path / "b.tif")


def test_ids_too_large():
    with pytest.raises(InputError, match="number nuclei from 1"):
        as_labels(np.array([[2**31]]), "map")


def test_labels_must_fit_the_tile():
    tile = Tile(np.zeros((20, 30, 3), np.uint8))
    check_labels(tile, np.zeros((20, 30), np.int32))
    with pytest.raises(InputError, match="20 x 30 pixels and the tile is 30 x 20"):
        check_labels(tile, np.zeros((30, 20), np.int32))
