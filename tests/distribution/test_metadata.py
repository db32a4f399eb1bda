"""Optional parts, dependencies, and the README where it is shown elsewhere."""

import ast
import re
import tomllib
from importlib import util
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from app.cli.display import PACKAGES
from core.deployment.runtimes import RUNTIMES
from core.errors import InputError
from core.images.slides import ngff, openslide
from core.tables import LIBRARIES
from core.tables.extras import EXTRAS, to_install_command
from distribution.readme import to_anywhere

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PARTS = PROJECT["optional-dependencies"]
SOURCES = sorted(path for f in ("app", "core") for path in (ROOT / f).rglob("*.py"))
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]


def test_the_parts_are_those_of_the_project():
    assert set(EXTRAS) == set(PARTS)
    (everything,) = map(Requirement, PARTS["all"])
    assert everything.name == PROJECT["name"]
    assert everything.extras == set(EXTRAS) - {"all"}


def test_every_part_that_is_named_anywhere_exists():
    named = {row.extra for row in RUNTIMES.values() if row.extra}
    for path in [*SOURCES, *PAGES]:
        text = path.read_text(encoding="utf-8")
        for words in re.findall(r"prunescope\[([\w,]+)\]", text):
            named.update(words.split(","))
        if path.suffix == ".py":
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Call) and (
                    getattr(node.func, "id", "") == "to_install_command"
                ):
                    named.update(re.findall(r"'(\w+)'", ast.unparse(node)))
    assert named >= {"onnx", "openvino", "slides", "cluster"}
    assert named <= set(EXTRAS)
    with pytest.raises(ValueError, match="no optional part"):
        to_install_command("nothing")


def test_a_sentence_that_installs_takes_it_from_the_tables():
    owners = {"extras.py", "libraries.py", "importing.py"}
    for path in SOURCES:
        strings = (
            node.value
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        )
        told = [text for text in strings if re.search(r"\bpip install [^D]", text)]
        assert path.name in owners or not told or "prunescope[" in told[0], path


def test_what_installs_a_library_is_the_part_of_its_name():
    for key, row in LIBRARIES.items():
        words = set(row.install.split()) - {"--no-deps", "huggingface_hub"}
        assert words == {Requirement(text).name for text in PARTS[key]}


def test_slides_say_what_they_need(tmp_path, monkeypatch):
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    path = tmp_path / "slide.svs"
    path.write_bytes(b"II*\0")
    with pytest.raises(InputError, match=r"slide.svs .*pip install 'prunescope\[sli"):
        openslide.detect(path)
    assert openslide.detect(tmp_path / "tile.tif") is None
    folder = tmp_path / "a.zarr"
    folder.mkdir()
    with pytest.raises(InputError, match=r"pip install 'prunescope\[slides\]'"):
        ngff.NgffBackend(folder)


def test_what_qt_needs_is_the_same_in_the_guide_and_the_program():
    guide = (ROOT / "docs" / "installing.md").read_text(encoding="utf-8")
    assert f"apt-get install {PACKAGES}\n" in guide


README = "![a *b*](docs/a.png) and [words](docs/a.md#x), [web](https://a.b), [up](#c)"


def test_a_readme_elsewhere_has_no_broken_picture_or_link():
    assert to_anywhere(README) == (
        "*Picture: a *b*.* and words, [web](https://a.b), [up](#c)"
    )
    shown = to_anywhere(README, "https://host/raw/v1/")
    assert "![a *b*](https://host/raw/v1/docs/a.png)" in shown
    assert "[words](https://host/raw/v1/docs/a.md#x)" in shown
    whole = to_anywhere((ROOT / "README.md").read_text("utf-8"))
    prose = re.sub(r"```.*?```", "", whole, flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        assert target.startswith(("http", "#")), target
    assert "![" not in prose


def test_versions_with_known_faults_are_refused():
    """The table in docs/trust.md is what a service for such faults would say."""
    text = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w-]+)` \| ([\d.]+) \|", text, flags=re.MULTILINE)
    assert len(rows) >= 8
    assert re.search(r"as of 20\d\d-\d\d-\d\d", text)
    parts = [text for name, part in PARTS.items() if name != "all" for text in part]
    needs = [Requirement(each) for each in [*PROJECT["dependencies"], *parts]]
    for name, fixed in rows:
        bounds = [need.specifier for need in needs if need.name == name]
        assert bounds, name
        for bound in bounds:
            (least,) = (each.version for each in bound if each.operator == ">=")
            assert Version(least) >= Version(fixed), name
