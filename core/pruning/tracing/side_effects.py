"""Modules that change themselves while they run: found out, and put back.

To read this file, start from `restoring`.
"""

import contextlib
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
    kept = [(child, dict(vars(child)), _tables(child)) for child in module.modules()]
    try:
        yield
    finally:
        for child, attributes, tables in kept:
            child.__dict__.clear()
            child.__dict__.update(attributes)
            for name, table in tables.items():
                held = child.__dict__[name]
                held.clear()
                held.update(table)


def _tables(module: nn.Module) -> dict[str, dict[Any, Any]]:
    names = ("_parameters", "_buffers", "_modules")
    return {name: dict(vars(module)[name]) for name in names}


def state_of(module: nn.Module) -> dict[str, tuple[int, int]]:
    """Return identity and version of everything a forward pass should not touch."""
    named = [*module.named_parameters(), *module.named_buffers()]
    return {
        name: (id(tensor), tensor._version)  # noqa: SLF001 - no public way
        for name, tensor in named
    }


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
