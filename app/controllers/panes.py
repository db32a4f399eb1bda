"""Side by side: opening, closing, choosing and locking panes.

To read this file, start from `Panes.add`.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.state.app_state import MOST, AppState, Pane, Store, with_panes
from app.state.history import Arrangement, arranged
from app.state.locks import LOCKS, followed
from app.state.repairs import fitted
from core.types import is_unstructured

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.worker.scheduler import Scheduler

_REFINED = 8  # measurements after which equally fast panes are no longer moved


class Panes:
    """What the user does to panes.

    Parameters
    ----------
    store
        Owner of the state.
    scheduler
        Gives the worker its work.
    touched
        Called after every change, to notice when the hand rests.
    """

    def __init__(
        self, store: Store, scheduler: "Scheduler", touched: "Callable[[], None]"
    ) -> None:
        self._store, self._scheduler, self._touched = store, scheduler, touched
        self._refined = 0

    def add(self) -> None:
        """Open a pane beside the active one, with the next heuristic."""
        state = self._store.state
        if len(state.panes) >= MOST:
            return
        panes = list(state.panes)
        panes.insert(state.active + 1, next_pane(state))
        self._show(panes, state.active + 1)

    def close_active(self) -> None:
        """Close the pane that the controls edit; the last one stays."""
        self.close(self._store.state.active)

    def close(self, index: int) -> None:
        """Close a pane; the last one stays."""
        state = self._store.state
        panes = list(state.panes)
        if len(panes) < 2 or not 0 <= index < len(panes):
            return
        del panes[index]
        active = state.active - (index < state.active)
        self._show(panes, min(active, len(panes) - 1))

    def activate(self, index: int) -> None:
        """Let the controls edit another pane."""
        state = self._store.state
        if index != state.active and 0 <= index < len(state.panes):
            self._show(state.panes, index)

    def set_lock(self, lock: str) -> None:
        """Choose what the panes have in common: see `app.state.locks`."""
        if lock in LOCKS and lock != self._store.state.lock:
            self._store.update(lock=lock)
            self._follow()

    def follow(self) -> None:
        """Move the other panes where the lock wants them, now that more is known."""
        self._store.update(**moved_fields(self._store.state))

    def refine(self) -> None:
        """The same after a measurement, a few times: then it is close enough."""
        if self._store.state.lock == "latency" and self._refined < _REFINED:
            self._refined += 1
            self.follow()

    def settle(self) -> None:
        """Begin again to refine: the active pane has moved."""
        self._refined = 0

    def arrange(self, wanted: Arrangement) -> None:
        """Set the panes as they were, whatever the lock would make of them now."""
        fields = arranged(self._store.state, wanted)
        if not fields:
            return
        self._scheduler.drop_frames()
        self.settle()
        self._store.update(**fields)
        self._touched()
        if self._store.state.current:
            self._scheduler.advance()
        else:
            self._scheduler.prune()

    def _follow(self) -> None:
        self.settle()
        self.follow()
        self._touched()
        self._scheduler.advance()

    def _show(self, panes: "list[Pane] | tuple[Pane, ...]", active: int) -> None:
        # A frame that is being computed belongs to the pane that was active.
        self._scheduler.drop_frames()
        self._store.update(**with_panes(panes, active), preview=None)
        self._follow()


def moved_fields(state: AppState) -> dict[str, Any]:
    """Return the fields of a state that its lock changes; none when all is well."""
    panes = followed(state)
    same = all(
        new.request == old.request for new, old in zip(panes, state.panes, strict=True)
    )
    return {} if same else with_panes(panes, state.active)


def next_pane(state: AppState) -> Pane:
    """Return a pane like the active one, but with a heuristic not on show yet.

    Parameters
    ----------
    state
        Of the window. With every heuristic on show, or none known, the
        active one is repeated.
    """
    heuristics = state.opened.heuristics if state.opened else ()
    usable = [item.name for item in heuristics if not item.needs]
    taken = {pane.request.heuristic for pane in state.panes}
    here = state.request.heuristic
    after = usable.index(here) + 1 if here in usable else 0
    turn = [*usable[after:], *usable[:after]]
    # Channels are compared with channels, single weights with single weights; and
    # the baseline is drawn anyway: it is the last that one wants to see.
    single = is_unstructured(here)
    turn.sort(key=lambda n: (is_unstructured(n) != single, n == "random"))
    free = next((name for name in turn if name not in taken), here)
    return Pane(fitted(replace(state.request, heuristic=free), before=here))
