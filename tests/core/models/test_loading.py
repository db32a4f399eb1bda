"""What is opened by name, and what is refused with a sentence."""

import json
import struct
import warnings
import zipfile

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from core.errors import ModelError
from core.models import catalogue, container, load_model, save_model
from core.models.catalogue import entries
from core.models.probe import probe_side
from core.pruning import apply_plan, make_plan, trace
from tests.core.models.cases import fresh

_LIGHT = [
    "unet-tiny",
    "unet",
    "unet-transposed",
    "attention-unet",
    "residual-unet",
    "dual-decoder",
    "hovernet-tiny",
    "resnet18",
]


def _refused(path, *words):
    """The sentence with which `path` is refused."""
    with pytest.raises(ModelError) as caught:
        load_model(path)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 400
    for word in words:
        assert word in text
    return text


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, fresh("unet"))
    return path


def _rewrite(path, change, signed=True):
    """Save the file again after `change` has edited its header."""
    data = container.encode(container.read(path, checked=False))
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    inner = json.loads(header["__metadata__"]["prunescope"])
    change(inner)
    if signed:
        inner["sha256"] = container.checksum(inner)
    header["__metadata__"]["prunescope"] = json.dumps(inner)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def test_the_catalogue_says_what_it_lists():
    names = catalogue()
    assert next(iter(names)) == "demo"
    for name, entry in entries().items():
        if entry.spec is None and name not in names:
            _refused(name, name, "install")
            continue
        assert "\n" not in names[name]
        if entry.spec is not None:
            assert "untrained" in names[name]
            assert "untrained" in entry.spec.name


@pytest.mark.parametrize("name", _LIGHT)
def test_names_open_and_take_their_window(name):
    model = load_model(name)
    again = load_model(name)
    side = probe_side(model.spec)
    assert model.spec.window[0] % model.spec.stride == 0
    x = torch.rand(1, 3, side, side) * model.spec.input_range[1]
    with torch.inference_mode():
        outputs = model.module(x)
    if isinstance(outputs, dict) and "tp" in outputs:
        assert outputs["tp"].shape[1] == len(model.spec.classes) + 1
    state, same = model.module.state_dict(), again.module.state_dict()
    assert all(torch.equal(state[k], same[k]) for k in state)
    assert not model.module.training


def test_a_trained_file_may_be_missing(monkeypatch, tmp_path):
    from core.models import loading

    monkeypatch.setattr(loading.resources, "files", lambda _: tmp_path)
    _refused("demo", "demo.safetensors", "install")


def test_nothing_of_that_name(tmp_path):
    _refused("unet-giant", "unet-giant", "no model named")
    _refused(tmp_path / "nothing.safetensors", "no such file")


@pytest.mark.parametrize("name", ["", "a\0b", "x" * 5000])
def test_names_that_cannot_be_paths(name):
    _refused(name)


def test_a_folder_an_empty_file_and_a_device(tmp_path):
    _refused(tmp_path, "folder")
    empty = tmp_path / "empty.pth"
    empty.touch()
    _refused(empty, "empty")
    _refused("/dev/null", "device")


@pytest.mark.parametrize("suffix", [".pth", ".tar", ".safetensors", ".pt2", ""])
def test_noise_under_any_name(suffix, tmp_path):
    path = tmp_path / f"noise{suffix}"
    path.write_bytes(b"Not weights, not even nearly. " * 50)
    _refused(path, f"noise{suffix}")


@pytest.mark.parametrize("share", [0.001, 0.02, 0.5, 0.999])
def test_truncated_files(saved, share):
    data = saved.read_bytes()
    saved.write_bytes(data[: max(1, int(len(data) * share))])
    _refused(saved, "damaged")


def test_one_flipped_bit_is_noticed(saved):
    data = bytearray(saved.read_bytes())
    data[-100] ^= 1
    saved.write_bytes(data)
    _refused(saved, "checksum")


def test_one_changed_digit_of_the_description_is_noticed(saved):
    def change(header):
        header["spec"]["mpp"] = 0.26

    _rewrite(saved, change, signed=False)
    _refused(saved, "description", "damaged")


def test_safetensors_of_another_program(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.ones(3)}, path)
    _refused(path, "no network")


def test_a_newer_format(saved):
    _rewrite(saved, lambda header: header.update(format=99))
    _refused(saved, "newer version", "update")


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h.pop("spec"),
        lambda h: h.update(spec=[]),
        lambda h: h.update(format="one"),
        lambda h: h["spec"].update(stride=-1),
        lambda h: h["spec"].update(task="world domination"),
        lambda h: h["spec"].update(window=[10, 20]),
        lambda h: h["spec"].update(mean=None),
        lambda h: h["spec"].pop("architecture"),
        lambda h: h.update(plan="{}"),
        lambda h: h.update(plan=7),
        lambda h: h.update(probe={"seed": 0}),
        lambda h: h.update(probe={"seed": 0, "outputs": {"np": {}}}),
        lambda h: h.update(weights_sha256=None),
    ],
)
def test_damaged_descriptions(saved, change):
    _rewrite(saved, change)
    _refused(saved)


