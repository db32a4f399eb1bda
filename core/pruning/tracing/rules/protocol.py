"""The shape of a rule: one recorded call in, labels written into the recorder."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from core.pruning.tracing.recording import DimLabels, Recorder


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a torch function: what went in and what came out."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    out: Any

    def get(self, position: int, keyword: str, default: Any = None) -> Any:
        """Return an argument by position or keyword."""
        if position < len(self.args):
            return self.args[position]
        return self.kwargs.get(keyword, default)

    def sizes(self, position: int, keyword: str) -> list[int]:
        """Return a ``*sizes`` argument, given spread out or as one sequence."""
        if keyword in self.kwargs:
            return list(self.kwargs[keyword])
        rest = self.args[position:]
        if len(rest) == 1 and not isinstance(rest[0], int):
            return list(rest[0])
        return list(rest)


Rule = Callable[[Recorder, Call], None]


class UnhandledError(Exception):
    """A form of a known call is not understood; treat it as unknown."""


def source(call: Call) -> Tensor:
    """Return the tensor a one-operand call works on."""
    tensor = call.get(0, "input")
    if not isinstance(tensor, Tensor):
        raise UnhandledError
    return tensor


def axis(tensor: Tensor, dim: Any) -> int:
    """Return a dimension counted from the front."""
    if not isinstance(dim, int):
        raise UnhandledError
    return int.__int__(dim) % max(tensor.dim(), 1)


def keep(recorder: Recorder, call: Call, labels: DimLabels) -> None:
    """Write the labels of a call's single output."""
    recorder.set(call.out, labels)
