"""Results of pure functions that are kept while their argument is the same object."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Generic, TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class remember_last(Generic[Argument, Result]):  # noqa: N801 - used as a decorator
    """Keep the newest result of a function of one frozen argument.

    The state is frozen, so the same object means the same result. A drag asks some
    functions of all trials in each frame, while the trials stay the same tuple.

    Parameters
    ----------
    function
        Pure; its argument is never changed afterwards.
    """

    def __init__(self, function: Callable[[Argument], Result]) -> None:
        self._function = function
        self._known: tuple[Argument, Result] | None = None
        update_wrapper(self, function)

    def __call__(self, argument: Argument) -> Result:
        """Return the result, the last one where the argument is the last one."""
        known = self._known
        if known is None or known[0] is not argument:
            known = argument, self._function(argument)
            self._known = known
        return known[1]
