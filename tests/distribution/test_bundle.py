"""The stand-alone bundle, built and started; takes minutes."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Return the program of a bundle, built here or named by PRUNESCOPE_BUNDLE."""
    built = os.environ.get("PRUNESCOPE_BUNDLE", "")
    if built:
        return Path(built)
    pytest.importorskip("PyInstaller")
    pytest.importorskip("hatchling")
    from distribution.bundle import build_bundle

    return build_bundle(tmp_path_factory.mktemp("bundle"))


def start(program, folder, *words):
    """Run the program in an environment that has no Python and no checkout."""
    kept = {key: os.environ[key] for key in ("PATH", "SYSTEMROOT") if key in os.environ}
    own = {"HOME": str(folder), "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [str(program), *words],
        cwd=folder,
        env=kept | own,
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_says_its_versions(program, tmp_path):
    done = start(program, tmp_path, "--version")
    assert done.returncode == 0, done.stderr
    first, second, *_ = done.stdout.splitlines()
    assert first != "prunescope unknown"
    assert "not installed" not in second
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in second


def test_it_prunes_measures_and_draws_the_window(program, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "tile.png")
    words = "prune --model unet-tiny --tile tile.png --heuristic l1 --sparsity 0.5"
    done = start(program, tmp_path, *words.split(), "--calibration", "tile.png")
    assert done.returncode == 0, done.stderr
    assert "Latency is missing" not in done.stdout  # its measuring process answers
    words = "--screenshot window.png --model demo-95 --tile tile.png --sparsity 0.5"
    done = start(program, tmp_path, *words.split())
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "window.png") as picture:
        assert len(picture.convert("RGB").getcolors(1 << 20)) > 100
