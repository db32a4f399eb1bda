"""Options of every command that takes a model, and the question before code runs."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from app.cli.console import to_plain_line
from core.errors import InputError
from core.tables import OUTPUT_READERS

if TYPE_CHECKING:
    from core.models.python_file import NetworkCode

_NAMES = ("reader", "thresholds", "network", "network_arguments")
_T = TypeVar("_T")


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--reader",
        choices=tuple(OUTPUT_READERS),
        help="how outputs become nuclei; chosen by itself if left out",
    )
    group.add_argument(
        "--threshold",
        type=_threshold,
        action="append",
        dest="thresholds",
        metavar="NAME=X",
        help="a setting of the reader; a number alone is its foreground",
    )
    group.add_argument(
        "--network",
        metavar="FILE.py:CLASS",
        help="the Python code that the weights belong to; it is run after a question",
    )
    group.add_argument(
        "--network-arguments",
        type=_arguments,
        metavar="JSON",
        help="of the class, such as '{\"base\": 16}'",
    )
    group.add_argument(
        "--trust",
        action="store_true",
        help="run that code without the question",
    )


def _threshold(text: str) -> tuple[str, float]:
    name, sign, value = text.rpartition("=")
    try:
        number = float(value.replace(",", "."))
    except ValueError:
        number = -1.0
    if not number >= 0 or (sign and not name.isidentifier()):
        raise argparse.ArgumentTypeError(f"{text!r} is not like 0.4 or smallest=30")
    return name, number


def _arguments(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not like '{{\"base\": 16}}'")
    return found


def take_model(found: dict[str, Any]) -> None:
    """Put the options of a model behind its name, where all that opens it looks."""
    given = {name: found.pop(name, None) for name in _NAMES}
    if not any(given.values()):
        return
    from core.options import ModelOptions

    options = ModelOptions(
        given["reader"] or "",
        dict(given["thresholds"] or ()),
        given["network"] or "",
        given["network_arguments"] or {},
    )
    if found.get("command") == "inspect":
        found["model"] = found.get("model") or found.pop("file", None)
    default = "" if options.network else "demo"
    found["model"] = options.named(found.get("model") or default)


def allow_named(model: str) -> None:
    """Note that the code that a model names may be run."""
    from core.models.python_file import NetworkCode, allow
    from core.options import split_model

    _, options = split_model(model)
    if options.network:
        allow(NetworkCode.find(options.network))


def with_consent(call: Callable[[], _T], trust: bool) -> _T:
    """Open a model, and ask before code of a file runs.

    Parameters
    ----------
    call
        Opens it; is called again after the consent.
    trust
        Whether the user agreed on the command line.

    Raises
    ------
    ConsentNeededError
        When nobody is there to be asked, or the answer is no.
    """
    from core.models.python_file import ConsentNeededError, allow

    try:
        return call()
    except ConsentNeededError as error:
        if not trust and not _ask(error.code):
            raise
        _tell(f"running {error.code.describe()}")
        allow(error.code)
    return call()


def _ask(code: "NetworkCode") -> bool:
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    _tell(
        f"{code.describe()} is Python code and would be run with all rights of your "
        "account."
    )
    sys.stderr.write("Run it? [y/N] ")
    sys.stderr.flush()
    try:
        return sys.stdin.readline().strip().lower() in {"y", "yes"}
    except OSError as error:
        raise InputError("No answer could be read; use --trust.") from error


def _tell(sentence: str) -> None:
    sys.stderr.write(f"prunescope: {to_plain_line(sentence)}\n")
