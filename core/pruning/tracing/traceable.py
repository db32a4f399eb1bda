"""What can be traced at all: a module with weights, and tensors that it takes."""

import torch
from torch import Tensor, nn

from core.errors import PruningError


def check_traceable(
    module: nn.Module, example: Tensor | tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    """Return the inputs as a tuple, or say what is wrong with module or example.

    Parameters
    ----------
    module
        A network to trace.
    example
        One input tensor or a tuple of them.

    Raises
    ------
    PruningError
        When one of them is none, or the module is a program whose widths are frozen.
    """
    kind = type(module)
    if not issubclass(kind, nn.Module):
        raise PruningError(
            f"A model to prune is a torch.nn.Module, not a {kind.__name__}: build the "
            "network first and load its weights into it."
        )
    for child in module.modules():
        _check_child(child)
    if any(tensor.is_meta for tensor in module.parameters()):
        raise PruningError(
            "This model has no values for its weights (it lies on the meta device): "
            "load its weights first."
        )
    inputs: object = (example,) if isinstance(example, Tensor) else example
    if not isinstance(inputs, tuple | list) or not all(
        isinstance(one, Tensor) for one in inputs
    ):
        raise PruningError(
            "The example is one tensor or a tuple of tensors, as the model takes them, "
            f"not a {type(example).__name__}: convert it first."
        )
    return tuple(inputs)


def _check_child(child: nn.Module) -> None:
    if isinstance(child, torch.jit.ScriptModule):
        raise PruningError(
            "This model is or holds a TorchScript program, whose widths are frozen: "
            "load the Python model with its weights instead."
        )
    compiled = getattr(child, "_compiled_call_impl", None) is not None
    if compiled or type(child).__name__ == "OptimizedModule":
        raise PruningError(
            "This model is or holds a part compiled by torch.compile, whose calls "
            "cannot be followed: pass the module that was compiled (its _orig_mod), "
            "and compile the pruned one."
        )
    exported = isinstance(child, torch.fx.GraphModule) and (
        "_guards_fn" in vars(child).get("_modules", {}) or hasattr(child, "_in_spec")
    )
    if exported:
        raise PruningError(
            "This model is a program made by torch.export, whose widths are frozen: "
            "load the Python model with its weights instead."
        )
