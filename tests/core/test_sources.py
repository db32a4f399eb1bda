"""What a model or tile is opened from, as value and as text."""

import pytest

from core.sources import Source


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
