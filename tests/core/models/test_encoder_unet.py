"""Networks of other libraries that are rebuilt from names and shapes."""

import sys
import warnings
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

import numpy as np
import pytest
import torch
from torch import nn

from core.models import LoadedModel, load_model, save_model
from core.nuclei import predict
from core.pruning import apply_plan, make_plan, trace
from core.types import Tile


class _Anything(type):
    """Metaclass of stand-ins, which have every attribute."""

    def __getattr__(cls, name):
        return f"{cls.__name__}.{name}"


class _Absent(MetaPathFinder, Loader):
    """Stands for torchvision: timm and smp import names of it and use none here."""

    def find_spec(self, name, path, target=None):
        if name.split(".")[0] != "torchvision":
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        module = ModuleType(spec.name)
        module.__getattr__ = lambda name: _Anything(name, (nn.Module,), {})
        return module

    def exec_module(self, module):
        module.__path__ = []


@pytest.fixture(scope="module")
def libraries():
    """Import timm and smp, without torchvision where that is not installed."""
    finder = _Absent()
    sys.meta_path.append(finder)  # asked last, so the real one is found first
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            timm = pytest.importorskip("timm", exc_type=ImportError)
            smp = pytest.importorskip(
                "segmentation_models_pytorch", exc_type=ImportError
            )
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if name.startswith("torchvision")]:
            if isinstance(getattr(sys.modules[name], "__loader__", None), _Absent):
                del sys.modules[name]
    return timm, smp


def _randomised(module):
    torch.manual_seed(0)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.running_mean, 0, 0.1)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    return module.eval()


def _agrees(path, module, side=64):
    model = load_model(path)
    x = torch.rand(1, 3, side, side)
    with torch.inference_mode():
        found, expected = model.module(x), module(x)
    assert float((found - expected).abs().max() / expected.abs().max()) < 1e-5
    return model


@pytest.mark.parametrize("classes", [1, 2, 4])
@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_unets_of_smp(libraries, name, classes, tmp_path):
    network = libraries[1].Unet(name, encoder_weights=None, classes=classes)
    module = _randomised(network)
    torch.save(module.state_dict(), tmp_path / "unet.pth")
    model = _agrees(tmp_path / "unet.pth", module)
    assert model.spec.reader == "mask"
    tile = Tile(np.random.default_rng(0).integers(0, 255, (70, 50, 3), np.uint8))
    assert predict(model, tile).labels.shape == (70, 50)


@pytest.mark.parametrize("name", ["resnet18", "resnet34", "resnet50"])
def test_classifiers_of_timm(libraries, name, tmp_path):
    module = _randomised(libraries[0].create_model(name, num_classes=3))
    torch.save({"state_dict": module.state_dict()}, tmp_path / "net.pth")
    assert _agrees(tmp_path / "net.pth", module).spec.task == "patch"


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
