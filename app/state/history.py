"""Undo and redo of settings: every pane's, and how the panes stand together."""

from dataclasses import dataclass, replace
from typing import Literal

from core.types import PruneRequest

Lock = Literal["free", "sparsity", "latency"]

_MOST = 100  # steps that are kept


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The panes as they are set.

    Parameters
    ----------
    requests
        Of the panes, from left to right; at least one.
    active
        Place of the one that the controls edit.
    lock
        What they have in common, see `app.state.app_state.AppState`.
    """

    requests: tuple[PruneRequest, ...]
    active: int = 0
    lock: Lock = "free"

    @property
    def chosen(self) -> tuple[object, ...]:
        """What a user has chosen: not which pane is edited, nor what a lock moved."""
        own = range(len(self.requests)) if self.lock == "free" else (self.active,)
        return self.lock, tuple(
            one if index in own else replace(one, sparsity=0.0)
            for index, one in enumerate(self.requests)
        )


@dataclass(frozen=True, slots=True)
class History:
    """Settings that were rested on; the last of ``past`` is the present one."""

    past: tuple[Arrangement, ...] = ()
    future: tuple[Arrangement, ...] = ()

    @property
    def back(self) -> bool:
        """Whether there is something to undo."""
        return len(self.past) > 1

    @property
    def forth(self) -> bool:
        """Whether there is something to redo."""
        return bool(self.future)

    def visited(self, now: Arrangement) -> "History":
        """Return the history after a new choice.

        To edit another pane is no choice of its own: it is put to the last one.
        """
        if self.past and self.past[-1] == now:
            return self
        if self.past and self.past[-1].chosen == now.chosen:
            return History((*self.past[:-1], now), self.future)
        return History((*self.past[1 - _MOST :], now))

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
