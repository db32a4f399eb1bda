"""Widths that know which channels they count.

While a model is traced, ``x.shape[1]`` of a labelled dimension is a `SymbolicSize`: an
integer that remembers the labels it counts and the share of them it stands for.
``x.view(b, 4, c // 4, h, w)`` then tells apart a width that follows the tensor
(it stays right after pruning) from one that is written into the code (it does
not, so those channels are left alone). Whenever a width takes part in anything
but exact multiplication, division or sums with itself, its channels are fixed:
the code depends on the number, and a guess could be wrong.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Self

from core.pruning.tracing.labels import LabelArray

Misuse = Callable[[LabelArray, str], None]
Chunks = Callable[[LabelArray, int], None]


class SymbolicSize(int):
    """``share`` times the number of ``labels``, as a plain integer to all others."""

    labels: LabelArray
    share: Fraction
    _on_misuse: Misuse
    _on_chunks: Chunks | None

    def __new__(
        cls,
        labels: Any,
        share: Fraction | None = None,
        on_misuse: Misuse | None = None,
        on_chunks: Chunks | None = None,
    ) -> Self:
        """Make a width.

        Parameters
        ----------
        labels, share
            It counts the share of the labels.
        on_misuse
            Fixes labels and says why.
        on_chunks
            Keeps so many stretches of the labels equally wide.
        """
        if share is None or on_misuse is None:  # ``type(width)(7)``: a plain number
            return int(labels)  # type: ignore[return-value]
        self = super().__new__(cls, int(share * len(labels)))
        self.labels = labels
        self.share = share
        self._on_misuse, self._on_chunks = on_misuse, on_chunks
        return self

    def _scaled(self, share: Fraction) -> int:
        if (share * len(self.labels)).denominator != 1:
            return self._literal("a width is divided with a remainder")
        return type(self)(self.labels, share, self._on_misuse, self._on_chunks)

    def _literal(self, reason: str) -> int:
        self._on_misuse(self.labels, reason)
        return int.__int__(self)

    def _same(self, other: object) -> bool:
        return (
            isinstance(other, SymbolicSize)
            and other.labels.shape == self.labels.shape
            and bool((other.labels == self.labels).all())
        )

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int) and not isinstance(other, SymbolicSize):
            return self._scaled(self.share * other)
        return self._literal("widths are multiplied with each other") * other

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        if isinstance(other, int) and not isinstance(other, SymbolicSize) and other:
            return self._scaled(self.share / other)
        if isinstance(other, SymbolicSize) and self._same(other):
            return int.__int__(self) // int.__int__(other)
        return self._literal("a width is divided by another") // other

    def __mod__(self, other: Any) -> Any:
        # ``c % groups`` stays 0 when as many stretches of it stay equally wide.
        if isinstance(other, int) and not isinstance(other, SymbolicSize) and other:
            chunks = (Fraction(abs(other)) / self.share).numerator
            divides = int.__mod__(self, other) == 0 and len(self.labels) % chunks == 0
            if divides and self._on_chunks is not None:
                self._on_chunks(self.labels, chunks)
                return 0
        return self._literal("a width is taken modulo a number") % other

    def __add__(self, other: Any) -> Any:
        if isinstance(other, SymbolicSize) and self._same(other):
            return self._scaled(self.share + other.share)
        if isinstance(other, int) and other == 0:
            return self
        return self._literal("a number is added to a width") + other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, SymbolicSize) and self._same(other):
            return self._scaled(self.share - other.share)
        return self._literal("a number is taken from a width") - other

    def __rsub__(self, other: Any) -> Any:
        return other - self._literal("a width is taken from a number")

    def __truediv__(self, other: Any) -> Any:
        return self._literal("a value depends on a width") / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / self._literal("a value depends on a width")

    def __pow__(self, other: Any, modulo: Any = None) -> Any:
        return pow(self._literal("a value depends on a width"), other, modulo)

    def __float__(self) -> float:
        return float(self._literal("a value depends on a width"))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SymbolicSize) and self._same(other):
            return self.share == other.share
        if isinstance(other, SymbolicSize):
            other._on_misuse(other.labels, "the code compares two widths")
        return self._literal("the code compares a width with a number") == other

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        return self._literal("the code compares a width with a number") < int(other)

    def __le__(self, other: Any) -> bool:
        return self._literal("the code compares a width with a number") <= int(other)

    def __gt__(self, other: Any) -> bool:
        return self._literal("the code compares a width with a number") > int(other)

    def __ge__(self, other: Any) -> bool:
        return self._literal("the code compares a width with a number") >= int(other)

    def __hash__(self) -> int:
        return int.__hash__(self)


def _as_number(name: str) -> Callable[..., Any]:
    """Return an operator that takes the width for a number, and so protects it."""
    plain = getattr(int, name)

    def operator(self: SymbolicSize, *others: Any) -> Any:
        self._literal("a value depends on a width")
        return plain(
            self, *(int(o) if isinstance(o, SymbolicSize) else o for o in others)
        )

    return operator


def _as_property(name: str) -> property:
    """Return a part of a number that takes the width for one, and so protects it."""

    def part(self: SymbolicSize) -> Any:
        return getattr(self._literal("a value depends on a width"), name)

    return property(part)


def _as_method(name: str) -> Callable[..., Any]:
    """Return a method of integers that takes the width for one."""

    def method(self: SymbolicSize, *args: Any, **named: Any) -> Any:
        number = self._literal("a value depends on a width")
        return getattr(number, name)(*args, **named)

    return method


for _name in ("real", "imag", "numerator", "denominator"):
    setattr(SymbolicSize, _name, _as_property(_name))
for _name in ("bit_length", "bit_count", "conjugate", "to_bytes", "as_integer_ratio"):
    setattr(SymbolicSize, _name, _as_method(_name))
_NUMBERS = """int neg abs invert round trunc floor ceil str repr format and or xor
    lshift rshift rand ror rxor rlshift rrshift divmod rdivmod rfloordiv rmod rpow"""
for _name in _NUMBERS.split():
    setattr(SymbolicSize, f"__{_name}__", _as_number(f"__{_name}__"))
