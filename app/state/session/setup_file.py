"""What is open and how it is set, as a file that window and command line read.

A setup is JSON with words that a person can edit:
``{"prunescope": 1, "model": ..., "tile": ..., "labels": ..., "request": {...}}``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.codec import from_plain, read_json, to_json, to_plain
from core.errors import InputError
from core.tables import METRICS
from core.types import PruneRequest

if TYPE_CHECKING:
    from app.state.app_state import AppState
    from app.state.display import Display

FORMAT: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class Setup:
    """One setup.

    Parameters
    ----------
    prunescope
        Version of the format.
    request
        What is pruned.
    model, tile, labels
        Sources; empty for the defaults.
    display
        How masks are drawn, by name; left alone by the command line, see
        `read_display`.
    """

    prunescope: Literal[1]
    request: PruneRequest
    model: str = ""
    tile: str = ""
    labels: str = ""
    display: dict[str, Any] = field(default_factory=dict)


def setup_text(state: "AppState") -> str:
    """Return the setup of a window as JSON."""
    opened = state.opened
    tile = opened.source if opened else None
    setup = Setup(
        prunescope=FORMAT,
        model=opened.model.source if opened else "",
        tile=tile.text if tile else "",
        labels=tile.labels if tile else "",
        request=state.request,
        display=to_plain(state.display),
    )
    return to_json(setup, indent=2) + "\n"


def read_setup(path: str | Path) -> Setup:
    """Read a setup.

    Raises
    ------
    InputError
        When it cannot be read, or a value is not what it should be; says which.
    """
    name = Path(path).name
    try:
        values = read_json(Path(path).read_bytes())
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
        return from_plain(Setup, values)
    except ValueError as error:
        raise InputError(
            f"The settings {name} cannot be used ({error}): correct them, or export "
            "them again from the window."
        ) from error


def read_display(display: "Display", values: Mapping[str, Any]) -> "Display":
    """Return ``display`` with the values of a setup.

    Raises
    ------
    InputError
        When a value is not what it should be; says which.
    """
    try:
        found = from_plain(type(display), {**to_plain(display), **values}, "display")
    except ValueError as error:
        raise InputError(
            f"How masks are drawn cannot be used ({error}): correct the settings."
        ) from error
    known = found.metric in METRICS
    return found if known else replace(found, metric=display.metric)
