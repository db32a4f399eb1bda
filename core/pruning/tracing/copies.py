"""Deep copies of modules that leave nothing behind.

``copy.deepcopy`` takes functions and weak references for constants: a ``forward``
kept in a closure, a hook or a default argument would go on using the layers of the
model that was copied. Here they are built anew around the copy.

To read this file, start from `copied`.
"""

import copy
import functools
import types
import weakref
from typing import Any, TypeVar

from torch import Tensor, nn

from core.errors import PruningError

Module = TypeVar("Module", bound=nn.Module)


def copied(module: Module, memo: dict[int, Any] | None = None) -> Module:
    """Return a deep copy of a module, functions that hold its parts included.

    Computed weights that an older normalisation leaves behind as attributes are
    results, which torch does not copy; each run computes them anew.

    Parameters
    ----------
    module
        Not changed.
    memo
        Identities of objects to what stands for them in the copy.

    Raises
    ------
    PruningError
        When a part of the module cannot be copied.
    """
    memo = {} if memo is None else memo
    parts = [child for child in module.modules() if id(child) not in memo]
    for child in parts:
        for value in vars(child).values():
            if isinstance(value, Tensor) and not value.is_leaf:
                memo.setdefault(id(value), value.detach().clone())
    try:
        found = copy.deepcopy(module, memo)
    except (TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise PruningError(
            f"This model holds something that cannot be copied ({error}): take it out "
            "of the module before pruning, such as a lock, a file or a generator."
        ) from error
    if any(has_own_functions(child) for child in parts):
        _Rebinding(module, memo).over(found)
    return found


def has_own_functions(module: nn.Module) -> bool:
    """Tell whether a module holds functions, weak references or hooks of its own."""
    for name, value in vars(module).items():
        if name in _TABLES:
            continue
        if isinstance(value, _HOLDERS):
            return True
        if isinstance(value, dict | list | tuple) and value:
            held = value.values() if isinstance(value, dict) else value
            if any(isinstance(each, _HOLDERS) for each in held):
                return True
    return False


_TABLES = frozenset(["_parameters", "_buffers", "_modules"])
_HOLDERS = (
    *(types.FunctionType, types.MethodType, functools.partial),
    *(weakref.ref, weakref.ProxyType, weakref.CallableProxyType),
)


class _Rebinding:
    """Replaces functions that hold parts of the dense model by ones of the copy.

    Parameters
    ----------
    module
        The dense model.
    memo
        What ``deepcopy`` made of each of its objects, by identity.
    """

    def __init__(self, module: nn.Module, memo: dict[int, Any]) -> None:
        self._memo = memo
        self._dense = {id(child) for child in module.modules()}
        self._dense |= {id(tensor) for tensor in module.parameters()}
        self._dense |= {id(tensor) for tensor in module.buffers()}
        self._made: dict[int, Any] = {}
        # Identities are only unique while the objects live.
        self._alive: list[Any] = []

    def over(self, found: nn.Module) -> None:
        """Go over every attribute and hook of a copy."""
        for child in found.modules():
            for name, value in list(vars(child).items()):
                if name in _TABLES:
                    continue
                if isinstance(value, dict):  # torch keeps handles of hooks' tables
                    value.update({key: self._new(v) for key, v in value.items()})
                else:
                    vars(child)[name] = self._new(value)

    def _new(self, value: Any) -> Any:
        """Return what stands for a value in the copy; itself where nothing changes."""
        if id(value) in self._dense:
            return self._memo.get(id(value), value)
        if id(value) in self._made:
            return self._made[id(value)]
        self._alive.append(value)
        build = self._builder(value)
        if build is None:
            return value
        self._made[id(value)] = value  # what holds itself ends here
        self._made[id(value)] = made = build(value)
        self._alive.append(made)
        return made

    def _builder(self, value: Any) -> Any:
        if isinstance(value, types.FunctionType):
            return self._function
        if isinstance(value, types.MethodType):
            return lambda v: types.MethodType(
                self._new(v.__func__), self._new(v.__self__)
            )
        if isinstance(value, functools.partial):
            return self._partial
        if isinstance(value, weakref.ref):
            return self._reference
        if type(value) in (weakref.ProxyType, weakref.CallableProxyType):
            return self._proxy
        if isinstance(value, dict) and value:
            return self._mapping
        if type(value) in (list, tuple) and value:
            return self._sequence
        return None

    def _mapping(self, value: dict[Any, Any]) -> dict[Any, Any]:
        new = {key: self._new(each) for key, each in value.items()}
        if all(new[key] is each for key, each in value.items()):
            return value
        made = copy.copy(value)  # a function may share it with the dense model
        made.update(new)
        return made

    def _sequence(self, value: Any) -> Any:
        new = [self._new(each) for each in value]
        same = all(a is b for a, b in zip(new, value, strict=True))
        return value if same else type(value)(new)

    def _partial(self, value: functools.partial[Any]) -> functools.partial[Any]:
        args = [self._new(each) for each in value.args]
        named = {key: self._new(each) for key, each in value.keywords.items()}
        return functools.partial(self._new(value.func), *args, **named)

    def _reference(self, value: "weakref.ref[Any]") -> "weakref.ref[Any]":
        target = value()
        new = self._new(target)
        return value if new is target else weakref.ref(new)

    def _proxy(self, value: Any) -> Any:
        # a proxy's own attributes are those of what it stands for
        target = value.__repr__.__self__
        new = self._new(target)
        return value if new is target else weakref.proxy(new)

    def _function(self, value: types.FunctionType) -> types.FunctionType:
        cells = value.__closure__ or ()
        held = [self._content(cell) for cell in cells]
        defaults = tuple(self._new(each) for each in value.__defaults__ or ())
        named = {k: self._new(v) for k, v in (value.__kwdefaults__ or {}).items()}
        same = (
            all(new is old for new, old in held)
            and all(
                a is b for a, b in zip(defaults, value.__defaults__ or (), strict=True)
            )
            and all(named[k] is v for k, v in (value.__kwdefaults__ or {}).items())
        )
        if same:
            return value
        closure = tuple(
            cell if new is old else types.CellType(new)
            for cell, (new, old) in zip(cells, held, strict=True)
        )
        made = types.FunctionType(
            value.__code__,
            value.__globals__,
            value.__name__,
            defaults or None,
            closure or None,
        )
        made.__kwdefaults__ = named or None
        made.__dict__.update(value.__dict__)
        made.__qualname__, made.__doc__ = value.__qualname__, value.__doc__
        return made

    def _content(self, cell: Any) -> tuple[Any, Any]:
        """Return what a cell should hold in the copy, and what it holds."""
        try:
            old = cell.cell_contents
        except ValueError:  # not set yet
            return None, None
        return self._new(old), old
