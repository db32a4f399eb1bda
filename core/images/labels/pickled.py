"""Arrays inside a pickled ``.npy`` file, read without running the pickle.

Cellpose saves its result as a pickled dictionary. A pickle is a program for a small
stack machine; here its instructions are followed with values only: nothing is imported
or called, and what would be called is kept as a record. Arrays are then rebuilt from
the records that NumPy leaves, which hold a type, a shape and the raw bytes.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedReader

    from numpy.typing import NDArray

_MOST_STEPS = 5_000_000
_MARK = object()
_PLAIN_KINDS = "biuf"


@dataclass(slots=True)
class PickledObject:
    """What a pickle would have called, with what, and what it would have set."""

    name: str
    arguments: tuple[Any, ...] = ()
    state: Any = None
    items: list[Any] = field(default_factory=list)


def read_records(file: BufferedReader) -> Any:
    """Follow a pickle from the current place of a file.

    Returns
    -------
    object
        Plain values, lists, dictionaries and `PickledObject` values.

    Raises
    ------
    ValueError
        When it does anything but build values.
    """
    machine = _Machine()
    for step, (code, argument, _) in enumerate(pickletools.genops(file)):
        if step > _MOST_STEPS:
            raise ValueError("the pickle is too long")
        if code.name == "STOP":
            return machine.stack.pop()
        machine.do(code.name, argument)
    raise ValueError("the pickle does not end")


def to_array(found: Any) -> NDArray[Any] | None:
    """Rebuild an array of numbers from its record; None for anything else."""
    if not isinstance(found, PickledObject):
        return None
    if found.name.endswith("._frombuffer") and len(found.arguments) == 4:  # protocol 5
        data, kind, shape, order = found.arguments
        return _rebuilt(shape, kind, data, fortran=order == "F")
    state = found.state
    if not found.name.endswith("._reconstruct") or not isinstance(state, tuple):
        return None
    if len(state) != 5:
        return None
    return _rebuilt(state[1], state[2], state[4], fortran=bool(state[3]))


def _rebuilt(shape: Any, kind: Any, data: Any, *, fortran: bool) -> NDArray[Any] | None:
    """Check what a record says of an array, and view its bytes."""
    kind, data = _to_dtype(kind), _to_bytes(data)
    if kind is None or data is None or not isinstance(shape, tuple):
        return None
    if not all(isinstance(side, int) and side >= 0 for side in shape):
        return None
    if prod(shape) * kind.itemsize != len(data):
        return None
    return np.frombuffer(data, kind).reshape(shape, order="F" if fortran else "C")


def _to_dtype(found: Any) -> np.dtype[Any] | None:
    if not isinstance(found, PickledObject) or not found.name.endswith(".dtype"):
        return None
    code = found.arguments[0] if found.arguments else None
    if (
        not isinstance(code, str)
        or not code[:1].isalpha()
        or code[0] not in _PLAIN_KINDS
    ):
        return None
    try:
        kind = np.dtype(code)
    except TypeError:
        return None
    order = found.state[1] if isinstance(found.state, tuple) else "|"
    return kind.newbyteorder(">") if order == ">" else kind


def _to_bytes(found: Any) -> bytes | None:
    if isinstance(found, (bytes, bytearray)):
        return bytes(found)
    # old protocols write bytes as text of the same numbers
    if isinstance(found, PickledObject) and found.name == "_codecs.encode":
        text = found.arguments[0]
        return text.encode("latin-1") if isinstance(text, str) else None
    return None


class _Machine:
    """The stack of a pickle; `do` follows one instruction."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def do(self, name: str, argument: Any) -> None:
        if name in ("PROTO", "FRAME"):
            return
        if name in _VALUES:
            self.stack.append(argument)
            return
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]())
            return
        follow = _STEPS.get(name)
        if follow is None:
            raise ValueError(f"a pickle with {name} is not read")
        follow(self, argument)

    def since_mark(self) -> list[Any]:
        values: list[Any] = []
        while (value := self.stack.pop()) is not _MARK:
            values.append(value)
        return values[::-1]

    def remember(self, argument: Any) -> None:
        number = len(self._memo) if argument is None else int(argument)
        self._memo[number] = self.stack[-1]

    def recall(self, argument: Any) -> None:
        self.stack.append(self._memo[int(argument)])

    def mark(self, _: Any) -> None:
        self.stack.append(_MARK)

    def named(self, argument: Any) -> None:
        if argument is None:
            name, module = self.stack.pop(), self.stack.pop()
            argument = f"{module} {name}"
        self.stack.append(PickledObject(str(argument).replace(" ", ".")))

    def called(self, _: Any) -> None:
        arguments, what = self.stack.pop(), self.stack.pop()
        if not isinstance(what, PickledObject) or not isinstance(arguments, tuple):
            raise ValueError("a pickle that calls a value is not read")
        self.stack.append(PickledObject(what.name, arguments))

    def built(self, _: Any) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], PickledObject):
            raise ValueError("a pickle that changes a value is not read")
        self.stack[-1].state = state

    def tuple_of(self, count: int | None) -> None:
        if count is None:
            values = self.since_mark()
        else:
            values = self.stack[len(self.stack) - count :]
            del self.stack[len(self.stack) - count :]
        self.stack.append(tuple(values))

    def append(self, values: list[Any]) -> None:
        into = self.stack[-1]
        (into.items if isinstance(into, PickledObject) else into).extend(values)

    def set_items(self, values: list[Any]) -> None:
        into = self.stack[-1]
        if not isinstance(into, dict):
            return  # of a class that is not built here
        for key, value in zip(values[::2], values[1::2], strict=True):
            if isinstance(key, (str, int, float, bytes, bool, type(None))):
                into[key] = value

    def pop_one(self) -> list[Any]:
        return [self.stack.pop()]

    def pop_pair(self) -> list[Any]:
        value, key = self.stack.pop(), self.stack.pop()
        return [key, value]


_VALUES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
    *("FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING"),
    *("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
}
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "MEMOIZE": _Machine.remember,
    "BINPUT": _Machine.remember,
    "LONG_BINPUT": _Machine.remember,
    "PUT": _Machine.remember,
    "BINGET": _Machine.recall,
    "LONG_BINGET": _Machine.recall,
    "GET": _Machine.recall,
    "GLOBAL": _Machine.named,
    "STACK_GLOBAL": _Machine.named,
    "REDUCE": _Machine.called,
    "BUILD": _Machine.built,
    "TUPLE": lambda machine, _: machine.tuple_of(None),
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "APPEND": lambda machine, _: machine.append(machine.pop_one()),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.pop_pair()),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
}
