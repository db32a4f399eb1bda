"""The wheel: one import package, which works from wherever it lies."""

import ast
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from distribution.one_package import FOLDERS, rewrite

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from core import job\n", "from prunescope.core import job\n"),
        ("from  core.job import Job\n", "from  prunescope.core.job import Job\n"),
        ("import core.job as job\n", "import prunescope.core.job as job\n"),
        ("é = 1; from app import text\n", "é = 1; from prunescope.app import text\n"),
        ("x = 'core.job'\n", "x = 'prunescope.core.job'\n"),
        ("x = ('core.models.',)\n", "x = ('prunescope.core.models.',)\n"),
        ("files('resources') / 'a'\n", "files('prunescope.resources') / 'a'\n"),
        ("def f():\n    from app import text\n",
         "def f():\n    from prunescope.app import text\n"),
    ],
)  # fmt: skip
def test_names_of_modules_start_from_the_package(before, after):
    assert rewrite(before, ROOT) == after


@pytest.mark.parametrize(
    "source",
    [
        "x = 'core'\n",
        "x = 'resources'\n",
        "x = 'app.png'\n",
        "x = 'core.nothing'\n",
        "from corelib import core\n",
        "import json\n",
        "'''See core.job'''\n",
        "from .core import x\n",
    ],
)
def test_anything_else_stays(source):
    assert rewrite(source, ROOT) == source


def test_an_import_that_would_change_its_name_is_refused():
    with pytest.raises(ValueError, match=r"line 2: write 'import core\.job as NAME'"):
        rewrite("\nimport core.job\n", ROOT)


def test_the_checkout_answers_to_the_names_of_the_package():
    from core import job
    from core.errors import InputError
    from prunescope.core import errors
    from prunescope.core import job as same

    assert same is job
    assert errors.InputError is InputError
    assert job.__spec__.name == "core.job"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel of this checkout."""
    builder = pytest.importorskip("hatchling.builders.wheel")
    folder = tmp_path_factory.mktemp("dist")
    (path,) = builder.WheelBuilder(str(ROOT)).build(directory=str(folder))
    return Path(path)


@pytest.fixture(scope="module")
def unpacked(wheel, tmp_path_factory):
    """Return a folder with what the wheel installs."""
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_installs_one_package_and_all_of_it(unpacked):
    named = {path.name.partition("-")[0] for path in unpacked.iterdir()}
    assert named == {"prunescope"}
    for folder in FOLDERS:
        ours = {
            path.relative_to(ROOT / folder)
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        theirs = {
            path.relative_to(unpacked / "prunescope" / folder)
            for path in (unpacked / "prunescope" / folder).rglob("*")
            if path.is_file()
        }
        assert ours == theirs


def test_no_module_imports_another_package_of_that_name(unpacked):
    for path in unpacked.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            assert not {name.partition(".")[0] for name in names} & set(FOLDERS), path


_ENTRY = """
import sys
from importlib import metadata
(point,) = metadata.entry_points(group="console_scripts", name="prunescope")
sys.argv[0] = "prunescope"
sys.exit(point.load()())
"""


def run_installed(unpacked, folder, *words):
    """Run the command as pip installs it, from a folder; nothing else is on the path.

    The libraries are found in the environment of the tests, the checkout is not.
    """
    kept = {key: value for key, value in os.environ.items() if "PYTHONPATH" not in key}
    own = {"PYTHONPATH": str(unpacked), "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.run(
        [sys.executable, "-P", "-c", _ENTRY, *words],
        cwd=folder,
        env=kept | own | {"HOME": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def hostile(tmp_path):
    """Return a folder in which other packages have the names of ours."""
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("raise SystemExit('hostile')\n")
    return tmp_path


@pytest.mark.slow
def test_the_installed_command_prunes_beside_packages_of_other_people(
    unpacked, hostile
):
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(hostile / "tile.png")
    words = "prune --model unet-tiny --tile tile.png --heuristic l2 --sparsity 0.5"
    words += " --calibration tile.png --json"
    done = run_installed(unpacked, hostile, *words.split())
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # the process that measures starts from the package, too
    assert not [note for note in found["notes"] if "Latency is missing" in note]


def test_the_description_shows_no_broken_picture(unpacked):
    (about,) = unpacked.glob("*.dist-info/METADATA")
    text = about.read_text(encoding="utf-8")
    assert "# PruneScope" in text
    assert "*Picture: " in text
    assert "](docs/" not in text


def test_the_start_of_a_bundle_is_in_the_package():
    source = (ROOT / "distribution" / "bundle_main.py").read_text(encoding="utf-8")
    found = rewrite(source, ROOT)
    assert "from prunescope.app.__main__ import main\n" in found
    assert "from prunescope.core.children import run_asked_module\n" in found
