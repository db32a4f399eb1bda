"""Checkpoints of other programs: found, recognised, checked."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from core.errors import ModelError
from core.models import build, load_model
from core.models.probe import probe_side


def _hovernet(mode="fast", types=5, width=0.0625):
    config = {"mode": mode, "types": types, "width": width}
    return build("hovernet", config, seed=2)


def _wrappings(state):
    optimiser = {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 1}]}
    prefixed = OrderedDict((f"module.{k}", v) for k, v in state.items())
    return {
        "bare": state,
        "desc": {"desc": state},
        "parallel": {"desc": prefixed, "optimizer": optimiser, "epoch": 50},
        "model": {"model": state, "optimizer": optimiser},
        "state_dict": {"state_dict": prefixed},
        "model_state_dict": {"model_state_dict": state, "best": 0.5, "name": "x"},
        "nested": {"net": {"desc": prefixed}},
    }


@pytest.mark.parametrize("wrapping", sorted(_wrappings({})))
def test_every_usual_wrapping(wrapping, tmp_path):
    module = _hovernet()
    path = tmp_path / "net_epoch=50.tar"
    torch.save(_wrappings(module.state_dict())[wrapping], path)
    model = load_model(path)
    x = torch.rand(1, 3, 96, 96) * 255
    with torch.inference_mode():
        assert torch.equal(model.module(x)["tp"], module(x)["tp"])


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("types", [0, 2, 6])
@pytest.mark.parametrize("mode", ["fast", "original"])
def test_mode_and_types_come_from_the_shapes(mode, types, legacy, tmp_path):
    module = _hovernet(mode, types)
    path = tmp_path / "weights.pth"
    torch.save(module.state_dict(), path, _use_new_zipfile_serialization=not legacy)
    model = load_model(path)
    assert model.spec.config == {"mode": mode, "types": types, "width": 0.0625}
    assert model.spec.window == ((256, 164) if mode == "fast" else (270, 80))
    assert len(model.spec.classes) == max(types - 1, 0)
    assert model.spec.reader == "hv"
    assert model.spec.input_range == (0.0, 255.0)
    side = probe_side(model.spec)
    x = torch.rand(1, 3, side, side) * 255
    with torch.inference_mode():
        assert torch.equal(model.module(x)["np"], module(x)["np"])


@pytest.mark.parametrize(
    ("stem", "types", "first"),
    [
        ("hovernet_fast_pannuke_type_tf2pytorch", 6, "neoplastic"),
        ("hovernet_fast_monusac_type_tf2pytorch", 5, "epithelial"),
        ("hovernet_original_consep_type_tf2pytorch", 5, "miscellaneous"),
        ("hovernet_fast_pannuke_but_other_types", 4, "type 1"),
        ("net_epoch=3", 6, "type 1"),
    ],
)
def test_types_are_named_after_the_data_set(stem, types, first, tmp_path):
    path = tmp_path / f"{stem}.tar"
    torch.save({"desc": _hovernet(types=types).state_dict()}, path)
    classes = load_model(path).spec.classes
    assert classes[0] == first
    assert len(classes) == types - 1


def test_counters_of_old_batch_norms_may_be_missing(tmp_path):
    state = _hovernet().state_dict()
    kept = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    path = tmp_path / "old.tar"
    torch.save({"desc": kept}, path)
    assert load_model(path).module.state_dict().keys() == state.keys()


def test_half_precision_weights_become_single(tmp_path):
    path = tmp_path / "half.pth"
    torch.save(_hovernet().half().state_dict(), path)
    assert {p.dtype for p in load_model(path).module.parameters()} == {torch.float32}


def test_a_resnet_classifier(tmp_path):
    module = build("resnet18", {"classes": 9, "base": 8}, seed=3)
    path = tmp_path / "kather.pth"
    torch.save({"state_dict": module.state_dict()}, path)
    model = load_model(path)
    assert model.spec.task == "patch"
    assert len(model.spec.classes) == 9
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(model.module(x), module(x))


def test_names_of_an_older_hovernet(tmp_path):
    module = _hovernet("original", 0)

    def older(name):
        name = name.replace("conv0./.", "conv0.conv.").replace("/bn.", "_bn.")
        return name.replace("preact_bna_bn.", "preact_bn.")

    path = tmp_path / "older.tar"
    torch.save({"desc": {older(k): v for k, v in module.state_dict().items()}}, path)
    assert not any("/" in name for name in torch.load(path, weights_only=True)["desc"])
    model = load_model(path)
    x = torch.rand(1, 3, 198, 198) * 255
    with torch.inference_mode():
        assert torch.equal(model.module(x)["hv"], module(x)["hv"])


def test_a_resnet_of_tiatoolbox(tmp_path):
    module = build("resnet18", {"classes": 9, "base": 8}, seed=3)
    layers = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"]
    path = tmp_path / "resnet18-kather100k.pth"
    state = {}
    for name, tensor in module.state_dict().items():
        head, rest = name.split(".", 1)
        place = f"feat_extract.{layers.index(head)}" if head != "fc" else "classifier"
        state[f"{place}.{rest}"] = tensor
    torch.save(state, path)
    model = load_model(path)
    assert model.spec.mean == (0.0, 0.0, 0.0)
    assert model.spec.std == (1.0, 1.0, 1.0)
    x = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(model.module(x), module(x))


def _refused(tmp_path, content, *words):
    path = tmp_path / "weights.pth"
    torch.save(content, path)
    with pytest.raises(ModelError) as caught:
        load_model(path)
    for word in words:
        assert word in str(caught.value)


def test_missing_tensors_and_other_widths(tmp_path):
    state = _hovernet().state_dict()
    fewer = {k: v for k, v in state.items() if k != "conv_bot.weight"}
    _refused(tmp_path, {"desc": fewer}, "conv_bot.weight", "missing")
    _refused(tmp_path, state | {"x.y": torch.ones(1)}, "'x.y'", "do not belong")
    cut = state | {"conv_bot.weight": state["conv_bot.weight"][:-1]}
    _refused(tmp_path, cut, "conv_bot.weight", "shape")
    kernel = torch.ones(16, 64, 7, 7)
    _refused(
        tmp_path, state | {"decoder.np.u3.conva.weight": kernel}, "neither", "7-pixel"
    )


def test_weights_that_are_not_numbers(tmp_path):
    state = _hovernet().state_dict()
    state["conv_bot.weight"][0, 0] = torch.nan
    _refused(tmp_path, state, "conv_bot.weight", "NaN")


def test_networks_that_are_not_known(tmp_path):
    _refused(tmp_path, nn.Conv2d(3, 4, 1).state_dict(), "weight", "docs/formats.md")
    deeper = {"layer1.0.conv3.weight": torch.ones(1), "conv1.weight": torch.ones(1)}
    _refused(tmp_path, deeper | {"fc.weight": torch.ones(2, 2)}, "docs/formats.md")


@pytest.mark.parametrize(
    "content", [torch.ones(3), [1, 2], {}, {"desc": {}}, {"epoch": 3}, 7, None]
)
def test_files_without_a_state_dict(tmp_path, content):
    _refused(tmp_path, content, "no state dict", "'desc'")


@pytest.mark.parametrize("share", [0.1, 0.6, 0.99])
def test_truncated(tmp_path, share):
    for legacy in (False, True):
        path = tmp_path / f"cut-{legacy}.tar"
        state = {"desc": _hovernet().state_dict()}
        torch.save(state, path, _use_new_zipfile_serialization=not legacy)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(ModelError, match="damaged"):
            load_model(path)
