"""Real files, written by other libraries, read back as tiles."""

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from core.errors import InputError
from core.images import read_tile

RNG = np.random.default_rng(7)
RGB = RNG.integers(0, 256, (37, 53, 3), dtype=np.uint8)
GREY = RGB[..., 0]


def as_rgb(grey):
    return np.repeat(np.asarray(grey)[..., None], 3, axis=2).astype(np.uint8)


# ---------------------------------------------------------------- PNG and JPEG


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_rgb_is_exact(tmp_path, suffix):
    Image.fromarray(RGB).save(tmp_path / f"a.{suffix}")
    tile = read_tile(tmp_path / f"a.{suffix}")
    assert tile.pixels.dtype == np.uint8
    assert tile.pixels.flags.c_contiguous
    assert tile.source.endswith(f"a.{suffix}")
    np.testing.assert_array_equal(tile.pixels, RGB)


def test_content_decides_not_the_name(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "slide.jpg")
    np.testing.assert_array_equal(read_tile(str(tmp_path / "slide.jpg")).pixels, RGB)


def test_jpeg_is_close(tmp_path):
    smooth = np.add.outer(np.arange(64), np.arange(80)).astype(np.uint8)
    Image.fromarray(as_rgb(smooth)).save(tmp_path / "a.jpg", quality=95)
    difference = read_tile(tmp_path / "a.jpg").pixels.astype(int) - as_rgb(smooth)
    assert np.abs(difference).max() <= 4


def test_cmyk_jpeg_opens(tmp_path):
    Image.new("CMYK", (9, 5), (0, 0, 0, 0)).save(tmp_path / "a.jpg")
    np.testing.assert_array_equal(read_tile(tmp_path / "a.jpg").pixels, 255)


def test_grey_png_repeats_into_three_channels(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_tile(tmp_path / "a.png").pixels, as_rgb(GREY))


def test_one_bit_png(tmp_path):
    Image.fromarray(GREY > 128).save(tmp_path / "a.png")
    expected = as_rgb((GREY > 128) * 255)
    np.testing.assert_array_equal(read_tile(tmp_path / "a.png").pixels, expected)


def test_palette_png_shows_its_colours(tmp_path):
    image = Image.fromarray((GREY // 64).astype(np.uint8), mode=None).convert("P")
    image.putpalette([10, 20, 30, 200, 0, 0, 0, 200, 0, 7, 8, 9] + [0] * 756)
    image.save(tmp_path / "a.png")
    expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(read_tile(tmp_path / "a.png").pixels, expected)


def test_alpha_lies_over_white(tmp_path):
    rgba = np.zeros((2, 3, 4), np.uint8)
    rgba[0, :, 3] = 255  # black and opaque above, transparent below
    rgba[0, 2, 3] = 51  # a fifth of black over white
    Image.fromarray(rgba).save(tmp_path / "a.png")
    pixels = read_tile(tmp_path / "a.png").pixels
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[0, 2].tolist() == [204, 204, 204]
    assert (pixels[1] == 255).all()


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_16_bit_png_keeps_its_range(tmp_path, samples):
    deep = RNG.integers(0, 65536, (5, 7, samples), dtype=np.uint16)
    deep[0, 0] = 65535
    if samples in (2, 4):
        deep[..., -1] = 65535
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(deep.squeeze()))
    colours = deep[..., : samples - (samples in (2, 4))]
    expected = np.rint(colours / 257).astype(np.uint8)
    pixels = read_tile(tmp_path / "a.png").pixels
    np.testing.assert_array_equal(pixels, np.broadcast_to(expected, pixels.shape))


def test_12_bit_data_in_16_bits_reaches_white(tmp_path):
    deep = np.array([[0, 2048, 4095]], np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", deep)
    assert read_tile(tmp_path / "a.tif").pixels[0, :, 0].tolist() == [0, 128, 255]


# ------------------------------------------------------------------------ TIFF


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"tile": (16, 16)},
        {"rowsperstrip": 5},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw"},
        {"compression": "zstd", "tile": (32, 16)},
        {"bigtiff": True},
        {"byteorder": ">"},
    ],
)
def test_tiff_storage_does_not_matter(tmp_path, options):
    tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="rgb", **options)
    np.testing.assert_array_equal(read_tile(tmp_path / "a.tif").pixels, RGB)
    part = read_tile(tmp_path / "a.tif", region=(11, 3, 29, 31)).pixels
    np.testing.assert_array_equal(part, RGB[3:34, 11:40])


@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_planar_tiff(tmp_path, tile):
    planes = np.moveaxis(RGB, 2, 0)
    path = tmp_path / "a.tif"
    options = {"photometric": "rgb", "planarconfig": "separate", "tile": tile}
    tifffile.imwrite(path, planes, **options)
    np.testing.assert_array_equal(read_tile(path).pixels, RGB)
    part = read_tile(path, region=(17, 17, 18, 19)).pixels
    np.testing.assert_array_equal(part, RGB[17:36, 17:35])


@pytest.mark.parametrize("kind", ["ome", "imagej"])
def test_colours_on_separate_pages(tmp_path, kind):
    path = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif")
    planes = np.moveaxis(RGB, 2, 0)
    options = {"photometric": "minisblack", kind: True, "metadata": {"axes": "CYX"}}
    tifffile.imwrite(path, planes, **options)
    np.testing.assert_array_equal(read_tile(path).pixels, RGB)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (RGB.astype(np.uint16) * 257, RGB),
        ((RGB / np.float32(255)), RGB),
        (RGB.astype(np.float64), RGB),
        (RGB.astype(np.float16), RGB),
        (RGB.astype(np.int32), RGB),
        (RGB.astype(np.int16), RGB),
        (GREY, as_rgb(GREY)),
    ],
)
def test_tiff_dtypes(tmp_path, values, expected):
    photometric = "rgb" if values.ndim == 3 else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", values, photometric=photometric)
    np.testing.assert_array_equal(read_tile(tmp_path / "a.tif").pixels, expected)


