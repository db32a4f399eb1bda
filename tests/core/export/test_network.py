"""Exports run elsewhere and give what the module gives, every architecture pruned."""

import os
import runpy
import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from core.errors import InputError, ModelError
from core.export import (
    export_onnx,
    export_program,
    missing_for_onnx,
    network,
    output_names,
    traced,
    write_script,
)
from core.models import LoadedModel, build, hovernet, load_model
from core.models.probe import flatten, probe_side
from core.nuclei import to_input
from core.pruning import apply_plan, make_plan, trace
from core.types import Tile
from tests.core.models.cases import fresh

QUICK = ("unet", "attention-unet", "residual-unet", "dual-decoder", "resnet18")


def pruned(model, sparsity=0.6):
    side = probe_side(model.spec)
    graph = trace(model.module, torch.zeros(1, 3, side, side))
    plan = make_plan(model.module, graph, "l2", sparsity)
    return LoadedModel(apply_plan(model.module, plan), model.spec, plan)


def tile_of(height, width, seed=0):
    rng = np.random.default_rng(seed)
    return Tile(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


def run_script(script, folder, monkeypatch):
    """Run a written script from its folder."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", [script.name, "tile.png"])
    runpy.run_path(script.name, run_name="__main__")
    return np.load("maps.npz")


def run_alone(script, folder):
    """Run a written script by an interpreter that has nothing of this project."""
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", BLIND, script.name, "tile.png"],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return np.load(folder / "maps.npz")


# Runs a script as python does, in an interpreter that cannot import the project.
BLIND = """
import runpy, sys
class Blind:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"core", "app", "resources"}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blind())
for name in ("core", "app"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    sys.exit(f"{name} can be imported: this proves nothing")
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def expected_maps(model, tile):
    height, width = tile.pixels.shape[:2]
    with torch.inference_mode():
        outputs = model.module(to_input(model, tile))
    return {
        name: tensor[0].numpy()
        if tensor.dim() < 4
        else tensor[0, :, :height, :width].numpy()
        for name, tensor in flatten(outputs)
    }


def check_scripts(model, tile, folder, run):
    Image.fromarray(tile.pixels).save(folder / "tile.png")
    program = traced(model)
    export_onnx(folder / "m.onnx", model, program)
    export_program(folder / "m.pt2", model, program)
    expected = expected_maps(model, tile)
    for file in ("m.onnx", "m.pt2"):
        script = write_script(folder / file, model.spec, output_names(model))
        found = run(script, folder)
        assert set(found) == set(expected)
        for name, array in expected.items():
            assert found[name].shape == array.shape
            most = np.abs(array).max()
            assert np.abs(found[name] - array).max() <= 2e-3 * most


@pytest.fixture
def here(monkeypatch):
    return lambda script, folder: run_script(script, folder, monkeypatch)


@pytest.mark.parametrize("name", QUICK)
def test_exports_give_what_the_module_gives(name, tmp_path, here):
    check_scripts(pruned(fresh(name)), tile_of(75, 52), tmp_path, here)


def test_exports_run_without_the_project(tmp_path):
    check_scripts(pruned(fresh("unet")), tile_of(70, 70), tmp_path, run_alone)


@pytest.mark.slow
def test_hovernet_gives_what_the_module_gives(tmp_path, here, monkeypatch):
    """Unpadded convolutions: the script must mirror the tile on all sides.

    Of the encoder's residual units one a stage is enough; each is exported alike.
    """
    stages = [(1, *rest) for _, *rest in hovernet._STAGES]
    monkeypatch.setattr(hovernet, "_STAGES", stages)
    model = fresh("hovernet-fast")
    small = {**model.spec.config, "types": 0}
    spec = replace(model.spec, config=small)
    model = LoadedModel(build(spec.architecture, small), spec)
    check_scripts(pruned(model, 0.5), tile_of(171, 60), tmp_path, here)


@pytest.mark.slow
def test_the_demo_model_keeps_its_scale(tmp_path, here):
    check_scripts(pruned(load_model("demo"), 0.8), tile_of(90, 70), tmp_path, here)


def test_module_and_rounding_stay_as_they_were(tmp_path):
    model = pruned(fresh("unet"))
    before = {k: v.clone() for k, v in model.module.state_dict().items()}
    export_program(tmp_path / "m.pt2", model)
    after = model.module.state_dict()
    assert all(torch.equal(v, after[k]) for k, v in before.items())


def test_onnx_says_what_it_is(tmp_path):
    model = pruned(fresh("unet"))
    export_onnx(tmp_path / "m.onnx", model)
    found = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(found)
    said = {entry.key: entry.value for entry in found.metadata_props}["prunescope"]
    assert model.plan.hash in said
    assert "Not for diagnosis" in said
    sides = found.graph.input[0].type.tensor_type.shape.dim
    assert [side.HasField("dim_param") for side in sides] == [True, False, True, True]


def test_another_result_is_not_kept(tmp_path):
    """The check sees a program of other weights, and leaves the old file alone."""
    model, other = pruned(fresh("unet")), pruned(fresh("unet", seed=1))
    path = tmp_path / "m.onnx"
    path.write_bytes(b"old")
    for export, file in ((export_onnx, path), (export_program, tmp_path / "m.pt2")):
        with pytest.raises(ModelError, match="computes something else"):
            export(file, model, traced(other))
    assert [each.name for each in tmp_path.iterdir()] == ["m.onnx"]
    assert path.read_bytes() == b"old"


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    assert missing_for_onnx() == ()
    monkeypatch.setattr(network, "missing_for_onnx", lambda: ("onnxscript",))
    with pytest.raises(
        ModelError,
        match=r"needs onnxscript; run: python -m pip install 'prunescope\[onnx\]'",
    ) as caught:
        export_onnx(tmp_path / "m.onnx", fresh("unet"))
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="choose another place"):
        export_program(tmp_path / "no" / "m.pt2", fresh("unet"))
