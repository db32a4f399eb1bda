"""Networks of a user's own Python file: run after a consent, and never before."""

import os

import pytest
import torch
from safetensors.torch import save_file

from core.benchmark import PrunableModel, counting_input
from core.errors import ModelError
from core.export import export_onnx
from core.models import catalogue, installed, load_model, save_model
from core.models.python_file import ConsentNeededError, NetworkCode, allow
from core.options import ModelOptions, split_model
from core.types import ModelSpec, PruneRequest
from tests.core.models.conftest import SHARED

SOURCE = """
from pathlib import Path
from torch import nn

Path(__file__).with_suffix(".ran").touch()


class Net(nn.Module):
    def __init__(self, width=8, head="b"):
        super().__init__()
        self.a = nn.Conv2d(3, width, 3, padding=1)
        self.b = nn.Conv2d(width, 2, 1)

    def forward(self, x):
        return self.b(self.a(x).relu())


def broken():
    raise OSError("no disk")
"""


@pytest.fixture(autouse=True)
def _nothing_is_allowed(monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_ALLOWED_NETWORKS", "{}")


@pytest.fixture
def code(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(SOURCE + f"# {tmp_path}\n")
    return path


def _state(width=8):
    torch.manual_seed(0)
    return {
        "module.a.weight": torch.randn(width, 3, 3, 3),
        "module.a.bias": torch.randn(width),
        "module.b.weight": torch.randn(2, width, 1, 1),
        "module.b.bias": torch.randn(2),
    }


def _weights(tmp_path, width=8):
    path = tmp_path / "weights.pth"
    torch.save({"epoch": 3, "state_dict": _state(width)}, path)
    return path


def _named(path, code, **more):
    return ModelOptions(network=f"{code}:Net", **more).named(str(path))


def test_code_is_not_run_before_the_consent(tmp_path, code):
    text = _named(_weights(tmp_path), code)
    with pytest.raises(ConsentNeededError) as caught:
        load_model(text)
    assert not code.with_suffix(".ran").exists()
    assert str(code) in str(caught.value)
    assert caught.value.code.sha256 in str(caught.value)
    allow(caught.value.code)
    model = load_model(text)
    assert code.with_suffix(".ran").exists()
    assert model.spec.reader == "mask"
    assert torch.equal(model.module.a.weight, _state()["module.a.weight"])


def test_changed_code_needs_another_consent(tmp_path, code):
    text = _named(_weights(tmp_path), code)
    allow(NetworkCode.find(f"{code}:Net"))
    load_model(text)
    code.write_text(code.read_text() + "\n# another line\n")
    with pytest.raises(ConsentNeededError):
        load_model(text)


def _pruned(model, sparsity):
    prunable = PrunableModel(model, counting_input(model), ())
    request = PruneRequest("l2", sparsity, recovery="none", min_channels=2)
    plan = prunable.plan(request)
    return prunable.exported(prunable.build(request, plan), plan)


def test_a_pruned_one_opens_again_with_the_same_consent(tmp_path, code):
    text = _named(_weights(tmp_path, 16), code, arguments={"width": 16})
    allow(NetworkCode.find(f"{code}:Net"))
    model = load_model(text)
    for turn in range(2):
        model = _pruned(model, 0.3)
        path = tmp_path / f"{turn}.safetensors"
        save_model(path, model, model.plan)
        os.environ["PRUNESCOPE_ALLOWED_NETWORKS"] = "{}"
        with pytest.raises(ConsentNeededError) as caught:
            load_model(path)
        allow(caught.value.code)
        x = torch.rand(1, 3, 32, 32)
        again = load_model(path)
        assert torch.equal(again.module(x), model.module(x))
        model = again
    assert model.module.a.weight.shape[0] < 12
    out = tmp_path / "net.onnx"
    export_onnx(out, model)
    with torch.inference_mode():
        found = load_model(out).module(x)
        assert torch.allclose(next(iter(found.values())), model.module(x), atol=1e-5)
    moved = code.rename(tmp_path / "moved.py")
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(path)
    load_model(f"{path}#network={moved}:Net")
    moved.write_text(moved.read_text() + "\n# changed\n")
    with pytest.raises(ModelError, match="other code"):
        load_model(f"{path}#network={moved}:Net")


def test_what_is_wrong_is_said(tmp_path, code):
    weights = _weights(tmp_path)
    allow(NetworkCode.find(f"{code}:Net"))
    for network, words in (
        (f"{code}:Missing", "no class"),
        (f"{code}:broken", "no disk"),
        (f"{code}:Path", "no torch.nn.Module"),
        (str(code), "names no network"),
        (f"{tmp_path}/none.py:Net", "cannot be read"),
    ):
        with pytest.raises(ModelError, match=words):
            load_model(ModelOptions(network=network).named(str(weights)))
    with pytest.raises(ModelError, match="has shape"):
        load_model(_named(weights, code, arguments={"width": 4}))
    with pytest.raises(ModelError, match="network-arguments"):
        load_model(_named(weights, code, arguments={"depth": 4}))
    save_file({"x": torch.zeros(3)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match="missing"):
        load_model(_named(tmp_path / "x.safetensors", code))


def test_a_network_without_a_file_of_weights(code):
    allow(NetworkCode.find(f"{code}:Net"))
    model = load_model(_named("", code))
    assert "constructor" in model.spec.name


def test_the_text_form_holds_everything():
    options = ModelOptions(
        "contour", {"": 0.25, "smallest": 30.0}, "/a b/ü&#;=.py:Net", {"n": [1, "x|y"]}
    )
    assert split_model(options.named("some/weights.pth")) == (
        "some/weights.pth",
        options,
    )
    assert split_model("demo") == ("demo", ModelOptions())
    assert split_model("a#b.pth") == ("a#b.pth", ModelOptions())
    with pytest.raises(ModelError, match="how a model is opened"):
        split_model("demo#reader=mask&foreground=much")


def test_the_case_of_a_public_report():
    folder = SHARED / "cases" / "models"
    if not folder.is_dir():
        pytest.skip("no shared cases")
    network = f"{folder / 'my_net.py'}:MyNet"
    allow(NetworkCode.find(network))
    model = load_model(
        ModelOptions(network=network).named(str(folder / "my_net_state.pth"))
    )
    assert model.spec.reader == "mask"
    assert sum(p.numel() for p in model.module.parameters()) == 242


class _Point:
    name = "my-net"

    def load(self):
        from torch import nn

        spec = ModelSpec("My network", "nuclei", "", {"width": 6}, reader="mask")

        def build(width):
            return nn.Sequential(
                nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 1, 1)
            )

        return installed.InstalledModel(spec, build, "a network of a test")


def test_networks_of_installed_packages(tmp_path, monkeypatch):
    monkeypatch.setattr(installed, "entry_points", lambda group: [_Point()])
    installed.installed_models.cache_clear()
    try:
        assert catalogue()["my-net"] == "a network of a test"
        model = load_model("my-net")
        torch.save(model.module.state_dict(), tmp_path / "mine.pth")
        back = load_model(tmp_path / "mine.pth")
        assert (back.spec.architecture, back.spec.name) == ("my-net", "mine")
        pruned = _pruned(back, 0.3)
        save_model(tmp_path / "p.safetensors", pruned, pruned.plan)
        again = load_model(tmp_path / "p.safetensors")
        x = torch.rand(1, 3, 32, 32)
        assert torch.equal(again.module(x), pruned.module(x))
    finally:
        installed.installed_models.cache_clear()