def test_an_unknown_architecture(saved):
    _rewrite(saved, lambda h: h["spec"].update(architecture="os"))
    _refused(saved, "'os'", "unknown")


def test_settings_that_would_fill_the_memory(saved):
    _rewrite(saved, lambda h: h["spec"]["config"].update(base=10**7))
    _refused(saved, "shape")


def test_other_settings_than_the_weights_have(saved):
    _rewrite(saved, lambda h: h["spec"]["config"].update(types=9))
    _refused(saved, "heads.tp", "shape")


def test_outputs_that_are_no_longer_the_same(saved):
    def change(header):
        header["probe"]["outputs"]["np"]["values"][3] += 1.0

    _rewrite(saved, change)
    _refused(saved, "no longer computes")


def test_a_description_of_the_future_is_read_as_far_as_known(saved):
    _rewrite(saved, lambda h: h["spec"].update(colour="blue"))
    assert load_model(saved).spec == fresh("unet").spec


def _saved_state(saved, change):
    """Save a state that `save_model` would refuse."""
    parts = container.read(saved)
    state = dict(parts.state)
    change(state)
    new = container.Container(parts.spec, parts.plan, None, state)
    saved.write_bytes(container.encode(new))


def test_weights_that_are_not_numbers(saved):
    _saved_state(saved, lambda s: s["heads.np.bias"].fill_(torch.inf))
    _refused(saved, "heads.np.bias", "NaN or infinite")


def test_missing_and_unexpected_tensors(saved):
    _saved_state(saved, lambda s: s.pop("heads.np.bias"))
    _refused(saved, "heads.np.bias", "missing")
    _saved_state(
        saved, lambda s: s.update({"heads.np.bias": torch.ones(1), "x": torch.ones(1)})
    )
    _refused(saved, "'x'", "do not belong")


def test_integer_weights(saved):
    _saved_state(saved, lambda s: s.update({"heads.np.bias": torch.ones(1).char()}))
    _refused(saved, "unquantised")


def test_half_precision_becomes_single(saved):
    def halve(state):
        state.update({k: v.half() if v.dim() else v for k, v in state.items()})

    _saved_state(saved, halve)
    module = load_model(saved).module
    assert {p.dtype for p in module.parameters()} == {torch.float32}


def test_a_plan_that_does_not_fit(saved, tmp_path):
    other = fresh("resnet18")
    graph = trace(other.module, torch.rand(1, 3, 64, 64))
    plan = make_plan(other.module, graph, "random", 0.5)
    path = tmp_path / "pruned.safetensors"
    save_model(path, apply_plan(other.module, plan), plan)
    with_plan = container.read(path)
    dense = container.read(saved)
    mixed = container.Container(dense.spec, with_plan.plan, None, dense.state)
    saved.write_bytes(container.encode(mixed))
    _refused(saved, "plan", "does not fit")


def test_an_unknown_device(saved):
    with pytest.raises(ModelError, match="'abacus'"):
        load_model(saved, device="abacus")


class _Payload:
    """A pickle that would leave a file behind if anything unpickled it."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (open, (str(self.trace), "w"))


def test_code_in_a_pickle_never_runs(tmp_path):
    proof, path = tmp_path / "proof", tmp_path / "evil.pth"
    torch.save({"desc": {"weight": torch.ones(1)}, "extra": _Payload(proof)}, path)
    _refused(path, "no network")
    assert not proof.exists()
    torch.save(_Payload(proof), path)
    _refused(path, "code")
    assert not proof.exists()
    module = fresh("hovernet-fast").module
    torch.save({"desc": module.state_dict(), "extra": _Payload(proof)}, path)
    assert load_model(path).module.state_dict().keys() == module.state_dict().keys()
    assert not proof.exists()


def test_a_pickled_module_of_an_unknown_network(tmp_path):
    path = tmp_path / "module.pt"
    torch.save(nn.Conv2d(3, 4, 1), path)
    _refused(path, "code", "state_dict")


def test_torchscript_onnx_and_keras(tmp_path):
    script = tmp_path / "script.pt"
    _save_script(script)
    _refused(script, "TorchScript", "frozen")
    onnx = tmp_path / "net.onnx"
    onnx.write_bytes(b"\x08\x07\x12\x07pytorch")
    _refused(onnx, "ONNX")
    keras = tmp_path / "weights_best.h5"
    keras.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    _refused(keras, "Keras")


def _save_script(path):
    """TorchScript is deprecated, but files of it will be around for years."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(torch.jit.script(nn.Conv2d(3, 4, 1)), path)


def test_a_zip_of_something_else(tmp_path):
    path = tmp_path / "archive.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    _refused(path, "archive.pth")


def test_loading_adds_nothing_and_loses_nothing(saved):
    state = load_model(saved).module.state_dict()
    assert state.keys() == load_file(saved).keys()
