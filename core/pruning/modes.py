"""Small things about modules: evaluation mode for a while, all tensors by name."""

import contextlib
from collections.abc import Iterator

from torch import Tensor, nn


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


def tensors_of(module: nn.Module) -> dict[str, Tensor]:
    """Return parameters and buffers by name, shared ones under each name.

    One walk: torch's own iterators take one each, which is felt on large networks.
    """
    found: dict[str, Tensor] = {}
    for prefix, child in module.named_modules(remove_duplicate=False):
        start = f"{prefix}." if prefix else ""
        own = vars(child)
        for table in (own["_parameters"], own["_buffers"]):
            for name, tensor in table.items():
                if tensor is not None:
                    found[start + name] = tensor
    return found
