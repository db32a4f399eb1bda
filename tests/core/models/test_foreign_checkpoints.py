"""Checkpoints as trainers leave them: extra objects, prefixes, masks, odd sizes."""

import argparse
import io
import pathlib
import zipfile
from collections import OrderedDict, defaultdict

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from core.errors import ModelError
from core.models import build, load_model
from tests.core.models.conftest import SHARED


@pytest.fixture(scope="module")
def module():
    return build("hovernet", {"mode": "fast", "types": 5, "width": 0.0625}, seed=2)


def _same(path, module):
    found = load_model(path).module.state_dict()
    expected = module.state_dict()
    assert found.keys() == expected.keys()
    for name in expected:
        assert torch.equal(found[name], expected[name]), name


KEYS = ["ema", "network", "weights", "model_state", "state_dict", "model", "desc"]


@pytest.mark.parametrize("key", KEYS)
def test_keys(key, module, tmp_path):
    torch.save({key: module.state_dict(), "epoch": np.float64(3)}, tmp_path / "a.pth")
    _same(tmp_path / "a.pth", module)


@pytest.mark.parametrize(
    "prefix", ["module.", "net.", "backbone.", "hovernet.", "a.b."]
)
@pytest.mark.parametrize("zipped", [True, False])
def test_prefixes_beside_weights_of_a_loss(prefix, zipped, module, tmp_path):
    state = OrderedDict((prefix + k, v) for k, v in module.state_dict().items())
    state["loss.weight"] = torch.ones(5)
    content = {
        "state_dict": state,
        "hyper_parameters": argparse.Namespace(
            lr=1e-3, path=pathlib.PurePosixPath("a")
        ),
        "callbacks": defaultdict(list, a=[np.float32(1)]),
        "best": np.float64(0.3),
    }
    path = tmp_path / "last.ckpt"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    _same(path, module)


def test_whole_modules_without_running_their_code(module, tmp_path):
    torch.save(module, tmp_path / "whole.pt")
    _same(tmp_path / "whole.pt", module)
    torch.save({"model": nn.DataParallel(module)}, tmp_path / "parallel.pt")
    _same(tmp_path / "parallel.pt", module)


def test_masks_of_torch_prune_are_multiplied_in(module, tmp_path):
    pruned = build("hovernet", {"mode": "fast", "types": 5, "width": 0.0625}, seed=2)
    for layer in pruned.modules():
        if isinstance(layer, nn.Conv2d):
            prune.l1_unstructured(layer, "weight", 0.3)
    path = tmp_path / "masked.tar"
    torch.save({"desc": pruned.state_dict()}, path)
    for layer in pruned.modules():
        if isinstance(layer, nn.Conv2d):
            prune.remove(layer, "weight")
    _same(path, pruned)


def test_counters_of_thop_and_the_missing_constant(module, tmp_path):
    state = dict(module.state_dict())
    del state["upsample2x.unpool_mat"]
    for name in [name for name in state if name.endswith("conv1/bn.weight")]:
        state[name.removesuffix("weight") + "total_ops"] = torch.zeros(1)
    state["total_params"] = torch.zeros(1, dtype=torch.float64)
    torch.save(state, tmp_path / "counted.pth")
    _same(tmp_path / "counted.pth", module)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"<!DOCTYPE html><html>Sign in</html>", "web page"),
        (b"\n<html><body>404</body></html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
    ],
)
@pytest.mark.parametrize("name", ["m.pth", "m.safetensors", "m.onnx", "m.zip"])
def test_files_that_are_no_model(name, content, word, tmp_path):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError, match=word):
        load_model(path)


