"""Networks of segmentation-models-pytorch, made by it and opened from its own files."""

import json
import sys
from dataclasses import replace

import pytest
import torch

from core.errors import ModelError
from core.models import load_model, save_model
from core.models.architectures import build
from core.models.libraries.standin import has_torchvision, torchvision_for_import
from core.pruning import apply_plan, make_plan, trace
from tests.core.models.foreign import randomise, save_state

KINDS = (
    "Unet",
    "UnetPlusPlus",
    "MAnet",
    "Linknet",
    "FPN",
    "PSPNet",
    "DeepLabV3",
    "DeepLabV3Plus",
    "PAN",
    "UPerNet",
    "Segformer",
)
ENCODERS = ("mobilenet_v2", "vgg11_bn", "densenet121", "efficientnet-b0")


def same(model, network, side=128):
    image = torch.rand(1, 3, side, side)
    with torch.inference_mode():
        found, expected = model.module(image), network(image)
    return float((found - expected).abs().max() / expected.abs().max()) < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_each_network_opens_from_its_folder_and_from_its_weights(smp, tmp_path, kind):
    encoder = "resnet18" if kind != "Unet" else "mobilenet_v2"
    network = randomise(getattr(smp, kind)(encoder, encoder_weights=None, classes=2))
    network.save_pretrained(tmp_path / "folder")
    save_state(network, tmp_path / "given.pth")
    for path in ("folder", "given.pth"):
        model = load_model(tmp_path / path)
        assert model.spec.config["network"] == kind
        assert same(model, network)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_encoders_are_told_by_their_weights(smp, tmp_path, encoder):
    network = randomise(smp.Unet(encoder, encoder_weights=None))
    save_state(network, tmp_path / "given.pth")
    model = load_model(tmp_path / "given.pth")
    assert model.spec.config["arguments"]["encoder_name"] == encoder
    assert same(model, network)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("Unet", {"encoder_depth": 4, "decoder_channels": (48, 32, 16, 8)}),
        ("Unet", {"decoder_attention_type": "scse"}),
        ("Unet", {"decoder_use_norm": False}),
        ("FPN", {"decoder_merge_policy": "cat", "decoder_pyramid_channels": 64}),
        ("PSPNet", {"encoder_depth": 4, "upsampling": 16, "psp_out_channels": 64}),
        ("MAnet", {"decoder_pab_channels": 32}),
        ("Unet", {"aux_params": {"classes": 4}}),
    ],
)
def test_settings_are_deduced_from_shapes(smp, tmp_path, kind, options):
    maker = getattr(smp, kind)
    network = randomise(maker("mobilenet_v2", encoder_weights=None, **options))
    save_state(network, tmp_path / "given.pth")
    model = load_model(tmp_path / "given.pth")
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        found, expected = model.module(image), network(image)
    expected = expected[0] if isinstance(expected, tuple) else expected
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_an_activation_of_the_config_is_read_as_probability(smp, tmp_path):
    network = smp.Unet("mobilenet_v2", encoder_weights=None, activation="sigmoid")
    network.save_pretrained(tmp_path / "folder")
    assert load_model(tmp_path / "folder").spec.reader == "probability"


def test_pruned_saved_and_opened_again(smp, tmp_path):
    save_state(randomise(smp.FPN("mobilenet_v2", encoder_weights=None)), tmp_path / "a")
    model, image = load_model(tmp_path / "a"), torch.rand(1, 3, 64, 64)
    graph = trace(model.module, image)
    plan = make_plan(model.module, graph, "l2", 0.5)
    pruned = apply_plan(model.module, plan)
    save_model(tmp_path / "b.safetensors", replace(model, module=pruned), plan)
    again = load_model(tmp_path / "b.safetensors")
    assert again.spec == model.spec
    with torch.inference_mode():
        assert torch.equal(again.module(image), pruned(image))


def test_weights_that_do_not_fit_their_config_are_refused(smp, tmp_path):
    folder = tmp_path / "folder"
    smp.FPN("mobilenet_v2", encoder_weights=None).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["decoder_pyramid_channels"] = 16
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="FPN, but no settings fit its weights"):
        load_model(folder)


