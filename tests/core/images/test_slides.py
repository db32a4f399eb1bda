"""Slides of all kinds behind one reader: levels, pixel sizes, regions, memory."""

import base64
import json
import subprocess
import sys
import warnings
import zipfile
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from core.errors import InputError
from core.images import TooLargeError, read_slide, read_tile
from core.tables import IMAGE_FORMATS
from tests.core.images.makers import picture, write_flat_pyramid, write_svs

PIXELS = picture()


def close(found, expected, most=4.0):
    return np.abs(found.astype(float) - expected).mean() < most


def test_aperio_levels_resolution_and_pictures_beside_it(tmp_path):
    write_svs(tmp_path / "a.svs", PIXELS)
    with read_slide(tmp_path / "a.svs") as slide:
        assert slide.title == "Aperio SVS"
        assert [level.size for level in slide.levels] == [(640, 512), (320, 256)]
        assert slide.mpp == pytest.approx((0.25, 0.25))
        assert slide.level_mpp(1) == pytest.approx(0.5)
        assert set(slide.associated) == {"label", "macro", "thumbnail"}
        assert slide.read_associated("macro").mean() == pytest.approx(9, abs=2)
        with pytest.raises(InputError, match="there are: label, macro"):
            slide.read_associated("portrait")
        tile = slide.read_region((64, 100, 200, 150))
        assert close(tile.pixels, PIXELS[100:250, 64:264])
        half = slide.read_region((32, 50, 100, 75), level=1)
        assert half.mpp == pytest.approx(0.5)
        assert close(half.pixels, PIXELS[100:250:2, 64:264:2])


def test_pixel_size_from_the_objective_is_said(tmp_path):
    write_svs(tmp_path / "a.svs", PIXELS, "AppMag = 20")
    tile = read_tile(tmp_path / "a.svs")
    assert tile.mpp == pytest.approx(0.5)
    assert "objective (20x)" in tile.notes[0]


@pytest.mark.parametrize("mpp", [0.25, 0.5, 0.8, 1.0])
def test_a_region_at_a_resolution(tmp_path, mpp):
    write_svs(tmp_path / "a.svs", PIXELS)
    tile = read_tile(tmp_path / "a.svs", region=(64, 64, 400, 320), mpp=mpp)
    wide, tall = round(400 * 0.25 / mpp), round(320 * 0.25 / mpp)
    assert tile.pixels.shape == (tall, wide, 3)
    assert tile.mpp == mpp
    whole = Image.fromarray(PIXELS[64:384, 64:464]).resize((wide, tall), Image.BOX)
    assert close(tile.pixels, np.asarray(whole))


def test_a_resolution_needs_a_pixel_size(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="states no pixel size"):
        read_tile(tmp_path / "a.png", region=(0, 0, 64, 64), mpp=0.5)


def test_overview_is_the_whole_picture(tmp_path):
    write_svs(tmp_path / "a.svs", PIXELS)
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    for name in ("a.svs", "a.png"):
        with read_slide(tmp_path / name) as slide:
            shown = slide.overview(160)
        assert shown.pixels.shape == (128, 160, 3)
        small = np.asarray(Image.fromarray(PIXELS).resize((160, 128), Image.BOX))
        assert close(shown.pixels, small)


def write_ome_pyramid(path, **metadata):
    with tifffile.TiffWriter(path, ome=True) as tiff:
        options = {"photometric": "rgb", "tile": (128, 128), "compression": "zlib"}
        about = {"axes": "YXS", "PhysicalSizeX": 0.25, "PhysicalSizeXUnit": "µm"}
        about |= {"PhysicalSizeY": 0.25, "PhysicalSizeYUnit": "µm", **metadata}
        tiff.write(PIXELS, subifds=2, metadata=about, **options)
        tiff.write(PIXELS[::2, ::2], subfiletype=1, **options)
        tiff.write(PIXELS[::4, ::4], subfiletype=1, **options)


def test_ome_pyramid_in_sub_images(tmp_path):
    write_ome_pyramid(tmp_path / "a.ome.tif")
    with read_slide(tmp_path / "a.ome.tif") as slide:
        assert [level.size[0] for level in slide.levels] == [640, 320, 160]
        assert slide.level_for(1.0) == 2
        assert slide.level_for(0.7) == 1
        part = slide.read_region((10, 20, 30, 40), level=2).pixels
    np.testing.assert_array_equal(part, PIXELS[::4, ::4][20:60, 10:40])


def test_pixels_that_are_not_square_are_refused(tmp_path):
    write_ome_pyramid(tmp_path / "a.ome.tif", PhysicalSizeY=0.5)
    with pytest.raises(InputError, match=r"0\.25 x 0\.5 µm; resample"):
        read_tile(tmp_path / "a.ome.tif")


