"""What a file with a graph holds, whatever its format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.models.graphs.builder import GraphBuilder


@dataclass(frozen=True, slots=True)
class GraphFile:
    """A graph as it was read.

    Parameters
    ----------
    builder
        Its operators and weights.
    outputs
        Pairs of a title and the name of a value.
    shape
        Of the input; 0 for sides that the file leaves open.
    whole
        Whether the input is uint8.
    about
        What this program wrote into a file of its own, else empty.
    """

    builder: GraphBuilder
    outputs: list[tuple[str, str]]
    shape: list[int]
    whole: bool = False
    about: Mapping[str, Any] = field(default_factory=dict)
