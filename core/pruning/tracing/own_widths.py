"""Widths that a model's own modules hold as plain numbers: ``self.dim = 64``.

While a model is traced each stands for channels of its own, which nothing makes. Where
the number is the size of a dimension with channels (``x.view(b, self.dim, -1)``,
``x.split([self.a, self.b], 1)``), the two sets are united, and pruning keeps the number
up to date. Where it is used as a number, it protects what it was united with.

To read this file, start from `own_widths`.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, TypeGuard

from torch import nn

from core.pruning.tracing.labels import LabelArray
from core.pruning.tracing.recording import AttributeUse, Recorder
from core.pruning.tracing.symbolic_sizes import SymbolicSize

_PLAIN = ("torch.", "core.models.")  # what these hold is known, or no width
_MOST = 65_536


class OwnWidth(SymbolicSize):
    """A number of the model's own; beside a width that a tensor has, it is just one."""

    unite: Callable[[LabelArray, LabelArray], None] | None = None
    """Says that two widths are the same."""

    def _plain(self) -> int:
        return self._literal("the code computes with a number that its module holds")

    def __mul__(self, other: Any) -> Any:
        if _has_channels(other):
            return other * self._plain()
        return super().__mul__(other)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        if isinstance(other, OwnWidth) and not self._same(other):
            return super().__floordiv__(other._plain())
        return super().__floordiv__(other)

    def __rfloordiv__(self, other: Any) -> Any:
        return other // self._plain()

    def __rmod__(self, other: Any) -> Any:
        return other % self._plain()

    def __rtruediv__(self, other: Any) -> Any:
        return other / self._plain()

    def __radd__(self, other: Any) -> Any:
        return other + self._plain()

    def __rsub__(self, other: Any) -> Any:
        return other - self._plain()

    def __eq__(self, other: object) -> bool:
        # ``assert x.shape[1] == self.dim`` holds as long as both stay equally wide
        if (
            _has_channels(other)
            and other.share == self.share == 1
            and self.unite is not None
            and len(other.labels) == len(self.labels)
        ):
            self.unite(self.labels, other.labels)
            return True
        return super().__eq__(other)

    def __hash__(self) -> int:
        return int.__hash__(self)


def own_widths(
    recorder: Recorder, module: nn.Module
) -> Iterator[tuple[nn.Module, str, int, int]]:
    """Yield modules with attribute, number and what stands for it while tracing.

    Parameters
    ----------
    recorder
        Notes which channels each number counts.
    module
        The network; torch's own layers are left out.
    """
    if recorder.strict:
        return
    for path, child in module.named_modules():
        if type(child).__module__.startswith(_PLAIN):
            continue
        for attribute, value in list(vars(child).items()):
            if type(value) is not int or not 1 < value <= _MOST:
                continue
            labels = recorder.book.fresh(value)
            width = OwnWidth(labels, Fraction(1), recorder.fix_outside_torch)
            assert isinstance(width, OwnWidth)
            width.unite = recorder.book.unite
            name = f"{path}.{attribute}" if path else attribute
            recorder.own.append(AttributeUse(name, labels))
            yield child, attribute, value, width


def _has_channels(value: object) -> TypeGuard[SymbolicSize]:
    return isinstance(value, SymbolicSize) and not isinstance(value, OwnWidth)
