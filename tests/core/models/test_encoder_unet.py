"""Networks of other libraries that are rebuilt from names and shapes."""

import numpy as np
import pytest
import torch

from core.models import LoadedModel, load_model, save_model
from core.nuclei import predict
from core.pruning import apply_plan, make_plan, trace
from core.types import Tile
from tests.core.models.foreign import randomise, save_state


def _agrees(folder, network):
    """Save a network as its library does, open it, and compare one output."""
    save_state(network, folder / "given.pth")
    model = load_model(folder / "given.pth")
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        found, expected = model.module(image), network(image)
    assert float((found - expected).abs().max() / expected.abs().max()) < 1e-5
    return model


@pytest.mark.parametrize("classes", [1, 4])
@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_unets_of_smp(smp, tmp_path, name, classes):
    unet = smp.Unet(name, encoder_weights=None, classes=classes)
    model = _agrees(tmp_path, randomise(unet))
    assert model.spec.reader == "mask"
    tile = Tile(np.random.default_rng(0).integers(0, 255, (70, 50, 3), np.uint8))
    assert predict(model, tile).labels.shape == (70, 50)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_classifiers_of_timm(timm, tmp_path, name):
    network = timm.create_model(name, num_classes=3)
    assert _agrees(tmp_path, randomise(network)).spec.task == "patch"


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