def test_tensors_larger_than_their_storage(tmp_path):
    state = {
        "conv0./.weight": torch.zeros(8, 3, 7, 7),
        "decoder.np.u3.conva.weight": torch.zeros(4, 4, 3, 3),
        "decoder.tp.u0.conv.weight": torch.zeros(1).as_strided((1, 1), (1, 1)),
    }
    path = tmp_path / "huge.pth"
    torch.save(state, path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    (name,) = [name for name in files if name.endswith("data.pkl")]
    small = files[name]
    huge = small.replace(b"K\x01K\x01\x86", b"J\xff\xff\xff\x7fK\x01\x86")
    assert huge != small
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in (files | {name: huge}).items():
            archive.writestr(member, data)
    with pytest.raises(ModelError, match="damaged"):
        load_model(path)


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8])
def test_one_flipped_bit_of_a_zipped_checkpoint(place, module, tmp_path):
    path = tmp_path / "flipped.pth"
    torch.save(module.state_dict(), path)
    with zipfile.ZipFile(path) as archive:
        inside = [i for i in archive.infolist() if "/data/" in i.filename]
        info = max(inside, key=lambda i: i.file_size)
    data = bytearray(path.read_bytes())
    start = info.header_offset + 30 + len(info.filename)
    extra = int.from_bytes(
        data[info.header_offset + 28 : info.header_offset + 30], "little"
    )
    data[start + extra + int(place * info.file_size)] ^= 4
    path.write_bytes(data)
    with pytest.raises(ModelError, match="damaged"):
        load_model(path)


HOSTILE = SHARED / "cases" / "hostile"


@pytest.mark.skipif(not HOSTILE.is_dir(), reason=f"{HOSTILE} is not here")
@pytest.mark.parametrize(
    "name",
    [
        "conv1_scalar.pth",
        "cycle.pth",
        "deep_5000.pth",
        "fc_1e7_classes.pth",
        "fc_1e9_classes.pth",
        "fc_half_1e9.pth",
        "hov_types.tar",
        "meta.pth",
        "nested_jagged.pth",
        "own_plan_deep.safetensors",
        "own_spec_thr_inf_smooth.safetensors",
        "own_spec_thr_neg.safetensors",
        "own_threshold_one_bit.safetensors",
        "deep.json",
        "number.json",
    ],
)
def test_hostile_files_are_refused_with_a_sentence(name):
    with pytest.raises(ModelError) as caught:
        load_model(HOSTILE / name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_a_pickle_cannot_name_functions(tmp_path):
    """Opcodes that call, import or set attributes give placeholders only."""
    proof = tmp_path / "proof"
    program = b"c__builtin__\nopen\n(X%s%sX\x01\x00\x00\x00wtR." % (
        len(str(proof)).to_bytes(4, "little"),
        str(proof).encode(),
    )
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("archive/data.pkl", program)
    path = tmp_path / "calls.pth"
    path.write_bytes(data.getvalue())
    with pytest.raises(ModelError, match="code"):
        load_model(path)
    assert not proof.exists()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"net_G": state, "best": torch.ones(1), "epoch": 3},
        lambda state: {"run": {"last": {"whatever": state}}},
        lambda state: [state, {"epoch": 3}],
        lambda state: ({"lr": 0.1}, state),
    ],
)
def test_weights_under_any_key_beside_an_optimiser(wrap, module, tmp_path):
    moments = {n: {"exp_avg": v, "exp_avg_sq": v, "step": v}
               for n, v in enumerate(module.state_dict().values())}  # fmt: skip
    optimiser = {"state": moments, "param_groups": []}
    content = wrap(module.state_dict())
    if isinstance(content, dict):
        content |= {"optimizer": optimiser, "other": optimiser}
    torch.save(content, tmp_path / "a.pth")
    found = load_model(tmp_path / "a.pth").module.state_dict()
    for name, value in module.state_dict().items():
        assert torch.equal(found[name], value)


def test_an_optimiser_alone_is_no_model(tmp_path):
    moments = {"exp_avg": torch.ones(3), "exp_avg_sq": torch.ones(3)}
    torch.save({"state": {0: moments}, "param_groups": []}, tmp_path / "a.pth")
    with pytest.raises(ModelError, match="holds no state dict"):
        load_model(tmp_path / "a.pth")
