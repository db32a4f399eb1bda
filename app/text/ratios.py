"""Shares of single layers' channels as text: one a line, or a file of JSON."""

import json
import re
from collections.abc import Iterable, Mapping

from core.errors import InputError
from core.tables import MAX_SPARSITY

Ratios = tuple[tuple[str, float], ...]
_LINE = re.compile(r"(?P<name>\S+?)[\s=:;,]+(?P<value>\d*[.,]?\d+)\s*(?P<sign>%?)")
_MOST = 10_000  # lines


def read_ratios(words: str, layers: Iterable[str]) -> Ratios:
    """Return the shares that a text gives to layers.

    Parameters
    ----------
    words
        ``encoder1.conv1 = 0.5`` or ``encoder1.conv1, 50 %``, one a line, with comments
        after a ``#``; or an object of JSON.
    layers
        Names of the model's layers.

    Returns
    -------
    tuple of (str, float)
        A layer or the beginning of several names, and the share that goes, 0 to 0.99.

    Raises
    ------
    InputError
        When a line says something else, or names no layer.
    """
    names = tuple(layers)
    found: dict[str, float] = {}
    for name, value in _pairs(words):
        if not any(_covers(name, each) for each in names):
            raise InputError(
                f"There is no layer {name!r} in this model: copy its name from the "
                "drawing of layers."
            )
        if not 0 <= value <= MAX_SPARSITY:
            raise InputError(f"The share of {name} must be between 0 and 99 %.")
        found[name] = value
    return tuple(sorted(found.items()))


def write_ratios(ratios: Ratios) -> str:
    """Return shares as text that `read_ratios` reads."""
    return "\n".join(f"{name} = {value:g}" for name, value in ratios)


def _covers(name: str, layer: str) -> bool:
    return layer == name or layer.startswith(f"{name}.")


def _pairs(words: str) -> list[tuple[str, float]]:
    text = words.strip().removeprefix("\ufeff")
    if text.startswith("{"):
        return _json_pairs(text)
    pairs = []
    for number, line in enumerate(text.splitlines()[:_MOST], 1):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise InputError(
                f"Line {number} must name a layer and its share, such as "
                "encoder1.conv1 = 0.5."
            )
        value = float(match["value"].replace(",", "."))
        pairs.append((match["name"], value / 100 if match["sign"] else value))
    return pairs


def _json_pairs(text: str) -> list[tuple[str, float]]:
    wrong = 'The file must say {"NAME": SHARE}, such as {"encoder1.conv1": 0.5}.'
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(wrong) from error
    given = found.get("ratios", found) if isinstance(found, Mapping) else {}
    if isinstance(given, list):
        given = dict(
            pair for pair in given if isinstance(pair, list) and len(pair) == 2
        )
    numbers = isinstance(given, Mapping) and all(
        isinstance(value, int | float) and not isinstance(value, bool)
        for value in given.values()
    )
    if not numbers:
        raise InputError(wrong)
    return [(str(name), float(value)) for name, value in given.items()]
