"""One call of an operator of torch (aten), while it is written in ONNX's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.models.graphs.values import Node, to_host

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.models.graphs.builder import GraphBuilder

OPSET = 21  # of the operators that are written


@dataclass(frozen=True, slots=True)
class Name:
    """Stands for a value that the graph computes, among plain arguments."""

    text: str


@dataclass
class AtenCall:
    """One call of an operator.

    Parameters
    ----------
    builder
        Takes what it becomes.
    title
        Of the operator, for people: ``aten.conv2d``.
    arguments
        By name: numbers, text, lists of them, `Name`, or None.
    outputs
        Names of what it gives.
    shapes
        Sides of each tensor; None where free.
    """

    builder: GraphBuilder
    title: str
    arguments: dict[str, Any]
    outputs: list[str]
    shapes: Mapping[str, list[int | None]]

    def unsupported(self, what: str) -> ModelError:
        """Return the error for arguments that are not computed here."""
        return ModelError(
            f"the graph uses {self.title} with {what}, which this program does not "
            "compute; export the network without it, or open its PyTorch checkpoint"
        )

    def get(self, name: str, default: Any = None) -> Any:
        """Return a plain argument.

        Raises
        ------
        ModelError
            When it is computed while the graph runs.
        """
        found = self.arguments.get(name)
        inner = found if isinstance(found, list) else [found]
        if any(isinstance(each, Name) for each in inner):
            raise self.unsupported(f"a computed {name}")
        return default if found is None else found

    def many(self, name: str, count: int, default: Any) -> list[Any]:
        """Return a number for each of `count` sides; one number stands for all."""
        found = self.get(name, default)
        listed = found if isinstance(found, list) else [found]
        listed = listed or [default]
        return list(listed) * count if len(listed) == 1 else list(listed)

    def value(self, name: str) -> str:
        """Return the name of a value; numbers get one. Empty where left out."""
        return self.named(self.arguments.get(name))

    def named(self, given: Any) -> str:
        """Return the name of a value that is given as a name, or as numbers."""
        if given is None:
            return ""
        if isinstance(given, Name):
            return given.text
        if isinstance(given, list) and any(isinstance(each, Name) for each in given):
            parts = [self._row(each) for each in given]
            return self.emit("Concat", *parts, axis=0)
        return self.constant(to_host(given))

    def _row(self, given: Any) -> str:
        if isinstance(given, Name):
            return self.emit("Reshape", given.text, self.constant(to_host([1])))
        return self.constant(to_host([given]))

    def constant(self, value: Any) -> str:
        """Return a new name for known values."""
        name = f"#{len(self.builder.known)}"
        self.builder.known[name] = value
        return name

    def emit(
        self, op: str, *inputs: str, to: Sequence[str] = (), **attributes: Any
    ) -> str:
        """Add an operator, and return the name of its first output."""
        outputs = tuple(to) or (f"{self.outputs[0]}#{len(self.builder.nodes)}",)
        self.builder.add(Node(op, tuple(inputs), outputs, attributes, OPSET))
        return outputs[0]

    def give(self, op: str, *inputs: str, **attributes: Any) -> None:
        """Add the operator that gives the output of the call."""
        self.emit(op, *inputs, to=self.outputs[:1], **attributes)

    def rank(self, name: str) -> int:
        """Return how many dimensions an argument has."""
        return len(self.shape(name))

    def shape(self, name: str) -> list[int | None]:
        """Return the sides of an argument; None where free."""
        return self.shapes[self.value(name)]
