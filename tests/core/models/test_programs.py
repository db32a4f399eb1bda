"""Exported programs: read as data, and computed as torch's own loader does."""

import io
import json
import os
import pickle
import warnings
import zipfile
from contextlib import suppress

import numpy as np
import pytest
import torch
from torch import nn
from torch.export import Dim
from torch.nn import functional

from core.errors import ModelError
from core.export.network import export_program
from core.models import load_model, save_model
from core.models.loaded import LoadedModel
from core.models.probe import flatten
from core.pruning import apply_plan, make_plan, trace

NORMS = {
    "batch": lambda: nn.BatchNorm2d(8),
    "plain batch": lambda: nn.BatchNorm2d(8, affine=False),
    "instance": lambda: nn.InstanceNorm2d(8),
    "group": lambda: nn.GroupNorm(4, 8),
}
ACTIVATIONS = {
    "ReLU in place": lambda: nn.ReLU(inplace=True),
    "PReLU": lambda: nn.PReLU(8),
    "GELU": nn.GELU,
    "Hardswish": nn.Hardswish,
    "Softplus": nn.Softplus,
}


class Block(nn.Module):
    """A U-Net of one level, whose parts go by what it is given."""

    def __init__(self, norm="batch", activation="ReLU in place", up="nearest"):
        super().__init__()
        self.start = nn.Conv2d(3, 8, 3, padding="same")
        self.norm, self.act = NORMS[norm](), ACTIVATIONS[activation]()
        self.down = nn.Conv2d(8, 16, 3, stride=2, padding=1, groups=2)
        self.up = nn.ConvTranspose2d(16, 16, 3, 2, 1, output_padding=1)
        self.way = up
        self.end = nn.Conv2d(24, 2, 1)

    def forward(self, x):
        first = self.act(self.norm(self.start(x)))
        deep = functional.dropout2d(self.down(first), 0.5, self.training)
        if self.way == "transposed":
            deep = self.up(deep)
        elif self.way == "sizes":
            deep = functional.interpolate(deep, size=x.shape[2:], mode="bilinear")
        else:
            corners = None if self.way == "nearest" else True
            deep = functional.interpolate(
                deep, scale_factor=2, mode=self.way, align_corners=corners
            )
        return self.end(torch.cat((first, deep), 1))


class Shapes(nn.Module):
    """Moves values: what attention blocks and their like do."""

    def __init__(self, pad):
        super().__init__()
        self.pad = pad
        self.a, self.b = nn.Conv2d(3, 16, 1), nn.Linear(16, 32)
        self.norm, self.c = nn.LayerNorm(16), nn.Conv2d(16, 2, 1)

    def forward(self, x):
        y = self.a(x)
        n, c, h, w = y.shape
        flat = self.norm(y.flatten(2).transpose(1, 2))
        left, right = self.b(flat).chunk(2, dim=-1)
        y = (left * right.softmax(-1)).permute(0, 2, 1).reshape(n, c, h, w)
        gate = y.mean((2, 3), keepdim=True).sigmoid()
        y = functional.pad(y * gate, (1, 1, 1, 1), mode=self.pad)[:, :, 1:-1, 1:-1]
        y = y + y.amax(1).unsqueeze(1) - y[:, 0:1].clamp(-0.5, 0.25)
        return {"hv": torch.tanh(self.c(y)), "np": self.c(y.square() / 2 + 1)}


def save(path, network, *, free=True, core=False):
    """Export as a user does; returns the network by torch's own loader."""
    sizes = {0: Dim("n"), 2: 16 * Dim("h", max=64), 3: 16 * Dim("w", max=64)}
    image = torch.rand(2, 3, 64, 96) if free else torch.rand(1, 3, 64, 64)
    shapes = (sizes,) if free else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(network, (image,), dynamic_shapes=shapes)
        program = program.run_decompositions() if core else program
        torch.export.save(program, path)
    return torch.export.load(path).module()


def assert_same(module, loaded, *shape):
    image = torch.rand(*shape)
    with torch.inference_mode():
        found, expected = flatten(module(image)), flatten(loaded(image))
    assert [name for name, _ in found] == [name for name, _ in expected]
    for (_, one), (_, other) in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert (one - other).abs().max() <= 1e-5 * other.abs().max()


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


MANY = [
    *((norm, "ReLU in place", "nearest", False) for norm in NORMS),
    *(("batch", activation, "sizes", False) for activation in ACTIVATIONS),
    *(("batch", "GELU", up, True) for up in ("transposed", "bilinear")),
    ("group", "Hardswish", "bicubic", False),
]


@pytest.mark.parametrize(("norm", "activation", "up", "core"), MANY)
def test_layers_compute_what_torchs_own_loader_does(
    norm, activation, up, core, tmp_path
):
    loaded = save(tmp_path / "a.pt2", Block(norm, activation, up).eval(), core=core)
    model = load_model(tmp_path / "a.pt2")
    assert_same(lambda x: model.module(x)["output"], loaded, 2, 3, 48, 80)
    assert "start.weight" in model.module.state_dict()


@pytest.mark.parametrize(("pad", "core"), [("reflect", False), ("constant", True)])
def test_values_are_moved_as_torch_does(pad, core, tmp_path):
    loaded = save(tmp_path / "a.pt2", Shapes(pad).eval(), core=core)
    assert_same(load_model(tmp_path / "a.pt2").module, loaded, 3, 3, 48, 80)


