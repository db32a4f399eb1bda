"""What an operator of a graph is handed: tensors, and numbers that are no pixels.

Numbers that a graph computes with (shapes, axes, scales) are numpy arrays of Python
objects and never tensors: a width that was read off a tensor stays the object that it
was, so that the tracer sees where it goes, and torch.export keeps it free.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Host = np.ndarray
Value = Any
"""A `Tensor`, a `Host` array, a tuple of several outputs, or None where left out."""

_MOST_NUMBERS = 1 << 20  # of an array of numbers that are no pixels


@dataclass(frozen=True, slots=True)
class Node:
    """One operator of a graph.

    Parameters
    ----------
    op
        ONNX's name of it.
    inputs, outputs
        Names of values; an empty name is an input that was left out.
    attributes
        Its settings: numbers, text and lists of them.
    opset
        Version of the operators.
    layer
        Path of the module that holds its weights, or empty.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    opset: int = 20
    layer: str = ""

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute."""
        return self.attributes.get(name, default)

    def unsupported(self, what: str) -> ModelError:
        """Return the error for a setting that is not computed here."""
        return ModelError(
            f"the operator {self.op} with {what} is not computed by this program; "
            "export the network without it, or open its PyTorch checkpoint"
        )


def is_host(value: Value) -> bool:
    """Whether a value is numbers rather than a tensor."""
    return isinstance(value, np.ndarray)


def to_host(values: Any) -> NDArray[Any]:
    """Return numbers as an array of Python objects, of one number or many."""
    if isinstance(values, np.ndarray):
        found = values.astype(object)
    elif isinstance(values, list | tuple):
        parts = [to_host(value) for value in values]
        inner = parts[0].shape if parts else ()
        if any(part.shape != inner for part in parts):
            raise ModelError("a graph names a list of numbers that is no array")
        found = np.empty((len(parts), *inner), object)
        for place, part in enumerate(parts):
            found[place] = part if inner else part[()]
    else:
        found = np.empty((), object)
        found[()] = values
    if found.size > _MOST_NUMBERS:
        raise ModelError(
            f"a graph computes with a list of {found.size:,} numbers; no network of "
            "this program needs more than a million"
        )
    return found


def to_list(value: Value) -> list[Any]:
    """Return numbers as a list, flat; those of a small tensor, too."""
    if value is None:
        return []
    if isinstance(value, Tensor):
        return list(value.detach().cpu().reshape(-1).tolist())
    return list(np.asarray(value, object).reshape(-1))


def to_sizes(value: Value) -> list[Any]:
    """Return whole numbers as a list; a width of a tensor stays what it is."""
    return [int(v) if isinstance(v, float | np.generic) else v for v in to_list(value)]


def to_tensor(value: Value, like: Tensor) -> Tensor:
    """Return numbers as a tensor where another one is."""
    if isinstance(value, Tensor):
        return value
    return torch.tensor(np.asarray(value).tolist(), device=like.device)


def to_operand(value: Value, other: Tensor) -> Any:
    """Return what a tensor is combined with: a Python number where it is one."""
    if isinstance(value, Tensor):
        return value
    if value.size == 1 and value.ndim <= other.dim():
        return value.item()
    found = to_tensor(value, other)
    return found.to(other.dtype) if other.is_floating_point() else found


def check_count(sizes: Sequence[Any], node: Node) -> None:
    """Refuse a tensor that would fill the memory.

    Raises
    ------
    ModelError
        When it would have more than 2**28 values.
    """
    if math.prod(max(int.__int__(size), 1) for size in map(_plain, sizes)) > 1 << 28:
        raise ModelError(
            f"the operator {node.op} makes a tensor of {list(map(_plain, sizes))}, "
            "which no network needs; the file is damaged"
        )


def _plain(size: Any) -> int:
    """Return a width as a number without noting that it was looked at."""
    return int.__int__(size) if isinstance(size, int) else 1  # free in torch.export
