"""Networks of TIAToolbox and timm, as their files hold them."""

import json

import pytest
import torch
from safetensors.torch import save_file

from core.errors import ModelError
from core.models import build, load_model, save_model
from tests.core.models.foreign import randomise


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"encoder": "unet", "widths": [8, 16, 32, 64], "kernels": [3], "classes": 3},
        {"encoder": "unet", "widths": [8, 16, 32], "skip": "concat"},
    ],
)
def test_unets_of_tiatoolbox_are_told_by_their_weights(tmp_path, config):
    network = randomise(build("tiatoolbox-unet", config))
    state = network.state_dict()
    if not config:  # its ResNet keeps the classifier, which nothing uses
        state["backbone.fc.weight"] = torch.zeros(1000, 2048)
    torch.save(state, tmp_path / "given.pth")
    model = load_model(tmp_path / "given.pth")
    image = torch.rand(1, 3, 64, 64) * 255
    with torch.inference_mode():
        found = model.module(image)
        assert torch.equal(found, network(image))
    assert found.shape[2:] == image.shape[2:]
    assert torch.allclose(found.sum(1), torch.ones(1, 64, 64), atol=1e-5)
    save_model(tmp_path / "own.safetensors", model)
    assert load_model(tmp_path / "own.safetensors").spec == model.spec


def test_hovernet_plus_keeps_its_layers_of_tissue(tmp_path):
    config = {"mode": "fast", "types": 3, "layers": 5, "width": 0.125}
    torch.save(build("hovernet", config).state_dict(), tmp_path / "given.pth")
    model = load_model(tmp_path / "given.pth")
    assert model.spec.config == config
    assert (model.spec.mpp, model.spec.name) == (0.5, "HoVer-Net+ fast, given")
    with torch.inference_mode():
        found = model.module(torch.rand(1, 3, 128, 128))
    assert found["ls"].shape == (1, 5, 36, 36)


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv2_100"])
def test_classifiers_of_timm_open_from_their_folder(timm, tmp_path, name):
    network = randomise(timm.create_model(name, num_classes=3))
    config = {
        "architecture": name,
        "num_classes": 3,
        "label_names": ["tumour", "stroma", "other"],
        "pretrained_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    model = load_model(tmp_path)
    assert model.spec.classes == ("tumour", "stroma", "other")
    assert model.spec.mean == (0.5, 0.5, 0.5)
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(model.module(image), network(image), atol=1e-5)


def test_a_network_that_lacks_a_few_tensors_is_named(tmp_path):
    state = build("hovernet", {"mode": "fast", "width": 0.0625}).state_dict()
    del state["d1.units.0.conv1/bn.running_var"]
    torch.save(state, tmp_path / "given.pth")
    with pytest.raises(
        ModelError, match=r"1 of its .* are missing.*running_var.*incomplete"
    ):
        load_model(tmp_path / "given.pth")
