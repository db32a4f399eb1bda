"""Formats, depths, colours and orientations other than 8-bit RGB."""

import struct
import subprocess
import sys
import zlib

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, ImageOps
from PIL.PngImagePlugin import PngInfo

from core.errors import InputError
from core.images import read_tile
from core.images.labels.reading import read_type_map
from core.images.orientation import shown_size, stored_region, turned
from core.tables import IMAGE_FORMATS
from tests.core.images.makers import picture

RGB = picture(120, 90)
GREY = RGB[..., 0]


def as_rgb(grey):
    return np.repeat(np.asarray(grey)[..., None], 3, axis=2)


@pytest.mark.parametrize("kind", ["bmp", "gif", "webp", "jp2", "png", "tif"])
def test_exact_formats(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    if kind == "gif":
        image = Image.fromarray(RGB).quantize(32)
        image.save(path)
        expected = np.asarray(image.convert("RGB"))
    else:
        options = {"webp": {"lossless": True}, "jp2": {"irreversible": False}}
        Image.fromarray(RGB).save(path, **options.get(kind, {}))
        expected = RGB
    np.testing.assert_array_equal(read_tile(path).pixels, expected)
    part = read_tile(path, region=(3, 4, 20, 30)).pixels
    np.testing.assert_array_equal(part, expected[4:34, 3:23])


@pytest.mark.parametrize("bits", [8, 10, 12, 16])
def test_jpeg_2000_of_any_depth(tmp_path, bits):
    deep = (RGB.astype(np.uint32) * (2**bits - 1) // 255).astype(
        np.uint8 if bits == 8 else np.uint16
    )
    data = imagecodecs.jpeg2k_encode(deep, bitspersample=bits, reversible=True, level=0)
    (tmp_path / "a.jp2").write_bytes(data)
    found = read_tile(tmp_path / "a.jp2").pixels.astype(int)
    assert np.abs(found - RGB).max() <= 1


def test_12_bit_jpeg(tmp_path):
    deep = np.ascontiguousarray(GREY).astype(np.uint32) * 4095 // 255
    data = imagecodecs.jpeg_encode(deep.astype(np.uint16), level=95, bitspersample=12)
    (tmp_path / "a.jpg").write_bytes(data)
    found = read_tile(tmp_path / "a.jpg").pixels.astype(int)
    assert np.abs(found - as_rgb(GREY)).mean() < 3


@pytest.mark.parametrize("bits", [1, 2, 4, 10, 12, 14])
def test_tiff_of_packed_depths(tmp_path, bits):
    top = 2**bits - 1
    values = GREY.astype(np.uint32) * top // 255
    (tmp_path / "a.tif").write_bytes(packed_tiff(values, bits))
    expected = np.rint(values * 255.0 / top)
    found = read_tile(tmp_path / "a.tif").pixels[..., 0]
    assert np.abs(found - expected).max() <= 0.51
    np.testing.assert_array_equal(read_type_map(tmp_path / "a.tif"), values)


def packed_tiff(values, bits):
    """An uncompressed TIFF of grey values of any depth; rows end on a byte."""
    height, width = values.shape
    planes = (values[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    data = np.packbits(planes.reshape(height, -1), axis=1).tobytes()
    tags = {256: width, 257: height, 258: bits, 259: 1, 262: 1, 277: 1, 278: height}
    tags |= {273: 8 + 2 + 12 * 9 + 4, 279: len(data)}
    entries = b"".join(
        struct.pack("<HHII", k, 4, 1, v) for k, v in sorted(tags.items())
    )
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_grey_png_of_few_bits(tmp_path, bits):
    top = 2**bits - 1
    values = (GREY.astype(np.uint32) * top // 255).astype(np.uint8)
    spread = Image.fromarray((values * (255 // top)).astype(np.uint8))
    if bits == 1:
        spread.convert("1").save(tmp_path / "a.png")
    elif bits == 8:
        spread.save(tmp_path / "a.png")
    else:
        (tmp_path / "a.png").write_bytes(grey_png(values, bits))
    np.testing.assert_array_equal(
        read_tile(tmp_path / "a.png").pixels, as_rgb(values * (255 // top))
    )
    np.testing.assert_array_equal(read_type_map(tmp_path / "a.png"), values)


def grey_png(values, bits):
    """A grey PNG of 2 or 4 bits, which Pillow reads but does not write."""

    def chunk(name, data):
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes(packed(row, bits)) for row in values)
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], bits, 0, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + data + chunk(b"IEND", b"")


def packed(row, bits):
    for start in range(0, len(row), 8 // bits):
        byte = 0
        for place, value in enumerate(row[start : start + 8 // bits]):
            byte |= int(value) << (8 - bits * (place + 1))
        yield byte


def test_one_brighter_pixel_changes_nothing_else(tmp_path):
    deep = (RGB.astype(np.uint16) * 1023 // 255).astype(np.uint16)
    brighter = deep.copy()
    brighter[0, 0] = 1024
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb")
    tifffile.imwrite(tmp_path / "b.tif", brighter, photometric="rgb")
    first, second = (read_tile(tmp_path / f"{n}.tif").pixels for n in "ab")
    np.testing.assert_array_equal(first[1:], second[1:])
    assert second[0, 0].tolist() == [255, 255, 255]


def test_a_stated_depth_is_believed(tmp_path):
    dark = (RGB.astype(np.uint16) // 4).astype(np.uint16)  # 6 of 12 bits
    about = {"axes": "YXS", "SignificantBits": 12}
    tifffile.imwrite(tmp_path / "a.ome.tif", dark, photometric="rgb", metadata=about)
    tag = [(281, "H", 3, (4095,) * 3, True)]
    tifffile.imwrite(
        tmp_path / "b.tif", dark, photometric="rgb", extratags=tag, metadata=None
    )
    for name in ("a.ome.tif", "b.tif"):
        found = read_tile(tmp_path / name).pixels
        expected = np.rint(dark * 255.0 / 4095)
        assert np.abs(found - expected).max() <= 0.51


def test_cmyk_tiff(tmp_path):
    image = Image.fromarray(RGB).convert("CMYK")
    image.save(tmp_path / "a.tif")
    found = read_tile(tmp_path / "a.tif").pixels.astype(int)
    assert np.abs(found - np.asarray(image.convert("RGB"))).max() <= 1


def test_cielab_tiff(tmp_path):
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(Image.fromarray(RGB), *profiles, outputMode="LAB")
    lab.save(tmp_path / "a.tif")
    found = read_tile(tmp_path / "a.tif").pixels.astype(int)
    assert np.abs(found - RGB).mean() < 1.5
    deep = np.asarray(lab).astype(np.uint16)
    deep[..., 1:] ^= 128  # ICCLab adds 128, CIELab is signed
    tifffile.imwrite(tmp_path / "b.tif", deep.astype(np.uint8), photometric="icclab")
    icc = read_tile(tmp_path / "b.tif").pixels.astype(int)
    np.testing.assert_array_equal(icc, found)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_every_kind(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    Image.fromarray(RGB).save(tmp_path / "a.webp", exif=exif, lossless=True)
    tag = [(274, "H", 1, orientation, True)]
    tifffile.imwrite(
        tmp_path / "a.tif", RGB, photometric="rgb", tile=(32, 16), extratags=tag
    )
    with Image.open(tmp_path / "a.png") as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    for name in ("a.png", "a.webp", "a.tif"):
        np.testing.assert_array_equal(read_tile(tmp_path / name).pixels, expected)
        part = read_tile(tmp_path / name, region=(5, 7, 31, 40)).pixels
        np.testing.assert_array_equal(part, expected[7:47, 5:36])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_regions_and_turning_agree(orientation):
    stored = np.arange(7 * 11).reshape(7, 11)
    shown = turned(stored, orientation)
    assert shown.shape[::-1] == shown_size((11, 7), orientation)
    x, y, width, height = stored_region((1, 2, 4, 3), (11, 7), orientation)
    part = turned(stored[y : y + height, x : x + width], orientation)
    np.testing.assert_array_equal(part, shown[2:5, 1:5])


def test_labels_are_turned_with_their_tile(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    Image.fromarray(GREY).save(tmp_path / "b.png", exif=exif)
    tile = read_tile(tmp_path / "a.png")
    np.testing.assert_array_equal(
        read_type_map(tmp_path / "b.png"), tile.pixels[..., 0]
    )


def test_jpeg_with_a_long_header_and_a_resolution(tmp_path):
    icc = bytes(np.random.default_rng(0).integers(0, 256, 1_500_000, dtype=np.uint8))
    Image.fromarray(RGB).save(
        tmp_path / "a.jpg", icc_profile=icc, dpi=(50_800, 50_800), quality=95
    )
    assert (tmp_path / "a.jpg").stat().st_size > 1_500_000
    tile = read_tile(tmp_path / "a.jpg")
    assert tile.mpp == pytest.approx(0.5)
    assert np.abs(tile.pixels.astype(int) - RGB).mean() < 4


Image.init()
MOVING = sorted(row.key for row in IMAGE_FORMATS if row.key.upper() in Image.SAVE_ALL)


@pytest.mark.parametrize("kind", MOVING)
def test_several_pictures_in_a_file_are_refused(tmp_path, kind):
    """Of every format of the table in which Pillow writes more than one picture."""
    frames = [Image.fromarray(RGB), Image.fromarray(255 - RGB)]
    path = tmp_path / f"a.{kind}"
    frames[0].save(path, save_all=True, append_images=frames[1:], format=kind.upper())
    with pytest.raises(InputError, match=r"is an animation|stack of 2 planes"):
        read_tile(path)


def test_formats_that_move_are_tried():
    assert {"gif", "png", "webp"} <= set(MOVING)


@pytest.mark.parametrize("axes", ["ZYX", "TYX"])
@pytest.mark.parametrize("kind", ["ome", "imagej"])
def test_three_planes_that_are_no_colours(tmp_path, axes, kind):
    path = tmp_path / ("a.ome.tif" if kind == "ome" else "a.tif")
    planes = np.moveaxis(RGB, 2, 0)
    options = {kind: True, "photometric": "minisblack", "metadata": {"axes": axes}}
    tifffile.imwrite(path, planes, **options)
    with pytest.raises(InputError, match="stack of 3 planes"):
        read_tile(path)


def test_three_markers_are_no_colours(tmp_path):
    planes = np.moveaxis(RGB, 2, 0)
    named = {"axes": "CYX", "Channel": {"Name": ["DAPI", "CD3", "CD8"]}}
    options = {"photometric": "minisblack", "ome": True}
    tifffile.imwrite(tmp_path / "a.ome.tif", planes, metadata=named, **options)
    with pytest.raises(InputError, match=r"markers \(DAPI, CD3, CD8\)"):
        read_tile(tmp_path / "a.ome.tif")
    dark = {"metadata": {"axes": "CYX"}, **options}
    tifffile.imwrite(tmp_path / "b.ome.tif", planes // 8, **dark)
    with pytest.raises(InputError, match="on a dark ground"):
        read_tile(tmp_path / "b.ome.tif")
    tifffile.imwrite(tmp_path / "c.tif", planes, photometric="minisblack")
    with pytest.raises(InputError, match="stack of 3 planes"):
        read_tile(tmp_path / "c.tif")


def test_the_word_phys_in_a_text_is_no_resolution(tmp_path):
    info = PngInfo()
    info.add_text("note", "pHYs\x00\x00\x27\x10\x00\x00\x27\x10\x01")
    Image.fromarray(RGB).save(tmp_path / "a.png", pnginfo=info)
    assert read_tile(tmp_path / "a.png").mpp is None


_PROBE = """
import resource, sys
from core.errors import InputError
from core.images import read_tile
import warnings; warnings.simplefilter("ignore")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    try:
        read_tile(name)
    except InputError as error:
        pass
    try:
        read_tile(name, region=(0, 0, 32, 32))
    except InputError as error:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize(
    "name",
    [
        "sparse_80mp_rgb_f64.tif",
        "subifd_many.tif",
        "tile_1x1_80mp.tif",
        "scans_5000.jpg",
        "ihdr_twice.png",
        "text_says_pHYs.png",
    ],
)
def test_hostile_pictures_take_little_memory(shared, name):
    path = shared / "cases" / "hostile" / name
    found = subprocess.run(
        [sys.executable, "-c", _PROBE, str(path)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert int(found.stdout) < 200  # MB


def test_images_of_the_cases(shared):
    images = shared / "cases" / "images"
    upright = read_tile(images / "bmp.bmp").pixels.astype(int)
    for name in ("webp.webp", "jpeg2000.jp2", "jpeg_long_header.jpg", "tiff_cmyk.tif",
                 "jpeg_dpi_050um.jpg"):  # fmt: skip
        found = read_tile(images / name).pixels.astype(int)
        assert np.abs(found - upright).mean() < 8, name
    for name in ("png_exif_rotate6.png", "jpeg_exif_rotate6.jpg"):
        found = read_tile(images / name).pixels
        assert found.shape == (256, 200, 3)
        assert np.abs(turned(found, 8).astype(int) - upright).mean() < 8
    assert read_tile(images / "jpeg_dpi_050um.jpg").mpp == pytest.approx(0.5)
    first = read_tile(images / "depth_left.tif").pixels
    second = read_tile(images / "depth_one_brighter_pixel.tif").pixels
    assert np.count_nonzero((first != second).any(axis=2)) <= 3
    for name in ("imagej_3z.tif", "ome_3t.ome.tif", "ome_3ch_fluorescence.ome.tif",
                 "ome_anisotropic.ome.tif"):  # fmt: skip
        with pytest.raises(InputError):
            read_tile(images / name)
