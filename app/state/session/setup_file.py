"""What is open and how it is set, as a file that window and command line read.

A setup is JSON with words that a person can edit:
``{"prunescope": 1, "model": ..., "tile": ..., "labels": ..., "request": {...}}``.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from app.state.session.sources import split
from core.errors import InputError
from core.types import Count, FineTune, PruneRequest, Recovery

if TYPE_CHECKING:
    from app.state.app_state import AppState, Display

FORMAT = 1
_REQUIRED = ("heuristic", "sparsity")
_CHOICES: dict[str, tuple[str, ...]] = {
    "count": (*get_args(Count), "latency"),
    "recovery": get_args(Recovery),
}


@dataclass(frozen=True, slots=True)
class Setup:
    """One setup.

    Parameters
    ----------
    model, tile, labels
        Sources; empty for the defaults.
    request
        What is pruned.
    display
        How masks are drawn, by name; left alone by the command line.
    """

    model: str
    tile: str
    labels: str
    request: PruneRequest
    display: Mapping[str, Any]


def setup_text(state: "AppState") -> str:
    """Return the setup of a window as JSON."""
    opened = state.opened
    tile, labels = split(opened.source) if opened else ("", "")
    values = {
        "prunescope": FORMAT,
        "model": opened.model.source if opened else "",
        "tile": tile,
        "labels": labels,
        "request": asdict(state.request),
        "display": asdict(state.display),
    }
    return json.dumps(values, indent=2) + "\n"


def read_setup(path: str | Path) -> Setup:
    """Read a setup.

    Raises
    ------
    InputError
        When it cannot be read, or a value is not what it should be; says which.
    """
    name = Path(path).name
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot read the settings {path} ({reason}): choose another file."
        ) from error
    except ValueError as error:
        raise InputError(
            f"{name} is no settings file ({error}): export one from the window."
        ) from error
    if not isinstance(values, dict) or values.get("prunescope") != FORMAT:
        raise InputError(f"{name} is no settings file: export one from the window.")
    try:
        return Setup(
            model=_text(values, "model"),
            tile=_text(values, "tile"),
            labels=_text(values, "labels"),
            request=request_from(values.get("request", {})),
            display=dict(values.get("display", {})),
        )
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The settings {name} cannot be used ({error}): correct them, or export "
            "them again from the window."
        ) from error


def request_from(values: Any) -> PruneRequest:
    """Return a request from JSON values.

    Raises
    ------
    TypeError, ValueError
        When a value is missing, unknown, or of another kind.
    """
    if not isinstance(values, Mapping):
        raise TypeError("request is no object")
    names = {field.name for field in fields(PruneRequest)}
    for key in values:
        if key not in names:
            raise ValueError(f"request has no {key!r}")
    for key in _REQUIRED:
        if key not in values:
            raise ValueError(f"request lacks {key!r}")
    found: dict[str, Any] = {}
    default = PruneRequest("l2", 0.5)
    for key, value in values.items():
        found[key] = _checked(key, value, getattr(default, key))
    if not 0 <= found["sparsity"] <= 0.99:
        raise ValueError(f"sparsity {found['sparsity']} is not between 0 and 0.99")
    return PruneRequest(**found)


def _checked(key: str, value: Any, default: Any) -> Any:
    """Return a value of a request if it is of the right kind."""
    if key == "training":
        return None if value is None else FineTune(**value)
    if isinstance(default, tuple):
        if not isinstance(value, list | tuple):
            raise TypeError(f"{key} {value!r} is no list")
        return tuple(value)
    if key in _CHOICES and value not in _CHOICES[key]:
        raise ValueError(f"{key} {value!r} is none of {', '.join(_CHOICES[key])}")
    if isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{key} {value!r} is no number")
        return float(value)
    if isinstance(value, bool) or not isinstance(value, type(default)):
        raise TypeError(f"{key} {value!r} is no {_KINDS[type(default)]}")
    return value


_KINDS = {int: "whole number", str: "text"}


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key, "")
    if not isinstance(value, str):
        raise TypeError(f"{key} {value!r} is no text")
    return value


def displayed(display: "Display", values: Mapping[str, Any]) -> "Display":
    """Return ``display`` with the values of a setup that fit."""
    known = {field.name: field for field in fields(display)}
    fitting = {
        key: value
        for key, value in values.items()
        if key in known and isinstance(value, type(getattr(display, key)))
    }
    return replace(display, **fitting)
