"""How a model is opened, beside its name: its own text form, and nothing else's.

``model.onnx#reader=mask&foreground=0.4`` names a file and how its outputs are read;
``weights.pth#network=net.py:Net`` names the code that its weights belong to. The text
goes wherever a model is named (settings, sweeps, records) and carries no consent.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, urlencode

from core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIRST = "threshold"  # names the first setting of a reader
_LONGEST = 100_000  # characters


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What a user says about a model.

    Parameters
    ----------
    reader
        Key of `core.tables.OUTPUT_READERS`; empty lets the program choose.
    threshold
        Settings of the reader by name; ``""`` is its first one.
    network
        ``FILE.py:CLASS`` that builds the network; empty for one that is known.
    arguments
        Keyword arguments of the class, JSON values.
    """

    reader: str = ""
    threshold: Mapping[str, float] = field(default_factory=dict)
    network: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Text form, empty where nothing is said."""
        pairs = [("network", self.network)] if self.network else []
        if self.arguments:
            pairs.append(("arguments", json.dumps(dict(self.arguments))))
        if self.reader:
            pairs.append(("reader", self.reader))
        pairs += [(key or _FIRST, f"{v:g}") for key, v in self.threshold.items()]
        return urlencode(pairs, safe="/:\\")

    def named(self, model: str) -> str:
        """Return the text form of a model that is opened so."""
        text = str(self)
        return f"{model}#{text}" if text else model

    @classmethod
    def of(cls, text: str) -> Self:
        """Read the text form.

        Raises
        ------
        ModelError
            When it is none.
        """
        try:
            if len(text) > _LONGEST:
                raise ValueError("too long")
            known = dict(parse_qsl(text, strict_parsing=True))
            arguments = json.loads(known.pop("arguments", "{}"))
            if not isinstance(arguments, dict):
                raise TypeError("arguments are no names with values")
            reader, network = known.pop("reader", ""), known.pop("network", "")
            threshold = {
                "" if key == _FIRST else key: _number(value)
                for key, value in known.items()
            }
        except (ValueError, TypeError, RecursionError) as error:
            raise ModelError(
                f"{text[:120]!r} does not say how a model is opened; write it like "
                "model.onnx#reader=mask&foreground=0.4"
            ) from error
        return cls(reader, threshold, network, arguments)


def _number(text: str) -> float:
    value = float(text.replace(",", "."))
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def split_model(text: str) -> tuple[str, ModelOptions]:
    """Return the name or path of a model, and how it is opened.

    Raises
    ------
    ModelError
        When the part after ``#`` is not understood.
    """
    name, sign, rest = text.rpartition("#")
    if not sign or "=" not in rest or Path(text).exists():
        return text, ModelOptions()
    return name, ModelOptions.of(rest)
