"""Files that are no usable image give one sentence, never a crash."""

import struct
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from core.errors import InputError
from core.images import MAX_PIXELS, read_tile

RNG = np.random.default_rng(7)
RGB = RNG.integers(0, 256, (37, 53, 3), dtype=np.uint8)
GREY = RGB[..., 0]


def png_header(width, height, depth=8, colour=2):
    """A PNG that claims a size and holds no pixels."""

    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    idat = chunk(b"IDAT", zlib.compress(b""))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + idat + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.full((3, 3), np.nan, np.float32), "not numbers"),
        (np.full((3, 3), np.inf, np.float32), "not numbers"),
        (np.full((3, 3), 300.0, np.float32), "scale them"),
        (np.full((3, 3), -1.0, np.float32), "scale them"),
        (np.ones((3, 3), np.complex64), "complex64"),
        (np.full((3, 3), -5, np.int16), "-5"),
        (np.full((3, 3), 70_000, np.uint32), "70000"),
    ],
)
def test_pixels_that_are_no_colours(tmp_path, values, says):
    tifffile.imwrite(tmp_path / "a.tif", values)
    with pytest.raises(InputError, match=says):
        read_tile(tmp_path / "a.tif")


def test_zero_size(tmp_path):
    with pytest.warns(UserWarning, match="zero-size"):
        tifffile.imwrite(tmp_path / "a.tif", np.zeros((0, 4), np.uint8))
    (tmp_path / "a.png").write_bytes(png_header(0, 5))
    for name in ("a.tif", "a.png"):
        with pytest.raises(InputError, match="empty"):
            read_tile(tmp_path / name)


@pytest.mark.parametrize("side", [60_000, 2**31 - 1])
def test_header_size_is_checked_before_pixels(tmp_path, side):
    (tmp_path / "a.png").write_bytes(png_header(side, side))
    with pytest.raises(InputError, match=f"{side:,} x {side:,}"):
        read_tile(tmp_path / "a.png")
    assert side * side > MAX_PIXELS


def test_stack_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.stack([GREY] * 5), photometric="minisblack")
    tifffile.imwrite(tmp_path / "b.tif", np.stack([GREY] * 5), imagej=True)
    for name in ("a.tif", "b.tif"):
        with pytest.raises(InputError, match="stack of 5 planes"):
            read_tile(tmp_path / name)


def test_multispectral_is_refused(tmp_path):
    values = np.zeros((8, 8, 7), np.uint8)
    options = {"photometric": "minisblack", "planarconfig": "contig"}
    tifffile.imwrite(tmp_path / "a.tif", values, **options)
    with pytest.raises(InputError, match="7 channels"):
        read_tile(tmp_path / "a.tif")


def test_paths_that_are_no_image(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not an image at all")
    with pytest.raises(InputError, match="folder"):
        read_tile(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        read_tile(tmp_path / "nothing.png")
    with pytest.raises(InputError, match="is empty"):
        read_tile(tmp_path / "empty.png")
    with pytest.raises(InputError, match="is a text file, not an image"):
        read_tile(tmp_path / "text.png")
    with pytest.raises(InputError, match="cannot be read"):
        read_tile("bad\0name.png")


def test_no_permission(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    Image.fromarray(RGB).save(tmp_path / "a.png")
    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(InputError, match="may not be read"):
        read_tile(tmp_path / "a.png")


@pytest.mark.parametrize(
    "region", [(0, 0, 0, 5), (-1, 0, 5, 5), (50, 0, 5, 5), (0, 36, 5, 2)]
)
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_region_must_lie_inside(tmp_path, region, suffix):
    Image.fromarray(RGB).save(tmp_path / f"a.{suffix}")
    with pytest.raises(InputError, match="region"):
        read_tile(tmp_path / f"a.{suffix}", region=region)


def test_region_of_a_png(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    part = read_tile(tmp_path / "a.png", region=(5, 6, 7, 8)).pixels
    np.testing.assert_array_equal(part, RGB[6:14, 5:12])
    with pytest.raises(InputError, match="one resolution"):
        read_tile(tmp_path / "a.png", level=1)


def make_files(folder):
    Image.fromarray(RGB).save(folder / "a.png")
    deep = RGB.astype(np.uint16) * 257
    (folder / "deep.png").write_bytes(imagecodecs.png_encode(deep))
    Image.fromarray(RGB).save(folder / "a.jpg")
    tifffile.imwrite(folder / "a.tif", RGB, photometric="rgb", compression="zlib")
    tifffile.imwrite(folder / "plain.tif", RGB, photometric="rgb")
    with tifffile.TiffWriter(folder / "pyramid.tif") as tiff:
        options = {"photometric": "rgb", "tile": (16, 16), "metadata": None}
        tiff.write(RGB, subifds=1, **options)
        tiff.write(RGB[::2, ::2], subfiletype=1, **options)
    return sorted(folder.iterdir())


def test_truncated_files(tmp_path):
    for path in make_files(tmp_path):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        with pytest.raises(InputError, match=r"damaged|ends before"):
            read_tile(path)


@pytest.mark.filterwarnings("ignore")  # decoders warn before they give up
def test_damaged_files_give_a_tile_or_a_sentence(tmp_path, caplog):
    caplog.set_level("CRITICAL")
    rng = np.random.default_rng(3)
    refused = 0
    for path in make_files(tmp_path):
        data = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(60):
            broken = data.copy()
            where = rng.integers(0, min(len(data), 400), 4)
            broken[where] = rng.integers(0, 256, 4)
            path.write_bytes(broken.tobytes())
            try:
                tile = read_tile(path)
            except InputError:
                refused += 1
            else:
                assert tile.pixels.dtype == np.uint8
    assert refused > 20
