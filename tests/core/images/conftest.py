"""The folder with real data."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[4] / "shared"


@pytest.fixture
def shared():
    """The folder with real data; tests that need it are skipped without it."""
    if not SHARED.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"{SHARED} is needed under CI")
        pytest.skip(f"{SHARED} is not there")
    return SHARED
