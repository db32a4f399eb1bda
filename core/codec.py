"""Frozen values to JSON and back, every field checked: the only such codec.

Start with `to_json` and `from_json`. What is read may come from anyone: a value of
another kind, a number that is none, a list without end or a field that does not
exist is refused with the name of the field, and nothing is ever executed. Numbers
of a field with ``metadata={"range": (low, high)}`` lie in between.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from cattrs import Converter
from cattrs.errors import ClassValidationError, ForbiddenExtraKeysError

from core.tables.limits import REQUEST_RANGES, TRAINING_RANGES, Range
from core.types import FineTune, PruneRequest

MAX_TEXT = 65_536  # letters of one text
MAX_ITEMS = 10_000  # of one list
MAX_BYTES = 16 * 2**20  # of one file
_RANGES: Mapping[type, Mapping[str, Range]] = {
    PruneRequest: REQUEST_RANGES,
    FineTune: TRAINING_RANGES,
}

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Return a value as dictionaries, lists, texts and numbers."""
    return _converter.unstructure(value)


def to_json(value: Any, *, indent: int | None = None) -> str:
    """Return a value as JSON.

    Raises
    ------
    ValueError
        When it holds a number that is not finite.
    """
    return json.dumps(to_plain(value), indent=indent, allow_nan=False)


def from_plain(kind: type[T], values: Any, name: str = "") -> T:
    """Return a value from dictionaries, lists, texts and numbers.

    Parameters
    ----------
    kind
        Dataclass to build.
    values
        From JSON.
    name
        What it is called in the error.

    Raises
    ------
    ValueError
        When anything is not of the right kind; names the field.
    """
    try:
        return _converter.structure(values, kind)
    except RecursionError:
        raise ValueError(f"{name or 'it'} is nested too deeply") from None
    except Exception as error:
        raise ValueError(_sentence(error, name)) from error


def from_json(kind: type[T], text: str | bytes, name: str = "") -> T:
    """Return a value from JSON.

    Raises
    ------
    ValueError
        When the text is no JSON, or a value is not of the right kind.
    """
    return from_plain(kind, read_json(text), name)


def read_json(text: str | bytes, most: int = MAX_BYTES) -> Any:
    """Read JSON of at most ``most`` bytes, without NaN and infinity.

    Raises
    ------
    ValueError
        When it is none.
    """
    if len(text) > most:
        raise ValueError(f"more than {most // 2**20} MB")
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("no text") from None


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no number")


# Readers of plain values; each raises ValueError with the end of a sentence.


def _text(value: Any, _: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_short(value)} is no text")
    if len(value) > MAX_TEXT:
        raise ValueError(f"a text of {len(value)} letters is too long")
    return value


def _truth(value: Any, _: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{_short(value)} is neither true nor false")
    return value


def _whole(value: Any, _: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{_short(value)} is no whole number")
    if abs(value) >= 2**64:
        raise ValueError("a whole number is too large")
    return value


def _number(value: Any, _: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{_short(value)} is no number")
    if (isinstance(value, int) and abs(value) >= 2**64) or not math.isfinite(value):
        raise ValueError(f"{_short(value)} is no finite number")
    return float(value)


def _path(value: Any, kind: Any) -> Path:
    text = _text(value, kind)
    if "\0" in text:
        raise ValueError("a path holds a zero byte")
    return Path(text)


def _choice(value: Any, kind: Any) -> Any:
    choices = get_args(kind)
    if not any(value is each or _same(value, each) for each in choices):
        words = ", ".join(map(str, choices))
        raise ValueError(f"{_short(value)} is none of {words}")
    return value


def _same(value: Any, choice: Any) -> bool:
    return type(value) is type(choice) and bool(value == choice)


def _items(value: Any) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{_short(value)} is no list")
    if len(value) > MAX_ITEMS:
        raise ValueError(f"a list of {len(value)} items is too long")
    return list(value)


def _tuple(value: Any, kind: Any) -> tuple[Any, ...]:
    values, kinds = _items(value), get_args(kind)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(values)
    if len(values) != len(kinds):
        raise ValueError(f"a list of {len(values)} items stands for {len(kinds)}")
    return tuple(
        _converter.structure(each, one) for each, one in zip(values, kinds, strict=True)
    )


def _optional(value: Any, kind: Any) -> Any:
    if value is None:
        return None
    rest = [each for each in get_args(kind) if each is not type(None)]
    return _converter.structure(value, rest[0])


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


def _is_choice(kind: Any) -> bool:
    return get_origin(kind) is Literal


def _is_optional(kind: Any) -> bool:
    union = get_origin(kind) in (Union, UnionType)
    args = get_args(kind)
    return union and type(None) in args and len(args) == 2


def _is_union_of_choices(kind: Any) -> bool:
    union = get_origin(kind) in (Union, UnionType)
    return union and all(get_origin(each) is Literal for each in get_args(kind))


def _choices(value: Any, kind: Any) -> Any:
    flat = tuple(word for each in get_args(kind) for word in get_args(each))
    return _choice(value, Literal[flat])


def _build_dataclass_hook(kind: type) -> Callable[[Any, Any], Any]:
    """Return a reader of one dataclass that checks its ranges."""
    from cattrs.gen import make_dict_structure_fn

    read: Callable[[Any, Any], Any] = make_dict_structure_fn(
        kind, _converter, _cattrs_forbid_extra_keys=True
    )
    own = {f.name: f.metadata["range"] for f in fields(kind) if "range" in f.metadata}
    ranges = {**_RANGES.get(kind, {}), **own}

    def hook(value: Any, _: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValueError(f"{_short(value)} is no object")
        found = read(dict(value), kind)
        for name, (low, high) in ranges.items():
            number = getattr(found, name)
            if not low <= number <= high:
                raise ValueError(f"{name} {number} is not between {low:g} and {high:g}")
        return found

    return hook


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 60 else f"{words[:57]}..."


def _sentence(error: BaseException, name: str) -> str:
    """Return the first thing that is wrong, and where."""
    what = name or "it"
    while isinstance(error, ClassValidationError):
        first = error.exceptions[0]
        if isinstance(first, ForbiddenExtraKeysError):
            return f"{what} has no {sorted(map(str, first.extra_fields))[0]!r}"
        if isinstance(first, KeyError):
            return f"{what} lacks {first.args[0]!r}"
        notes = [getattr(each, "name", "") for each in getattr(first, "__notes__", ())]
        what = ".".join([*([] if what == "it" else [what]), *filter(None, notes)])
        error = first
    return f"{what}: {error}" if what else str(error)


def _build_converter() -> Converter:
    made = Converter(forbid_extra_keys=True)
    for kind, read in (
        (str, _text),
        (bool, _truth),
        (int, _whole),
        (float, _number),
        (Path, _path),
    ):
        made.register_structure_hook(kind, read)
    made.register_structure_hook_func(_is_tuple, _tuple)
    made.register_structure_hook_func(_is_choice, _choice)
    made.register_structure_hook_func(_is_optional, _optional)
    made.register_structure_hook_func(_is_union_of_choices, _choices)
    made.register_structure_hook_factory(
        lambda kind: isinstance(kind, type) and is_dataclass(kind),
        _build_dataclass_hook,
    )
    made.register_unstructure_hook(Path, str)
    return made


_converter = _build_converter()
