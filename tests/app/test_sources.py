import pytest

from app.state.session.sources import labels_beside, sorted_out


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], ("", "")),
        (["/d/a.png"], ("", "/d/a.png")),
        (["/d/m.safetensors"], ("/d/m.safetensors", "")),
        (["/d/a.png", "/d/M.TAR"], ("/d/M.TAR", "/d/a.png")),
        (["/d/a_mask.png", "/d/a.png"], ("", "/d/a.png|/d/a_mask.png")),
        (
            ["/d/labels/a.png", "/d/images/a.png"],
            ("", "/d/images/a.png|/d/labels/a.png"),
        ),
        (["/d/a.png", "/d/b.png"], ("", "/d/a.png")),
        (["/d/labels/a.png"], ("", "/d/labels/a.png")),
    ],
)
def test_dropped_files_are_told_apart(paths, expected):
    assert sorted_out(paths) == expected


def test_labels_beside_images(tmp_path):
    for folder in ("images", "labels", "other"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.png").touch()
    found = labels_beside(tmp_path / "images" / "a.png")
    assert found == tmp_path / "labels" / "a.png"
    assert labels_beside(tmp_path / "images" / "b.png") is None
    assert labels_beside(tmp_path / "other" / "a.png") is None
