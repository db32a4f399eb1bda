"""Networks of MONAI, made by it and opened from weights, bundles and zip files."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from core.benchmark import Bench
from core.errors import ModelError
from core.models import load_model, save_model
from core.pruning import apply_plan, make_plan, trace
from core.types import LabelledTile, PruneRequest, Tile
from tests.core.models.foreign import randomise, save_state

FLAT = {"spatial_dims": 2, "in_channels": 3, "out_channels": 2}
UNET = {"channels": (4, 8, 16), "strides": (2, 2)}
BASIC = {"features": (4, 4, 8, 16, 32, 6)}
DYN = {
    "kernel_size": [3, 3, 3],
    "strides": [1, 2, 2],
    "upsample_kernel_size": [2, 2],
    "filters": [4, 8, 16],
}
CASES = [
    ("UNet", UNET),
    ("UNet", UNET | {"num_res_units": 2, "norm": "batch"}),
    ("UNet", UNET | {"num_res_units": 2, "kernel_size": 5, "strides": (2, 1)}),
    ("UNet", UNET | {"norm": ("instance", {"affine": True}), "bias": False}),
    ("BasicUNet", BASIC),
    ("BasicUNet", BASIC | {"norm": "batch", "upsample": "nontrainable"}),
    ("BasicUNet", BASIC | {"upsample": "pixelshuffle"}),
    ("AttentionUnet", UNET),
    ("DynUNet", DYN),
    ("DynUNet", DYN | {"res_block": True, "norm_name": "batch"}),
    ("DynUNet", DYN | {"deep_supervision": True, "trans_bias": True}),
    ("SegResNet", {"init_filters": 8}),
    ("SegResNet", {"norm": "batch", "upsample_mode": "deconv"}),
    ("SegResNet", {"blocks_up": (1, 1), "blocks_down": (1, 2, 2)}),
]


def made(monai, name, options):
    network = getattr(monai, name)(**FLAT, **options)
    for weight in network.parameters():
        if weight.ndim == 1:  # norms start as one and zero
            nn.init.uniform_(weight, 0.1, 1)
    return randomise(network)


def gap(model, network, image):
    with torch.inference_mode():
        found, expected = model.module(image), network(image)
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize(("name", "options"), CASES)
def test_a_network_is_told_by_its_weights(monai, tmp_path, name, options):
    network = made(monai, name, options)
    save_state(network, tmp_path / "given.pth")
    model = load_model(tmp_path / "given.pth")
    assert model.spec.config["network"] == name
    assert gap(model, network, torch.rand(1, 3, 64, 64)) < 1e-5


@pytest.mark.parametrize(
    ("name", "options"), [CASES[1], CASES[4], CASES[7], CASES[8], CASES[11]]
)
def test_pruned_saved_opened_pruned_and_saved_again(monai, tmp_path, name, options):
    save_state(made(monai, name, options), tmp_path / "given.pth")
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    source, sizes, image = tmp_path / "given.pth", [], torch.rand(1, 3, 64, 64)
    for turn in range(2):
        bench = Bench.open_tiles(load_model(source), [LabelledTile("a", Tile(pixels))])
        pruned = bench.export(PruneRequest("l2", 0.4))
        source = tmp_path / f"{turn}.safetensors"
        save_model(source, pruned, pruned.plan)
        again = load_model(source)
        sizes.append(sum(p.numel() for p in again.module.parameters()))
        assert gap(again, pruned.module, image) < 1e-4
    assert sizes[0] > 1.4 * sizes[1]


@pytest.mark.parametrize(("mode", "side"), [("fast", 256), ("original", 270)])
def test_hovernet_of_monai_needs_no_library_and_gives_the_same(
    monai, tmp_path, mode, side
):
    network = randomise(monai.HoVerNet(mode=mode, out_classes=5))
    save_state(network, tmp_path / "given.pth")
    model = load_model(tmp_path / "given.pth")
    assert model.spec.reader == "hv"
    assert model.spec.architecture == "hovernet"
    image = torch.rand(1, 3, side, side)
    names = {"np": "nucleus_prediction", "hv": "horizontal_vertical"}
    names["tp"] = "type_prediction"
    with torch.inference_mode():
        found, expected = model.module(image * 255), network(image)
    for ours, theirs in names.items():
        most = float(expected[theirs].abs().max())
        assert float((found[ours] - expected[theirs]).abs().max()) < 1e-5 * most


@pytest.fixture
def bundle(monai, tmp_path):
    """A bundle with weights that its shapes alone do not tell apart."""
    options = {"channels": [4, 8, 16], "strides": [2, 1], "act": "relu"}
    network = made(monai, "UNet", options | {"norm": "batch"})
    folder = tmp_path / "nuclei"
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    torch.save(network.state_dict(), folder / "models" / "model.pt")
    definition = {"_target_": "monai.networks.nets.UNet", **FLAT, **options}
    config = {
        "imports": ["$import os"],
        "types": 2,
        "device": "$os.system('touch ran')",
        "network_def": definition | {"out_channels": "@types", "norm": "batch"},
        "network": "$@network_def.to(@device)",
    }
    (folder / "configs" / "inference.json").write_text(json.dumps(config))
    return folder, network


def test_a_bundle_opens_as_folder_zip_and_file(bundle, tmp_path, monkeypatch):
    folder, network = bundle
    monkeypatch.chdir(tmp_path)
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "nuclei")
    image = torch.rand(1, 3, 64, 64)
    for path in (folder, tmp_path / "packed.zip", folder / "models" / "model.pt"):
        assert gap(load_model(path), network, image) < 1e-5
    assert not (tmp_path / "ran").exists()


def test_types_of_nuclei_come_from_the_metadata(bundle):
    folder, _ = bundle
    config = json.loads((folder / "configs" / "inference.json").read_text())
    config["network_def"]["out_channels"] = 4
    (folder / "configs" / "inference.json").write_text(json.dumps(config))
    state = torch.load(folder / "models" / "model.pt", weights_only=True)
    last = [name for name in state if name.startswith("model.2.conv.")]
    for name in last:
        twice = 1 if name.endswith("weight") else 0
        state[name] = torch.cat([state[name]] * 2, twice)
    torch.save(state, folder / "models" / "model.pt")
    names = {"0": "background", "1": "epithelial", "2": "immune", "3": "stroma"}
    described = {"network_data_format": {"outputs": {"pred": {"channel_def": names}}}}
    (folder / "configs" / "metadata.json").write_text(json.dumps(described))
    assert load_model(folder).spec.classes == ("epithelial", "immune", "stroma")


def test_python_in_a_config_leaves_the_weights_to_tell(bundle):
    folder, network = bundle
    path = folder / "configs" / "inference.json"
    path.write_text(json.dumps({"network_def": {"_target_": "$make()", "a": "@b#c"}}))
    model = load_model(folder)
    assert model.spec.config["network"] == "UNet"
    assert [tuple(p.shape) for p in model.module.parameters()] == [
        tuple(p.shape) for p in network.parameters()
    ]


def test_networks_for_volumes_are_refused(monai, tmp_path):
    network = monai.BasicUNet(spatial_dims=3, features=(4, 4, 4, 4, 4, 4))
    save_state(network, tmp_path / "given.pth")
    with pytest.raises(ModelError, match="for volumes"):
        load_model(tmp_path / "given.pth")


def test_weights_of_another_width_are_refused_with_what_they_look_like(monai, tmp_path):
    state = made(monai, "BasicUNet", BASIC).state_dict()
    state["down_2.convs.conv_0.conv.weight"] = torch.zeros(9, 4, 3, 3)
    torch.save(state, tmp_path / "given.pth")
    with pytest.raises(ModelError, match=r"looks like MONAI's BasicUNet.*down_2"):
        load_model(tmp_path / "given.pth")


def test_a_network_for_grey_pictures_takes_the_brightness(monai, tmp_path):
    network = randomise(monai.UNet(**FLAT | {"in_channels": 1}, **UNET))
    save_state(network, tmp_path / "given.pth")
    model = load_model(tmp_path / "given.pth")
    image = torch.rand(1, 3, 64, 64)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    grey = (image * weights).sum(1, keepdim=True)
    with torch.inference_mode():
        assert torch.allclose(model.module(image), network(grey), atol=1e-5)
    plan = make_plan(model.module, trace(model.module, image), "l2", 0.3)
    pruned = apply_plan(model.module, plan)
    save_model(tmp_path / "own.safetensors", replace(model, module=pruned), plan)
    assert gap(load_model(tmp_path / "own.safetensors"), pruned, image) < 1e-5
