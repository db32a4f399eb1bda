"""Modules that change themselves while they run: found out, and put back.

To read this file, start from `restoring`.
"""

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn

from core.pruning.tracing.recording import Recorder

# Calls whose output holds the same values as their input.
_VIEWS = frozenset(
    [
        "alias",
        "detach",
        "view",
        "reshape",
        "t",
        "transpose",
        "permute",
        "squeeze",
        "unsqueeze",
        "getitem",
        "select",
        "narrow",
        "flatten",
        "expand",
    ]
)


class SelfWriteError(Exception):
    """A running model was about to write to the named tensor of its own."""


@contextlib.contextmanager
def restoring(module: nn.Module) -> Iterator[None]:
    """Put every attribute of every submodule back afterwards, whatever happens.

    Values of tensors are not: a trace runs on shapes, or on a copy.
    """
    kept = [(child, dict(vars(child)), _contents(child)) for child in module.modules()]
    try:
        yield
    finally:
        for child, attributes, contents in kept:
            child.__dict__.clear()
            child.__dict__.update(attributes)
            for name, content in contents.items():
                _refill(child.__dict__[name], content)


def _contents(module: nn.Module) -> dict[str, Any]:
    """Return what a module's own containers hold: tables, hooks, lists, sets."""
    return {
        name: copy.copy(value)
        for name, value in vars(module).items()
        if isinstance(value, dict | list | set)
    }


def _refill(container: Any, content: Any) -> None:
    """Put back what a container held, where that has changed."""
    if len(container) == len(content) and all(
        new is old
        for new, old in zip(_members(container), _members(content), strict=True)
    ):
        return
    container.clear()
    if isinstance(container, list):
        container.extend(content)
    else:
        container.update(content)


def _members(container: Any) -> Iterator[Any]:
    """Yield keys and values, or the entries."""
    if isinstance(container, dict):
        for pair in container.items():
            yield from pair
    else:
        yield from container


def state_of(module: nn.Module) -> dict[str, tuple[int, int]]:
    """Return identity and version of everything a forward pass should not touch."""
    named = [*module.named_parameters(), *module.named_buffers()]
    return {name: (id(tensor), _version(tensor)) for name, tensor in named}


def _version(tensor: Tensor) -> int:
    """Return how often a tensor was written to; inference tensors do not count it."""
    return 0 if tensor.is_inference() else tensor._version  # noqa: SLF001


def first_change(
    before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]
) -> str | None:
    """Return a parameter or buffer that is new, gone, replaced or written to."""
    for name in (*before, *after):
        if before.get(name) != after.get(name):
            return name
    return None


class Writes:
    """Stops a running model before it writes to its own tensors.

    Parameters
    ----------
    recorder
        Knows which tensors are the model's own.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._aliases: dict[int, str] = {}

    def before(self, function: Any, name: str, args: tuple[Any, ...]) -> None:
        """Look at a call that is about to be made.

        Raises
        ------
        SelfWriteError
            When it would change a parameter or buffer.
        """
        target = None
        if name == "batch_norm" and len(args) > 5 and args[5]:
            target = self._name(args[1])
        elif args and _writes(getattr(function, "__name__", ""), name):
            target = self._name(args[0])
        if target is not None:
            raise SelfWriteError(target)

    def after(self, name: str, args: tuple[Any, ...], out: Any) -> None:
        """Remember what shares its values with the model's own tensors."""
        if args and name in _VIEWS and isinstance(out, Tensor):
            source = self._name(args[0])
            if source is not None:
                # The recorder keeps tensors alive, so identities stay unique.
                self._aliases[id(out)] = source

    def _name(self, tensor: Any) -> str | None:
        return self._recorder.name(tensor) or self._aliases.get(id(tensor))


def _writes(raw: str, name: str) -> bool:
    in_place = raw.endswith("_") and not raw.endswith("__") and raw != "requires_grad_"
    operator = raw.startswith("__i") and raw not in (
        "__index__",
        "__int__",
        "__invert__",
    )
    return in_place or operator or raw == "__setitem__" or name == "set_data"
