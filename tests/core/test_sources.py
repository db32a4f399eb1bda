"""What a model or tile is opened from, as value and as text."""

import pytest

from core.errors import InputError
from core.sources import Source, TileRegion


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("", "sample", ""),
        ("sample:", "sample", ""),
        ("sample:synthetic", "sample", "synthetic"),
        ("/some/tile.png", "file", "/some/tile.png"),
        ("tile.png", "file", "tile.png"),
    ],
)
def test_a_tile_is_a_sample_or_a_file(text, kind, name):
    source = Source.of_tile(text)
    assert (source.kind, source.name, source.labels) == (kind, name, "")
    assert Source.of_tile(source.text) == source


def test_text_of_an_earlier_version_names_the_labels():
    source = Source.of_tile("a.png|b.png")
    assert source == Source("file", "a.png", "b.png")


def test_a_bar_in_a_file_name_is_part_of_it(tmp_path):
    path = tmp_path / "a|b.png"
    path.write_bytes(b"x")
    assert Source.of_tile(str(path)) == Source("file", str(path))
    labels = str(tmp_path / "l.png")
    assert Source.of_tile(str(path), labels) == Source("file", str(path), labels)


@pytest.mark.parametrize("text", ["demo", "unet-tiny"])
def test_a_model_of_the_catalogue_is_always_there(text):
    source = Source.of_model(text)
    assert source.kind == "catalogue"
    assert source.exists
    assert source.path is None


def test_a_file_exists_or_not(tmp_path):
    path = tmp_path / "m.safetensors"
    assert not Source.of_model(str(path)).exists
    path.write_bytes(b"x")
    assert Source.of_model(str(path)).exists
    assert Source.of_model(str(path)).path == path


@pytest.mark.parametrize(
    "view",
    [
        TileRegion(),
        TileRegion((1, 2, 30, 40)),
        TileRegion((0, 0, 5, 5), 2, 0.5, 0.25, resample=False),
        TileRegion(level=1),
        TileRegion(pixel_size=0.504),
    ],
)
def test_a_view_comes_back_from_its_text(view):
    assert TileRegion.of(str(view)) == view
    source = Source("file", "slide.svs", view=view)
    assert Source.of_tile(source.text) == source


def test_a_view_and_labels_in_one_text():
    found = Source.of_tile("a#b.svs#region=1,2,3,4;mpp=0.5|labels.geojson")
    assert found.name == "a#b.svs"
    assert found.labels == "labels.geojson"
    assert found.view == TileRegion((1, 2, 3, 4), mpp=0.5)


@pytest.mark.parametrize("text", ["region=1,2", "level=x", "mpp=nan", "pixel=-1"])
def test_a_view_that_is_none_gives_a_sentence(text):
    with pytest.raises(InputError, match="names no part"):
        Source.of_tile(f"a.svs#{text}")


def test_a_sign_in_names_is_no_sign_between_them(tmp_path):
    tile, labels = tmp_path / "a|b.png", tmp_path / "c|d.png"
    for path in (tile, labels):
        path.touch()
    for source in (
        Source("file", str(tile)),
        Source("file", str(tile), str(labels)),
        Source("file", str(tile), str(labels), TileRegion(level=1)),
        Source("sample", "", "labels.png"),
    ):
        assert Source.of_tile(source.pair) == source
