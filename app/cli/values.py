"""Values of options: each reads one text, and says in one sentence what is wrong."""

import argparse
from collections.abc import Callable
from typing import Any

from app.state.session.sources import FORMATS
from core.errors import InputError
from core.numbers import read_decimal, read_sparsities, read_sparsity


def ratio(text: str) -> tuple[str, float]:
    """Read ``NAME=0.5``."""
    name, _, share = text.rpartition("=")
    try:
        value = read_decimal(share)
    except InputError:
        value = -1.0
    if not name or not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a layer=share below 1")
    return name, value


def _reader(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a reader of numbers whose errors argparse shows."""

    def reader(text: str) -> Any:
        try:
            return read(text)
        except InputError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return reader


number = _reader(read_decimal)
sparsity = _reader(read_sparsity)
sparsities = _reader(read_sparsities)


def positive(text: str) -> float:
    """Read a number above 0."""
    value: float = number(text)
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def count(text: str) -> int:
    """Read a whole number from 1."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def formats(text: str) -> tuple[str, ...]:
    """Read names of model formats."""
    found = names(text)
    for name in found:
        if name not in FORMATS:
            kinds = ", ".join(FORMATS)
            raise argparse.ArgumentTypeError(f"{name!r} is none of {kinds}")
    return found


def names(text: str) -> tuple[str, ...]:
    """Read names with commas."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found:
        raise argparse.ArgumentTypeError("no name is given")
    return found
