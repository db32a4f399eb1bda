"""Limits that no linter checks."""

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
