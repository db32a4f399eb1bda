"""A heuristic of one's own, in a package of its own, as docs/extending.md shows it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.benchmark import PrunableModel
from core.models import load_model
from core.pruning import HEURISTICS
from core.pruning.scoring.heuristics.registry import find_installed, forget
from core.types import PruneRequest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "extending.md").read_text("utf-8")


def _block(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[0]


@pytest.fixture
def site(tmp_path):
    """A folder as pip leaves it: the page's module beside its dist-info."""
    place = tmp_path / "site"
    info = place / "my_package-1.0.dist-info"
    info.mkdir(parents=True)
    (place / "my_package.py").write_text(_block("python"), "utf-8")
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-package\nVersion: 1"
    )
    point = re.search(r"^largest_weight = \"(.+)\"$", _block("toml"), re.MULTILINE)[1]
    (info / "entry_points.txt").write_text(
        f"[prunescope.heuristics]\nlargest_weight = {point}\n"
    )
    return place


def _run(site, *arguments):
    paths = [str(site), str(ROOT), os.environ.get("PYTHONPATH", "")]
    settings = {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_line_knows_it(site, tmp_path):
    listed = _run(site, "inspect", "--model", "unet-tiny")
    assert re.search(r"^ +largest_weight +Removes channels whose largest", listed, re.M)
    tile = tmp_path / "tile.png"
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tile)
    asked = ("--heuristic", "largest_weight", "--sparsity", "0.5", "--recovery", "none")
    told = _run(
        site, "prune", "--model", "unet-tiny", "--tile", str(tile), *asked, "--json"
    )
    found = json.loads(told)
    assert "largest_weight" in json.dumps(found)


@pytest.fixture
def looked_up_again(site, monkeypatch):
    """The registry of this process, after the package was installed."""
    monkeypatch.syspath_prepend(site)
    find_installed()
    yield
    forget(HEURISTICS["largest_weight"])
    sys.modules.pop("my_package", None)


@pytest.mark.usefixtures("looked_up_again")
def test_the_list_that_the_window_offers_has_it():
    model = load_model("unet-tiny")
    example = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    prunable = PrunableModel(model, example, [example])
    offered = {h.name: h for h in prunable.heuristics}
    mine = offered["largest_weight"]
    assert mine.title == "Largest weight"
    assert mine.sentence == "Removes channels whose largest weight is smallest."
    assert not mine.needs
    request = PruneRequest("largest_weight", 0.5)
    plan = prunable.plan(request)
    half = prunable.counts.params / 2
    assert abs(prunable.sizes(plan).params - half) < 0.02 * prunable.counts.params
    # The channels that stay have larger weights, on average over a layer's.
    first = plan.kept["encoder.2.conv1.weight"][0]
    peaks = model.module.encoder[2].conv1.weight.detach().abs().flatten(1).amax(1)
    gone = np.setdiff1d(np.arange(peaks.numel()), first)
    assert peaks[first].mean() > peaks[gone].mean()
