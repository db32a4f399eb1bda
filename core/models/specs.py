"""`ModelSpec` to and from JSON values, trusting nothing that was read."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from core.errors import ModelError
from core.tables import OUTPUT_READERS, PATCH_READER
from core.types import ModelSpec

_TASKS = ("nuclei", "patch")
_READERS = (*OUTPUT_READERS, PATCH_READER)
_LARGEST = 1 << 16  # grey values
_WIDEST = 4096  # pixels; a larger window would fill the memory
_STRIDE = 4096  # pixels; that of a graph of one size
_LONGEST = 200  # characters of a name
_MOST_CLASSES = 1000
_BIGGEST = 1e9  # of a threshold
_SMOOTHING = 50.0  # pixels; wider ones take minutes


def spec_to_json(spec: ModelSpec) -> dict[str, Any]:
    """The fields of `spec` as values that `json.dumps` takes."""
    values = asdict(spec)
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in values.items()
    }


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise TypeError(value)
    return value


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > _MOST_CLASSES:
        raise TypeError(value)
    return tuple(_text(name) for name in value)


def _thresholds(value: Any) -> dict[str, float]:
    """Read settings of a reader: finite, none below zero, smoothing in pixels."""
    found = {_text(key): _number(item) for key, item in dict(value).items()}
    for key, number in found.items():
        limit = _SMOOTHING if key in {"smooth", "calm"} else _BIGGEST
        if not 0 <= number <= limit:
            raise ValueError(value)
    return found


def _pixel_size(value: Any) -> float | None:
    if value is None:
        return None
    size = _number(value)
    if not 0 < size <= 1000:
        raise ValueError(value)
    return size


def _one_of(names: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        return names[names.index(_text(value))]

    return read


def _count(most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(value)
        if not 1 <= value <= most:
            raise ValueError(value)
        return value

    return read


def _number(value: Any) -> float:
    if isinstance(value, str | bool):
        raise TypeError(value)
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _numbers(length: int) -> Callable[[Any], tuple[float, ...]]:
    def read(value: Any) -> tuple[float, ...]:
        if len(value) != length:
            raise ValueError(value)
        return tuple(_number(number) for number in value)

    return read


def _range(value: Any) -> tuple[float, ...]:
    low, high = _numbers(2)(value)
    if not -_LARGEST <= low < high <= _LARGEST:
        raise ValueError(value)
    return low, high


def _scales(value: Any) -> tuple[float, ...]:
    numbers = _numbers(3)(value)
    if min(numbers) <= 0:
        raise ValueError(value)
    return numbers


def _window(value: Any) -> tuple[int, int]:
    whole, valid = (_count(_WIDEST)(side) for side in value)
    if valid > whole:
        raise ValueError(value)
    return whole, valid


def _config(value: Any) -> dict[str, Any]:
    return {_text(key): item for key, item in dict(value).items()}


_READ: dict[str, Callable[[Any], Any]] = {
    "name": _text,
    "task": _one_of(_TASKS),
    "architecture": _text,
    "config": _config,
    "stride": _count(_STRIDE),
    "input_range": _range,
    "mean": _numbers(3),
    "std": _scales,
    "classes": _names,
    "mpp": _pixel_size,
    "reader": _one_of(_READERS),
    "window": _window,
    "threshold": _thresholds,
}


def spec_from_json(values: Mapping[str, Any]) -> ModelSpec:
    """Read a spec back.

    Parameters
    ----------
    values
        What `spec_to_json` wrote, after a round trip through JSON. Fields that
        this version does not know are left out.

    Raises
    ------
    ModelError
        When a field is missing or holds something else than it should.
    """
    read: dict[str, Any] = {}
    for field in fields(ModelSpec):
        if field.name not in values:
            continue
        try:
            read[field.name] = _READ[field.name](values[field.name])
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            raise ModelError(
                f"the model description holds an unusable value for {field.name!r}; "
                "save the model again with this program"
            ) from error
    missing = {"name", "task", "architecture"} - read.keys()
    if missing:
        raise ModelError(
            f"the model description lacks {sorted(missing)[0]!r}; "
            "save the model again with this program"
        )
    return ModelSpec(**read)
