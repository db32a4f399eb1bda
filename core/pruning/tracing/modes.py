"""Small things about modules: evaluation mode, tensors by name, calls."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode


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


Handle = Callable[[str, Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
"""What is made of a call: ``name, function, args, kwargs -> result``."""


class LayerCalls(TorchFunctionMode):
    """While active, hands calls of convolutions and linear layers to a function.

    Parameters
    ----------
    weights
        Identity of a weight tensor to its name; calls with others pass by.
    handle
        Runs the call (or not) and returns the result.
    """

    def __init__(self, weights: Mapping[int, str], handle: Handle) -> None:
        super().__init__()
        self._weights, self._handle = weights, handle

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        weight = args[1] if len(args) > 1 else kwargs.get("weight")
        name = self._weights.get(id(weight))
        kind = getattr(func, "__name__", "")
        if name is None or not kind.startswith(("conv", "linear")):
            return func(*args, **kwargs)
        return self._handle(name, func, args, kwargs)
