"""What the tests of the engine share."""

import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    """Tiny networks are slower on more threads, and tests share the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
