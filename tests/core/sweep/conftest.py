"""A small patch classifier and some real tissue for it."""

from dataclasses import replace

import pytest
import skimage
import torch

from core.models import LoadedModel, save_model
from core.models.catalogue import entries
from core.models.resnet import ResNet18

CLASSES = ("Stroma", "tumour", "Other")


@pytest.fixture(scope="module")
def crops():
    """Six pieces of stained tissue, 64 x 64."""
    tissue = skimage.data.immunohistochemistry()
    return [tissue[i * 70 : i * 70 + 64, 100:164] for i in range(6)]


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A classifier of three classes, saved as a user's would be."""
    torch.manual_seed(0)
    module = ResNet18(classes=3, base=4).eval()
    spec = replace(
        entries()["resnet18"].spec,
        name="small classifier",
        config={"classes": 3, "base": 4},
        classes=CLASSES,
        window=(64, 64),
    )
    path = tmp_path_factory.mktemp("model") / "patches.safetensors"
    save_model(path, LoadedModel(module, spec))
    return path
