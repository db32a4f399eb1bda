"""Pickles of PyTorch, read without running any code.

A pickle is a list of calls. Here, the calls that build tensors build a `StoredTensor`,
a plain record of where its values lie; containers become containers; every other
call gives a `Placeholder`, which does nothing. So no name in a file is ever imported,
and nothing is allocated before its size was compared with the file.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, ClassVar

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_DTYPES: Mapping[str, torch.dtype] = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "UntypedStorage": torch.uint8,
}


@dataclass(frozen=True, slots=True)
class StorageType:
    """Type of the values of a storage."""

    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class Storage:
    """Where values lie.

    Parameters
    ----------
    key
        Name of the storage inside its file.
    dtype
        Of its values.
    """

    key: str
    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """A tensor that was not read yet.

    Parameters
    ----------
    storage
        Where its values lie.
    offset
        First value.
    shape, stride
        As torch counts them, in values.
    dtype
        Of the tensor.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype


class Placeholder:
    """Stands for an object whose class is not looked up; keeps its state only."""

    kind = ""
    state: Any = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Placeholder:  # noqa: D102
        return object.__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.arguments = args

    def __call__(self, *args: Any, **kwargs: Any) -> Placeholder:
        """Do nothing."""
        return type(self)()

    def append(self, value: Any) -> None:
        """Do nothing."""

    def extend(self, values: Any) -> None:
        """Do nothing."""

    def add(self, value: Any) -> None:
        """Do nothing."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """Do nothing."""


class _Function:
    """One of the calls that are understood; not a class, so it has no attributes."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *args: Any) -> Any:
        return self._call(*args)


def _whole(values: Any) -> tuple[int, ...]:
    found = tuple(values)
    if not all(type(value) is int and 0 <= value < 1 << 48 for value in found):
        raise pickle.UnpicklingError("a size that is no number")
    return found


def _tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> Any:
    if not isinstance(storage, Storage):
        return Placeholder()
    dtype = storage.dtype
    start = _whole((offset,))[0]
    return StoredTensor(storage, start, _whole(shape), _whole(stride), dtype)


def _tensor_v3(storage: Any, offset: Any, shape: Any, stride: Any, *rest: Any) -> Any:
    found = _tensor(storage, offset, shape, stride)
    dtype = rest[2] if len(rest) > 2 else None
    if not isinstance(found, StoredTensor) or not isinstance(dtype, StorageType):
        return Placeholder()
    return StoredTensor(
        found.storage, found.offset, found.shape, found.stride, dtype.dtype
    )


def _first(value: Any, *_: Any) -> Any:
    return value


def _of_type(function: Any, _: Any, args: Any, *__: Any) -> Any:
    """Build a tensor that carries attributes; they are left out."""
    return function(*args) if isinstance(function, _Function) else Placeholder()


def _mapping(pairs: Iterable[Any] = (), *_: Any) -> dict[Any, Any]:
    return dict(pairs) if isinstance(pairs, list | tuple | dict) else {}


def _emptied(*_: Any) -> dict[Any, Any]:
    return {}


_CALLS: Mapping[tuple[str, str], _Function] = {
    ("torch._utils", "_rebuild_tensor"): _Function(_tensor),
    ("torch._utils", "_rebuild_tensor_v2"): _Function(_tensor),
    ("torch._utils", "_rebuild_tensor_v3"): _Function(_tensor_v3),
    ("torch._utils", "_rebuild_parameter"): _Function(_first),
    ("torch._utils", "_rebuild_parameter_with_state"): _Function(_first),
    ("torch._tensor", "_rebuild_from_type_v2"): _Function(_of_type),
    ("collections", "OrderedDict"): _Function(_mapping),
    ("collections", "defaultdict"): _Function(_emptied),
    ("collections", "Counter"): _Function(_mapping),
    ("builtins", "dict"): _Function(_mapping),
}


class PlainUnpickler(pickle._Unpickler):  # noqa: SLF001
    """Reads one pickle into containers, numbers, text and stored tensors.

    Written on Python's unpickler in Python, whose table of objects cannot be made
    to fill the memory by one large index.

    Parameters
    ----------
    file
        Positioned at the pickle.
    """

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)  # noqa: SLF001

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="utf-8", errors="replace")
        self.stack: list[Any] = []
        self.storages: dict[str, Storage] = {}
        self.sizes: dict[str, int] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a name; never what the name says."""
        known = _CALLS.get((module, name))
        if known is not None:
            return known
        if module in {"torch", "torch.storage", "torch.cuda"}:
            if name in _DTYPES:
                return StorageType(_DTYPES[name])
            found = getattr(torch, name, None) if name.isidentifier() else None
            if isinstance(found, torch.dtype):
                return StorageType(found)
        return type("Placeholder", (Placeholder,), {"kind": f"{module}.{name}"})

    def get_extension(self, code: int) -> None:
        """Refuse: extensions name functions of this program."""
        raise pickle.UnpicklingError(f"extension {code}")

    def persistent_load(self, pid: Any) -> Any:
        """Return the storage that a tensor refers to."""
        if not isinstance(pid, tuple) or len(pid) < 5 or pid[0] != "storage":
            raise pickle.UnpicklingError("an unknown reference")
        _, kind, key, _, count = pid[:5]
        if not isinstance(kind, StorageType) or type(count) is not int or count < 0:
            return Placeholder()
        storage = self.storages.setdefault(str(key), Storage(str(key), kind.dtype))
        self.sizes[storage.key] = count
        return storage

    def load_build(self) -> None:
        """Keep the state of placeholders; others have none."""
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, Placeholder):
            target.state = state

    dispatch[pickle.BUILD[0]] = load_build


def read_pickle(file: IO[bytes]) -> tuple[Any, PlainUnpickler]:
    """Read one pickle.

    Parameters
    ----------
    file
        Positioned at it.

    Returns
    -------
    tuple
        Its content, and the reader, which knows the storages that it refers to.

    Raises
    ------
    Exception
        Anything at all, when the pickle is damaged.
    """
    reader = PlainUnpickler(file)
    return reader.load(), reader
