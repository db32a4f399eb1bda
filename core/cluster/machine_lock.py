"""Who may use a machine: many trials that are evaluated, or one that is timed.

Locks of files, which the system lets go when a process is killed. A trial that waits
to be timed holds the gate, so that no other begins before it has had its turn.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

if sys.platform != "win32":  # there: one worker a machine, as the guide says
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator


class MachineTurn:
    """Place of one process among those of one machine.

    Parameters
    ----------
    name
        Of the lock; the same for all workers of a machine.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._held = ExitStack()

    def __enter__(self) -> Self:
        """Work beside others; waits while one is timed, or waits to be."""
        with _locked(f"{self._name}.gate", alone=True):
            self._held.enter_context(_locked(self._name, alone=False))
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Inside of the ``with`` block: work while nobody else does."""
        self._held.close()
        with (
            _locked(f"{self._name}.gate", alone=True),
            _locked(self._name, alone=True),
        ):
            yield
        self.__enter__()


@contextmanager
def _locked(name: str, *, alone: bool) -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    path = Path(tempfile.gettempdir(), f"prunescope-{name}.lock")
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        try:
            yield
        finally:
            fcntl.flock(file, fcntl.LOCK_UN)
