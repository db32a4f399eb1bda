"""The shape of a tensor as traced code sees it: widths that know what they count."""

from collections.abc import Callable, Iterator
from typing import Any, Self

from core.pruning.tracing.recording import total


class TracedShape(tuple[int, ...]):
    """Stands for a ``torch.Size``, which does its arithmetic out of sight.

    Its entries are plain numbers until the code takes them one by one: reading
    height and width of ``x.shape[-2:]`` says nothing about channels.
    """

    _entry: Callable[[int], int]
    _count: Callable[[], None]

    def __new__(
        cls,
        sizes: tuple[int, ...],
        entry: Callable[[int], int],
        count: Callable[[], None],
    ) -> Self:
        """Make a shape.

        Parameters
        ----------
        sizes
            As they are.
        entry
            From a dimension to the number that the code gets to see.
        count
            Called when the code multiplies all of them.
        """
        self = super().__new__(cls, sizes)
        self._entry, self._count = entry, count
        return self

    def __getitem__(self, index: Any) -> Any:
        """Return one size, or a tuple of some."""
        if isinstance(index, slice):
            places = range(len(self))[index]
            sizes = tuple(int.__int__(tuple.__getitem__(self, p)) for p in places)
            entry = self._entry
            return type(self)(sizes, lambda d: entry(places[d]), self._count)
        return self._entry(range(len(self))[index])

    def __iter__(self) -> Iterator[int]:
        """Yield the sizes."""
        return (self._entry(dim) for dim in range(len(self)))

    def __eq__(self, other: object) -> bool:
        """Compare with another shape, size by size."""
        return isinstance(other, tuple) and list(self) == list(other)

    def __ne__(self, other: object) -> bool:
        """Compare with another shape, size by size."""
        return not self == other

    def __hash__(self) -> int:
        """Return the hash of the sizes; they are looked at."""
        return hash(tuple(self))

    def __add__(self, other: Any) -> Any:
        """Join with another shape."""
        return (*self, *other)

    def __radd__(self, other: Any) -> Any:
        """Join with another shape."""
        return (*other, *self)

    def numel(self) -> int:
        """Return the product of the sizes."""
        self._count()
        return total(tuple.__iter__(self))
