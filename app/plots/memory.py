"""Values that are kept as long as what they are made from is the same."""

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")
_MOST = 256


class KeptDrawing(Generic[Value]):
    """The last value of each key, handed out again for equal inputs.

    A drag changes one curve of a chart. The others stay the very same objects, so
    that they are compared by identity wherever they are drawn.
    """

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[tuple[object, ...], Value]] = {}

    def get(
        self, key: Hashable, inputs: tuple[object, ...], build: Callable[[], Value]
    ) -> Value:
        """Return the value of a key.

        Parameters
        ----------
        key
            Which value.
        inputs
            Everything that it depends on.
        build
            Makes it; called when an input differs from the last ones.
        """
        found = self._known.pop(key, None)
        if found is None or found[0] != inputs:
            found = inputs, build()
        self._known[key] = found  # as the newest
        if len(self._known) > _MOST:
            self._known.pop(next(iter(self._known)))
        return found[1]