def test_a_program_of_one_size_still_takes_others_where_it_can(tmp_path):
    save(tmp_path / "a.pt2", Block().eval(), free=False)
    model = load_model(tmp_path / "a.pt2")
    with torch.inference_mode():
        assert model.module(torch.rand(2, 3, 48, 80))["output"].shape[2:] == (48, 80)
    save(tmp_path / "b.pt2", Block(up="sizes").eval(), free=False)
    assert load_model(tmp_path / "b.pt2").spec.window[0] == 64  # sizes are written in


def test_a_program_is_pruned_saved_opened_and_pruned_again(tmp_path):
    save(tmp_path / "net.pt2", Block().eval())
    model = load_model(tmp_path / "net.pt2")
    for turn in range(2):
        dense = sum(p.numel() for p in model.module.parameters())
        graph = trace(model.module, torch.zeros(1, 3, 64, 64))
        plan = make_plan(model.module, graph, "l2", 0.3)
        whole = plan if model.plan is None else model.plan.then(plan)
        model = LoadedModel(apply_plan(model.module, plan), model.spec, whole)
        assert sum(p.numel() for p in model.module.parameters()) < 0.85 * dense
        path = tmp_path / f"{turn}.safetensors"
        save_model(path, model)
        again = load_model(path)
        assert_same(again.module, model.module, 1, 3, 48, 80)
        model = again


def test_an_export_of_this_program_opens_as_it_was(tmp_path):
    model = load_model("unet-tiny")
    export_program(tmp_path / "m.pt2", model)
    again = load_model(tmp_path / "m.pt2")
    assert again.spec.reader == model.spec.reader
    assert (again.spec.stride, again.spec.mpp) == (model.spec.stride, model.spec.mpp)
    assert_same(again.module, model.module, 1, 3, 96, 64)


def test_the_layout_before_torch_2_8(tmp_path):
    from torch._export.serde.serialize import serialize

    loaded = save(tmp_path / "a.pt2", Block().eval())
    artifact = serialize(torch.export.load(tmp_path / "a.pt2"))
    path = tmp_path / "old.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("version", "8.1")
        archive.writestr("serialized_exported_program.json", artifact.exported_program)
        archive.writestr("serialized_state_dict.pt", artifact.state_dict)
        archive.writestr("serialized_constants.pt", artifact.constants)
    module = load_model(path).module
    assert_same(lambda x: module(x)["output"], loaded, 2, 3, 48, 80)


class _Command:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (self.mark,)


def test_no_pickle_is_run(tmp_path):
    mark = tmp_path / "ran"
    save(tmp_path / "a.pt2", Block().eval())
    evil = pickle.dumps(_Command(str(mark)))

    def change(name, data):
        if name.endswith("weights_config.json"):
            config = json.loads(data)
            config["config"]["start.weight"]["use_pickle"] = True
            return json.dumps(config).encode()
        return evil if name.endswith(("weight_0", "model.pt")) else data

    _rewritten(tmp_path / "a.pt2", tmp_path / "b.pt2", change)
    with pytest.raises(ModelError):
        load_model(tmp_path / "b.pt2")
    assert not mark.exists()


def test_weights_that_were_pickled_are_read_as_data(tmp_path):
    loaded = save(tmp_path / "a.pt2", Block().eval())
    weight = Block().state_dict()["start.weight"] * 0 + 0.25

    def change(name, data):
        if name.endswith("weights_config.json"):
            config = json.loads(data)
            config["config"]["start.weight"]["use_pickle"] = True
            return json.dumps(config).encode()
        if not name.endswith("weight_0"):
            return data
        buffer = io.BytesIO()
        torch.save(weight, buffer)
        return buffer.getvalue()

    _rewritten(tmp_path / "a.pt2", tmp_path / "b.pt2", change)
    found = load_model(tmp_path / "b.pt2").module.state_dict()["start.weight"]
    assert torch.equal(found, weight)
    assert not torch.equal(loaded.state_dict()["start.weight"], weight)


def _rewritten(source, target, change):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))


class Other(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.way, self.conv = way, nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x, *more):
        y = self.norm(self.conv(x))
        if self.way == "cumsum":
            return y.cumsum(1)
        if self.way == "part":
            y[:, :1].mul_(2.0)
        return y + sum(more)


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("cumsum", "aten.cumsum"),
        ("training", "eval"),
        ("inputs", "2 inputs"),
        ("part", "in place"),
    ],
)
def test_what_is_not_computed_is_named(way, words, tmp_path):
    network = Other(way).train(way == "training")
    images = (torch.rand(2, 3, 32, 32),) * (2 if way == "inputs" else 1)
    torch.export.save(torch.export.export(network, images), tmp_path / "a.pt2")
    with pytest.raises(ModelError, match=words):
        load_model(tmp_path / "a.pt2")


def test_machine_code_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt2", "w") as archive:
        archive.writestr("a/archive_format", "pt2")
        archive.writestr("a/data/aotinductor/model/m.wrapper.so", b"\x7fELF")
    with pytest.raises(ModelError, match="compiled"):
        load_model(tmp_path / "a.pt2")


def test_a_damaged_file_is_said(tmp_path):
    path = tmp_path / "a.pt2"
    save(path, Block().eval())
    with zipfile.ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith("models/model.json"))
        text = archive.read(name)
    rng = np.random.default_rng(0)
    for turn in range(60):
        broken = np.frombuffer(text, np.uint8).copy()
        broken[rng.integers(0, len(text), 4)] = rng.choice(list(b'019"{}[]as_'), 4)
        parts = {name: broken.tobytes()}
        _rewritten(path, tmp_path / f"{turn}.pt2", lambda n, d, p=parts: p.get(n, d))
        with suppress(ModelError):  # any other exception fails the test
            load_model(tmp_path / f"{turn}.pt2")