def test_akoya_levels_leave_the_thumbnail_out(tmp_path):
    def about(kind):
        return (
            '<?xml version="1.0"?><PerkinElmer-QPI-ImageDescription>'
            f"<ImageType>{kind}</ImageType><PixelSizeMicrons>0.5</PixelSizeMicrons>"
            "</PerkinElmer-QPI-ImageDescription>"
        )

    options = {"photometric": "rgb", "metadata": None, "compression": "lzw"}
    tiled = {**options, "tile": (128, 128)}
    with tifffile.TiffWriter(tmp_path / "a.qptiff") as tiff:
        tiff.write(PIXELS, description=about("FullResolution"), **tiled)
        tiff.write(PIXELS[::8, ::8], description=about("Thumbnail"), **options)
        tiff.write(PIXELS[::2, ::2], description=about("ReducedResolution"), **tiled)
        tiff.write(
            np.zeros((80, 60, 3), np.uint8), description=about("Label"), **options
        )
    with read_slide(tmp_path / "a.qptiff") as slide:
        assert [level.size[0] for level in slide.levels] == [640, 320]
        assert slide.level_mpp(1) == pytest.approx(1.0)
        assert set(slide.associated) == {"thumbnail", "label"}


def test_a_label_or_macro_in_front_is_not_the_slide(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        options = {"photometric": "rgb", "metadata": None}
        label = np.zeros((300, 700, 3), np.uint8)
        tiff.write(label, description="Label Image", **options)
        tiff.write(PIXELS, description="level=0 mag=40", tile=(128, 128), **options)
    np.testing.assert_array_equal(read_tile(tmp_path / "a.tif").pixels, PIXELS)


def write_ngff(path, store, pixels=None, **changes):
    import zarr

    pixels = np.moveaxis(PIXELS if pixels is None else pixels, 2, 0)
    group = zarr.open_group(store, mode="w", zarr_format=changes.get("version", 3))
    for number, step in enumerate((1, 2)):
        part = pixels[:, ::step, ::step]
        array = group.create_array(
            f"s{number}", shape=part.shape, dtype=part.dtype, chunks=(1, 128, 128)
        )
        array[:] = part
    axes = [{"name": "c", "type": "channel"}] + [
        {"name": each, "type": "space", "unit": "micrometer"} for each in "yx"
    ]
    sets = [
        {
            "path": f"s{number}",
            "coordinateTransformations": [
                {"type": "scale", "scale": [1.0, 0.25 * step, 0.25 * step]}
            ],
        }
        for number, step in enumerate((1, 2))
    ]
    about = {"multiscales": [{"axes": axes, "datasets": sets}]}
    about |= changes.get("about", {})
    group.attrs.update(about if changes.get("version") == 2 else {"ome": about})


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("packed", [False, True])
def test_ome_zarr(tmp_path, version, packed):
    from zarr.storage import ZipStore

    path = tmp_path / ("a.ome.zarr.zip" if packed else "a.ome.zarr")
    if packed:
        # attributes are written after the group, as a second entry of one name
        with ZipStore(path, mode="w") as store, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write_ngff(path, store, version=version)
    else:
        write_ngff(path, path, version=version)
    with read_slide(path) as slide:
        assert slide.title == "OME-Zarr"
        assert [level.size for level in slide.levels] == [(640, 512), (320, 256)]
        assert slide.level_mpp(1) == pytest.approx(0.5)
        part = slide.read_region((100, 50, 60, 70)).pixels
        np.testing.assert_array_equal(part, PIXELS[50:120, 100:160])
        half = slide.read_region((100, 50, 60, 70), level=1).pixels
    np.testing.assert_array_equal(half, PIXELS[::2, ::2][50:120, 100:160])


def test_ome_zarr_of_markers_is_refused(tmp_path):
    labels = [{"label": name} for name in ("DAPI", "CD3", "CD8")]
    about = {"omero": {"channels": labels}}
    write_ngff(tmp_path / "a.zarr", tmp_path / "a.zarr", about=about)
    with pytest.raises(InputError, match=r"3 markers \(DAPI, CD3, CD8\)"):
        read_tile(tmp_path / "a.zarr")


def test_ome_zarr_that_would_unpickle_is_refused(tmp_path):
    path = tmp_path / "a.zarr"
    write_ngff(path, path, version=2)
    file = path / "s0" / ".zarray"
    about = json.loads(file.read_text())
    about["filters"] = [{"id": "pickle", "protocol": 5}]
    file.write_text(json.dumps(about))
    with pytest.raises(InputError, match="packed by pickle"):
        read_slide(path)


def test_a_zip_of_something_else_is_no_picture(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("notes.txt", "nothing")
    with pytest.raises(InputError, match="is a zip archive, not an image"):
        read_tile(tmp_path / "a.zip")


def test_previews_are_never_taken_for_the_slide(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").rename(tmp_path / "a.mrxs")
    with pytest.raises(InputError, match=r"folder a with Slidedat\.ini beside it"):
        read_tile(tmp_path / "a.mrxs")
    tifffile.imwrite(tmp_path / "a.vsi", PIXELS, photometric="rgb")
    with pytest.raises(InputError, match="overview of an Olympus slide"):
        read_tile(tmp_path / "a.vsi")
    macro = (
        '<scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01"><broken/></scn>'
    )
    tifffile.imwrite(
        tmp_path / "a.scn", PIXELS, photometric="rgb", description=macro, metadata=None
    )
    with pytest.raises(InputError, match="scanner's slide that is damaged"):
        read_tile(tmp_path / "a.scn")


def test_real_slides(shared):
    data = shared / "data" / "slides"
    wanted = {
        "CMU-1-Small-Region.svs": ("Aperio SVS", (2220, 2967), 1, 0.499),
        "fluorescence.ndpi": ("Hamamatsu", (3968, 4864), 7, 0.2282),
        "dicom_cmu1_small": ("DICOM slide", (2220, 2967), 12, 0.499),
        "dicom_cmu1_small/level-3-frames-0-1.dcm": (
            "DICOM slide",
            (2220, 2967),
            12,
            0.499,
        ),
    }
    for name, (title, size, levels, mpp) in wanted.items():
        with read_slide(data / name) as slide:
            assert (slide.title, slide.size, len(slide.levels)) == (title, size, levels)
            assert slide.level_mpp(0) == pytest.approx(mpp, rel=1e-3)
            assert slide.read_region((700, 900, 64, 32)).pixels.shape == (32, 64, 3)
    same = (700, 900, 256, 256)
    svs = read_tile(data / "CMU-1-Small-Region.svs", region=same).pixels
    dicom = read_tile(data / "dicom_cmu1_small", region=same).pixels
    assert svs.std() > 5
    assert dicom.std() > 5


def test_slides_of_the_cases(shared):
    images = shared / "cases" / "images"
    for name, title in (
        ("leica_like.scn", "Leica SCN"),
        ("ndpi_like.ndpi", "Hamamatsu"),
        ("aperio_like_jpeg.svs", "Aperio SVS"),
        ("pyramid_subifd.ome.tif", "TIFF"),
        ("ngff.ome.zarr.zip", "OME-Zarr"),
    ):
        with read_slide(images / name) as slide:
            assert slide.title == title
            assert len(slide.levels) > 1
    with pytest.raises(InputError, match="cannot be opened as a slide"):
        read_tile(images / "mirax_like.mrxs")


_PROBE = """
import resource, sys
from core.images import read_slide, read_tile, TooLargeError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with read_slide(sys.argv[1]) as slide:
    size, levels = slide.size, len(slide.levels)
    shown = slide.overview(512).pixels.shape
    part = slide.read_region((90_000, 5_000, 600, 400))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_tile(sys.argv[1])
except TooLargeError as error:
    said = str(error)
print([size, levels, shown, part.pixels.shape, int(part.pixels.mean()),
       (after - before) // 1024, after // 1024, said])
"""


def test_memory_is_bounded_by_what_is_looked_at(tmp_path):
    """100,000 x 100,000 pixels: 30 GB, of which a few tiles are decoded."""
    path = tmp_path / "huge.tif"
    write_flat_pyramid(path, 100_000)
    found = subprocess.run(
        [sys.executable, "-c", _PROBE, str(path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    size, levels, shown, part, mean, more, _, said = eval(found.stdout)
    assert (size, levels, shown) == ((100_000, 100_000), 8, (512, 512, 3))
    assert (part, mean) == ((400, 600, 3), 200)
    assert more < 200  # MB
    assert "--region X,Y,WIDTH,HEIGHT" in said
    assert "or the whole at --level 5" in said


def test_too_large_is_an_error_of_its_own(tmp_path):
    write_flat_pyramid(tmp_path / "a.tif", 6000)
    with pytest.raises(TooLargeError, match="6,000 x 6,000"):
        read_tile(tmp_path / "a.tif")
    assert read_tile(tmp_path / "a.tif", level=1).pixels.shape == (3000, 3000, 3)


@pytest.mark.parametrize("name", [row.key for row in IMAGE_FORMATS if row.starts])
def test_noise_after_a_true_beginning_gives_a_sentence(tmp_path, name):
    row = next(row for row in IMAGE_FORMATS if row.key == name)
    noise = np.random.default_rng(0).bytes(4000)
    for start in row.starts:
        path = tmp_path / f"a{row.endings[0]}"
        path.write_bytes(start + noise)
        with pytest.raises(InputError):
            read_tile(path)


# a page of 0 x 0 pixels, found by benchmarks.fuzz
NO_PIXELS = (
    "c-r&y)MDUZU|<krU|?in$ScjsVFc2QKoJnZ#K_FR3}oH{VrC$l5hBdM24yn=F&`rn!(<>M;W"
    "IOXD5I;=v2A&!{z1p3%#2P}DbF==-R#ITBjSqgvhW|*AGs@h6<$<qGVN$dx^7wKMV64-n~w9"
    "QZ<1H$nY?}TsRcUpfQ?fa7(M{q?F99w0}wkSv0Z>{0R|9eVE6;Xu0X$n*fu}~UW~k8KgWOr2"
    "mm)2Pml"
)


def test_r9_a_slide_without_pixels_is_one_sentence(tmp_path):
    path = tmp_path / "none.tif"
    path.write_bytes(zlib.decompress(base64.b85decode(NO_PIXELS)))
    with pytest.raises(InputError), read_slide(path) as slide:
        slide.overview()
