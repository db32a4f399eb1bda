"""The page on formats says what the readers' own tables say."""

import re
from pathlib import Path

from core.images import MAX_PIXELS
from core.images.datasets.layouts import LAYOUTS
from core.nuclei.scale import TOLERANCE
from core.tables import (
    IMAGE_FORMATS,
    LABEL_FORMATS,
    LIBRARIES,
    MODEL_FORMATS,
    OUTPUT_READERS,
)

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")


def rows(heading):
    """First table under a heading: first cell, and the code in the second."""
    part = PAGE.split(f"\n## {heading}\n", 1)[1]
    table = re.search(r"(?:^\|.*\n)+", part, re.M).group(0).splitlines()[2:]
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in table]
    return [(first, tuple(re.findall(r"`([^`]+)`", second))) for first, second in cells]


def test_pictures_of_the_page_are_those_of_the_reader():
    assert rows("Pictures and slides") == [(r.title, r.endings) for r in IMAGE_FORMATS]


def test_ground_truth_of_the_page_is_that_of_the_reader():
    assert rows("Ground truth") == [(r.title, r.endings) for r in LABEL_FORMATS]


def test_models_of_the_page_are_those_of_the_reader():
    assert rows("Models") == [(r.title, r.endings) for r in MODEL_FORMATS]


def test_networks_of_the_page_are_those_of_the_libraries():
    part = PAGE.split("\n## Models\n", 1)[1].split("\n## ", 1)[0]
    for library in LIBRARIES.values():
        assert library.title in part
        for network in library.networks:
            assert f"`{network}`" in part or network == "HoVerNet"


def test_folders_of_the_page_are_those_of_the_reader():
    found = [(title, " ".join(places)) for title, places in rows("Folders")]
    plain = [(r.title, re.sub(r",| of the.*", "", r.example)) for r in LAYOUTS]
    assert found == [(title, " ".join(text.split())) for title, text in plain]


def test_numbers_of_the_page_are_those_of_the_code():
    assert f"more than {MAX_PIXELS // 1_000_000} megapixels" in PAGE
    assert TOLERANCE == 1.1
    assert "more than a tenth" in PAGE


def test_readers_are_those_of_the_table():
    for row in OUTPUT_READERS.values():
        settings = ", ".join(f"`{s.key}` {s.default:g}" for s in row.settings)
        assert f"| `{row.key}` | {row.title} | {row.tip} | {settings} |" in PAGE
