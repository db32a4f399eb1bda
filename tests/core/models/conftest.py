"""What the tests of the networks share."""

import os
from pathlib import Path

import pytest
import torch

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
