"""What the tests of the networks share."""

import os
from pathlib import Path

import pytest
import torch

from core.models.libraries.importing import import_library, is_installed
from core.tables import LIBRARIES

SHARED = Path(__file__).parents[4] / "shared"


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny networks are slower on more threads, and tests share the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def reference():
    """The folder of reference values; absent from a bare clone."""
    folder = SHARED / "reference"
    if not folder.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{folder} is missing")
        pytest.skip(f"{folder} is not here")
    return folder


def _library(key):
    row = LIBRARIES[key]
    if not is_installed(row):
        pytest.skip(f"{row.title} is not installed")
    return import_library(row, "the test")


@pytest.fixture(scope="session")
def smp():
    """The library segmentation-models-pytorch."""
    return _library("smp")


@pytest.fixture(scope="session")
def timm():
    """The library timm."""
    return _library("timm")


@pytest.fixture(scope="session")
def monai():
    """The networks of MONAI."""
    return _library("monai")
