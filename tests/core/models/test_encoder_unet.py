"""Networks of other libraries that are rebuilt from names and shapes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from core.models import LoadedModel, load_model, save_model
from core.nuclei import predict
from core.pruning import apply_plan, make_plan, trace
from core.types import Tile


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of weights with inputs and outputs, made by the libraries themselves."""
    folder = tmp_path_factory.mktemp("libraries")
    script = Path(__file__).with_name("make_reference.py")
    done = subprocess.run(
        [sys.executable, script, folder], capture_output=True, text=True, check=False
    )
    if "ModuleNotFoundError" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


def _agrees(folder, name):
    if not (folder / f"{name}.pth").exists():
        pytest.skip("encoders of segmentation-models-pytorch need torchvision")
    model = load_model(folder / f"{name}.pth")
    image, expected = torch.load(folder / f"{name}.out", weights_only=True)
    with torch.inference_mode():
        found = model.module(image)
    assert float((found - expected).abs().max() / expected.abs().max()) < 1e-5
    return model


@pytest.mark.parametrize("classes", [1, 4])
@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_unets_of_smp(made, name, classes):
    model = _agrees(made, f"smp-{name}-{classes}")
    assert model.spec.reader == "mask"
    tile = Tile(np.random.default_rng(0).integers(0, 255, (70, 50, 3), np.uint8))
    assert predict(model, tile).labels.shape == (70, 50)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_classifiers_of_timm(made, name):
    assert _agrees(made, f"timm-{name}").spec.task == "patch"


@pytest.fixture
def small(tmp_path):
    """The state of a narrow U-Net on ResNet-18, as a file of another program."""
    from core.models.architectures import build

    config = {"base": 8, "blocks": [2, 2, 2, 2], "decoder": [16, 12, 8, 8, 4]}
    torch.save(build("encoder-unet", config).state_dict(), tmp_path / "small.pth")
    return tmp_path / "small.pth"


def test_pruned_saved_opened_and_pruned_again(small, tmp_path):
    model = load_model(small)
    example = torch.rand(1, 3, 64, 64)
    for step in range(2):
        graph = trace(model.module, example)
        plan = make_plan(model.module, graph, "l2", 0.5 - step / 4)
        pruned = apply_plan(model.module, plan)
        path = tmp_path / f"pruned-{step}.safetensors"
        save_model(path, LoadedModel(pruned, model.spec, model.plan), plan)
        model = load_model(path)
        with torch.inference_mode():
            assert torch.equal(model.module(example), pruned(example))