def test_inverted_and_palette_tiff(tmp_path):
    tifffile.imwrite(tmp_path / "w.tif", GREY, photometric="miniswhite")
    pixels = read_tile(tmp_path / "w.tif").pixels
    np.testing.assert_array_equal(pixels, as_rgb(255 - GREY))
    colours = RNG.integers(0, 16, (3, 256)).astype(np.uint16) * 257  # all dark
    tifffile.imwrite(tmp_path / "p.tif", GREY, photometric="palette", colormap=colours)
    expected = np.moveaxis(colours[:, GREY] // 257, 0, -1)
    np.testing.assert_array_equal(read_tile(tmp_path / "p.tif").pixels, expected)


@pytest.mark.parametrize("extra", ["unassalpha", "assocalpha", "unspecified"])
def test_tiff_fourth_sample(tmp_path, extra):
    rgba = np.dstack([RGB // 2, np.full(RGB.shape[:2], 128, np.uint8)])
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, rgba, photometric="rgb", extrasamples=[extra])
    colour = (RGB // 2).astype(float)
    expected = {
        "unassalpha": colour * 128 / 255 + 127,
        "assocalpha": colour + 127,
        "unspecified": colour,
    }[extra]
    assert np.abs(read_tile(path).pixels - expected).max() <= 0.51


def write_pyramid(path, *, subifds=True):
    levels = [RGB, RGB[::2, ::2], RGB[::4, ::4]]
    with tifffile.TiffWriter(path) as tiff:
        options = {"photometric": "rgb", "tile": (16, 16), "metadata": None}
        resolution = {"resolution": (1e4 / 0.25, 1e4 / 0.25), "resolutionunit": 3}
        extra = {"subifds": 2} if subifds else {}
        tiff.write(levels[0], **options, **extra, **resolution)
        for level in levels[1:]:
            tiff.write(level, subfiletype=1, **options)
        if not subifds:  # a slide's label picture must not count as a level
            tiff.write(RGB[:10, :30], photometric="rgb", metadata=None)
    return levels


@pytest.mark.parametrize("subifds", [True, False])
def test_pyramid_levels(tmp_path, subifds):
    path = tmp_path / "a.tif"
    levels = write_pyramid(path, subifds=subifds)
    for number, expected in enumerate(levels):
        tile = read_tile(path, level=number)
        np.testing.assert_array_equal(tile.pixels, expected)
        ratio = RGB.shape[1] / expected.shape[1]
        assert tile.mpp == pytest.approx(0.25 * ratio)
    with pytest.raises(InputError, match=r"3 resolution levels.*0 to 2"):
        read_tile(path, level=3)
    with pytest.raises(InputError, match="3 resolution levels"):
        read_tile(path, level=-1)


def test_region_of_a_huge_tiff(tmp_path):
    """60,000 x 60,000 pixels: refused whole, opened in part, never allocated."""
    path = tmp_path / "huge.tif"
    side = 60_000
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:

        def tiles():
            for _ in range((-(-side // 8192)) ** 2):
                yield np.full((8192, 8192), 3, np.uint8)

        tiff.write(
            tiles(), shape=(side, side), dtype=np.uint8, tile=(8192, 8192),
            compression="zstd", photometric="minisblack",
        )  # fmt: skip
    with pytest.raises(InputError, match=r"60,000 x 60,000.*region"):
        read_tile(path)
    tile = read_tile(path, region=(50_000, 8190, 20, 4))
    assert tile.pixels.shape == (4, 20, 3)
    assert (tile.pixels == 3).all()


# ------------------------------------------------------------------ resolution


def test_mpp_of_a_png(tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png", dpi=(101_600, 101_600))
    assert read_tile(tmp_path / "a.png").mpp == pytest.approx(0.25)


@pytest.mark.parametrize("dpi", [72, 96, 300])
def test_screen_resolution_is_not_believed(tmp_path, dpi):
    Image.fromarray(RGB).save(tmp_path / "a.png", dpi=(dpi, dpi))
    assert read_tile(tmp_path / "a.png").mpp is None


@pytest.mark.parametrize(
    ("options", "mpp"),
    [
        ({"resolution": (20_000, 20_000), "resolutionunit": 3}, 0.5),
        ({"resolution": (101_600, 101_600), "resolutionunit": 2}, 0.25),
        ({"resolution": (4, 4), "resolutionunit": 1}, None),
        ({"resolution": (1, 1), "resolutionunit": 2}, None),
        ({"description": "Aperio Image|AppMag = 40|MPP = 0.2520"}, 0.252),
        ({}, None),
    ],
)
def test_mpp_of_a_tiff(tmp_path, options, mpp):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, RGB, photometric="rgb", metadata=None, **options)
    found = read_tile(path).mpp
    assert found == (mpp if mpp is None else pytest.approx(mpp, rel=1e-3))


def test_mpp_of_ome_and_imagej(tmp_path):
    ome = {"axes": "YXS", "PhysicalSizeX": 250.0, "PhysicalSizeXUnit": "nm"}
    tifffile.imwrite(tmp_path / "a.ome.tif", RGB, photometric="rgb", metadata=ome)
    assert read_tile(tmp_path / "a.ome.tif").mpp == pytest.approx(0.25)
    options = {"imagej": True, "resolution": (2, 2), "metadata": {"unit": "um"}}
    tifffile.imwrite(tmp_path / "b.tif", GREY, **options)
    assert read_tile(tmp_path / "b.tif").mpp == pytest.approx(0.5)
