"""`ModelSpec` to and from JSON values, trusting nothing that was read."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from core.errors import ModelError
from core.types import ModelSpec

_TASKS = ("nuclei", "patch")
_READERS = ("distance", "hv", "patch")
_LARGEST = 1 << 16  # pixels or grey values; a larger window would fill the memory


def spec_to_json(spec: ModelSpec) -> dict[str, Any]:
    """The fields of `spec` as values that `json.dumps` takes."""
    values = asdict(spec)
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in values.items()
    }


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _one_of(names: tuple[str, ...]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        return names[names.index(_text(value))]

    return read


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(value)
    if not 1 <= value <= _LARGEST:
        raise ValueError(value)
    return value


def _number(value: Any) -> float:
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
    whole, valid = (_count(side) for side in value)
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
    "stride": _count,
    "input_range": _range,
    "mean": _numbers(3),
    "std": _scales,
    "classes": lambda value: tuple(_text(name) for name in value),
    "mpp": lambda value: None if value is None else _number(value),
    "reader": _one_of(_READERS),
    "window": _window,
    "threshold": lambda value: {_text(k): _number(v) for k, v in dict(value).items()},
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
        except (TypeError, ValueError, OverflowError) as error:
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
