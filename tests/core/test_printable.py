"""Names of other people: shown as they are, and without any effect."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.printable import to_cell, to_markdown, to_markdown_code, to_printable

TEXTS = st.text(max_size=40)


@given(TEXTS)
@example("a\x1b[31m\u202egnp.exe\u200b\n\udcff")
def test_everything_left_can_be_seen(text):
    for found in (to_printable(text), to_cell(text), to_markdown(text)):
        assert found.isprintable()
    assert len(to_printable(text)) == len(text)
    if text.isprintable():
        assert to_printable(text) == text


@given(TEXTS)
@example("=cmd|' /C calc'!A0")
@example("\t@SUM(1)")
@example("  -1+1")
def test_no_cell_begins_like_a_formula(text):
    cell = to_cell(text)
    assert cell.lstrip()[:1] not in {"=", "+", "-", "@"} or not cell.strip()
    out = io.StringIO()
    csv.writer(out).writerow([cell])
    assert next(csv.reader(io.StringIO(out.getvalue()))) == [cell]


@pytest.mark.parametrize(
    "name", ["nuclei", "a b", "encoder1.conv2", "u_net", "Zellkörper"]
)
def test_usual_names_stay_as_they_are(name):
    assert to_cell(name) == to_markdown(name) == to_printable(name) == name
    assert to_markdown_code(name) == f"`{name}`"


@given(TEXTS)
@example("a`b``c`")
def test_code_ends_where_the_name_ends(text):
    """The fence is longer than every run of backticks within."""
    found = to_markdown_code(text)
    fence = found[: len(found) - len(found.lstrip("`"))]
    if to_printable(text).strip("`"):
        inside = found[len(fence) : -len(fence)]
        assert fence not in inside
        assert inside.strip() == to_printable(text).strip()
