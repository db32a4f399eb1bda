"""Limits that no linter checks."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path for folder in ("app", "core") for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_file_fits_in_the_head(path):
    lines = path.read_text().count("\n")
    assert lines <= 400, f"{path.name} has {lines} lines: split it"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_file_says_what_it_is_for(path):
    assert path.read_text().startswith(('"""', 'r"""')), "no module docstring"


def test_a_class_name_means_one_thing():
    """Two classes of one name are taken for each other by whoever reads."""
    owners = {}
    for path in SOURCES:
        for name in re.findall(r"^class ([A-Z]\w*)", path.read_text(), re.MULTILINE):
            owners.setdefault(name, []).append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in owners.items() if len(found) > 1} == {}
