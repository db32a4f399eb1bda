"""Everything that a structure holds: lists, mappings, dataclasses, own objects.

Torch's ``pytree`` stops at containers that it does not know, so a tensor inside a
dataclass would not be seen.
"""

import types
from collections import deque
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from torch import Tensor, nn

_MOST = 100_000  # objects; what holds more is not an output of a network
_OPAQUE = (
    *(str, bytes, bytearray, int, float, complex, type, nn.Module),
    *(types.FunctionType, types.BuiltinFunctionType, types.ModuleType),
)


def leaves_in(value: object) -> Iterator[Any]:
    """Yield every value inside a structure that is no container itself.

    Parameters
    ----------
    value
        Tensors, numbers, and lists, mappings, sets, dataclasses or other objects
        with attributes that hold them, to any depth; cycles are followed once.
    """
    waiting, seen = deque([value]), set[int]()
    while waiting and len(seen) < _MOST:
        one = waiting.popleft()
        if isinstance(one, Tensor) or one is None:
            yield one
            continue
        inside = _inside(one)
        if inside is None:
            yield one
        elif id(one) not in seen:
            seen.add(id(one))
            waiting.extend(inside)


def tensors_within(value: object) -> tuple[Tensor, ...]:
    """Return the tensors inside a structure, in order; see `leaves_in`."""
    return tuple(leaf for leaf in leaves_in(value) if isinstance(leaf, Tensor))


def _inside(value: object) -> list[Any] | None:
    """Return what a container holds; None for a leaf."""
    if isinstance(value, _OPAQUE):
        return None
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list | tuple | AbstractSet | deque):
        return list(value)
    held = dict(getattr(value, "__dict__", {}))
    for kind in type(value).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(value, name):
                held[name] = getattr(value, name)
    return list(held.values()) if held else None