def test_an_unknown_encoder_is_named_by_a_config(smp, tmp_path):
    network = smp.Unet("mobilenet_v2", encoder_weights=None)
    weights = network.state_dict().items()
    state = {name.replace("encoder.", "encoder.own_"): w for name, w in weights}
    torch.save(state, tmp_path / "given.pth")
    with pytest.raises(ModelError, match=r"looks like .*Unet.* config.json names it"):
        load_model(tmp_path / "given.pth")


def test_a_missing_library_is_named_with_the_command(smp, tmp_path, monkeypatch):
    smp.FPN("mobilenet_v2", encoder_weights=None).save_pretrained(tmp_path / "folder")
    monkeypatch.setattr(
        "core.models.libraries.importing.is_installed", lambda library: False
    )
    with pytest.raises(ModelError, match=r"not installed; run: pip install .*timm"):
        load_model(tmp_path / "folder")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"library": "os", "network": "system"}, "library 'os'"),
        ({"library": "smp", "network": "from_pretrained"}, "is not built"),
        (
            {"library": "smp", "network": "Unet", "arguments": {"encoder_name": "a/b"}},
            "names nothing",
        ),
        (
            {"library": "timm", "network": "hf-hub:timm/resnet18"},
            "no name of a network",
        ),
        (
            {
                "library": "timm",
                "network": "resnet18",
                "arguments": {"checkpoint_path": "a"},
            },
            "no argument",
        ),
        (
            {
                "library": "smp",
                "network": "Unet",
                "arguments": {"decoder_channels": [1 << 30] * 5},
            },
            "more than any network",
        ),
    ],
)
def test_settings_of_a_file_name_networks_and_nothing_else(smp, config, words):
    with pytest.raises(ModelError, match=words):
        build("library", config)


@pytest.mark.parametrize(
    ("place", "ours", "options"),
    [
        ("resnet50", "ResNet", {"block": "Bottleneck", "layers": [3, 4, 6, 3]}),
        (
            "resnext50_32x4d",
            "ResNet",
            {
                "block": "Bottleneck",
                "layers": [3, 4, 6, 3],
                "groups": 32,
                "width_per_group": 4,
            },
        ),
        ("densenet121", "DenseNet", {}),
        ("mobilenetv2_100", "MobileNetV2", {}),
        ("vgg11_bn", "VGG", {}),
    ],
)
def test_encoders_in_place_of_torchvision_compute_what_timm_does(
    timm, place, ours, options
):
    from core.models import resnet
    from core.models.libraries import torchvision_nets as nets

    if "block" in options:
        options = {**options, "block": getattr(resnet, options["block"])}
    if ours == "VGG":
        widths = [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"]
        options = {"features": nets.make_layers(widths, batch_norm=True)}
    network = getattr(nets, ours)(**options).eval()
    theirs = randomise(timm.create_model(place, num_classes=0, global_pool="")).eval()
    mine = network.state_dict()
    given = [t for n, t in theirs.state_dict().items() if "pre_logits" not in n]
    names = [n for n in mine if not n.startswith(("classifier.", "fc."))]
    assert [tuple(mine[n].shape) for n in names] == [tuple(t.shape) for t in given]
    mine.update(zip(names, given, strict=True))
    network.load_state_dict(mine)
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        if ours == "ResNet":
            x = network.maxpool(network.relu(network.bn1(network.conv1(image))))
            found = network.layer4(network.layer3(network.layer2(network.layer1(x))))
        else:
            found = network.features(image)
        found = found.relu() if ours == "DenseNet" else found
        features = theirs.features if ours == "VGG" else theirs.forward_features
        expected = features(image)
    assert torch.allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_what_stands_in_for_torchvision_is_gone_after_the_import(smp):
    if has_torchvision():
        pytest.skip("torchvision is installed")
    with torchvision_for_import() as stands_in:
        assert stands_in
        assert "torchvision" in sys.modules
    assert not [name for name in sys.modules if name.split(".")[0] == "torchvision"]


def test_an_installed_torchvision_is_taken(tmp_path, monkeypatch):
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("real = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    if "torchvision" in sys.modules:
        pytest.skip("torchvision is installed")
    try:
        with torchvision_for_import() as stands_in:
            import torchvision

            assert not stands_in
            assert torchvision.real
    finally:
        sys.modules.pop("torchvision", None)
