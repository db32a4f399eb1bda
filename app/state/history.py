"""Undo and redo of settings."""

from dataclasses import dataclass

from core.types import PruneRequest


@dataclass(frozen=True, slots=True)
class History:
    """Settings that were rested on; the last of ``past`` is the present one."""

    past: tuple[PruneRequest, ...] = ()
    future: tuple[PruneRequest, ...] = ()

    @property
    def back(self) -> bool:
        """Whether there is something to undo."""
        return len(self.past) > 1

    @property
    def forth(self) -> bool:
        """Whether there is something to redo."""
        return bool(self.future)

    def visited(self, request: PruneRequest) -> "History":
        """Return the history after a new choice."""
        if self.past and self.past[-1] == request:
            return self
        return History((*self.past[-99:], request))

    def undone(self) -> "History":
        """Return the history one step back."""
        if not self.back:
            return self
        return History(self.past[:-1], (self.past[-1], *self.future))

    def redone(self) -> "History":
        """Return the history one step forward again."""
        if not self.future:
            return self
        return History((*self.past, self.future[0]), self.future[1:])
