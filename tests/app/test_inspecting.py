"""What ``prunescope inspect`` says of files and folders that are no models."""

import json

import numpy as np
import pytest
from PIL import Image

from app.cli.inspecting import describe_path
from core.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 50, 3)).astype(np.uint8)
LABELS = np.kron(np.arange(20).reshape(4, 5), np.ones((10, 10), int)).astype(np.uint16)


def said(path):
    first, *rest = describe_path(path)
    assert first == path.name
    return " / ".join(line.strip() for line in rest)


def picture(path, pixels=PIXELS):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="PNG")
    return path


def test_what_a_file_is_used_for_is_all_that_is_said(tmp_path):
    found = said(picture(tmp_path / "a.png"))
    assert "PNG, 50 x 40 pixels, states no pixel size" in found
    assert "ground truth" not in found
    np.save(tmp_path / "a.npy", LABELS)
    assert said(tmp_path / "a.npy") == "ground truth: 19 nuclei in 50 x 40 pixels"
    both = said(picture(tmp_path / "both.png", LABELS))
    assert "picture: PNG" in both
    assert "ground truth: 19 nuclei" in both


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", json.dumps({"a": 1}), "no JSON of a known kind"),
        ("a.pdf", "%PDF-1.4", "a PDF document"),
        ("net.py", "class Net: pass", "--network net.py:CLASS"),
        ("rdf.yaml", "type: model", "the folder around it"),
        ("notes", "hello", "a text file"),
        ("empty.png", "", "empty"),
    ],
)
def test_a_refused_file_is_said_with_the_reason(name, text, words, tmp_path):
    (tmp_path / name).write_text(text)
    assert words in said(tmp_path / name)


def test_folders(tmp_path):
    picture(tmp_path / "set" / "images" / "a.png")
    picture(tmp_path / "set" / "labels" / "a.png", LABELS)
    assert "1 tiles, 1 with ground truth" in said(tmp_path / "set")
    for name in ("TUM", "STR"):
        picture(tmp_path / "patches" / name / "a.png")
    assert "each class (STR, TUM)" in said(tmp_path / "patches")
    for number in (3, 7):
        mask = ((number == LABELS) * 255).astype(np.uint8)
        picture(tmp_path / "masks" / f"{number}.png", mask)
    assert "ground truth: 2 nuclei" in said(tmp_path / "masks")
    (tmp_path / "empty").mkdir()
    assert "lies in no way that is known" in said(tmp_path / "empty")
    with pytest.raises(InputError, match="does not exist"):
        describe_path(tmp_path / "nothing")
