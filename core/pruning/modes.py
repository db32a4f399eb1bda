"""Evaluation mode for a while."""

import contextlib
from collections.abc import Iterator

from torch import nn


@contextlib.contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Put every submodule in evaluation mode, and back as it was."""
    training = {child: child.training for child in module.modules()}
    try:
        module.eval()
        yield
    finally:
        for child, flag in training.items():
            child.training = flag
