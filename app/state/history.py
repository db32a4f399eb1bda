"""Undo and redo of settings: every pane's, and how the panes stand together."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from app.state.app_state import AppState, Lock, Pane, with_panes
from core.types import SIZES, PruneRequest

if TYPE_CHECKING:
    from app.state.values import Opened

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
        What they have in common, see `AppState`.
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


def arrangement_of(state: AppState) -> Arrangement:
    """Return how the panes of a window are set."""
    requests = tuple(pane.request for pane in state.panes)
    return Arrangement(requests, state.active, state.lock)


def arranged(state: AppState, wanted: Arrangement) -> dict[str, Any]:
    """Return the fields of a state that set its panes so.

    Parameters
    ----------
    state
        Of the window. What it has computed for a pane stays with it.
    wanted
        Panes that the open model cannot be pruned for are left out.

    Returns
    -------
    dict
        Empty when no pane is left.
    """
    possible = [one for one in wanted.requests if _possible(one, state.opened)]
    if not possible:
        return {}
    panes = [_pane(state, index, one) for index, one in enumerate(possible)]
    edited = wanted.requests[wanted.active]
    active = possible.index(edited) if edited in possible else 0
    if len(possible) == len(wanted.requests):
        active = wanted.active  # panes may be alike
    return {**with_panes(panes, active), "lock": wanted.lock, "preview": None}


def _possible(request: PruneRequest, opened: "Opened | None") -> bool:
    """Return whether the open model has the heuristic and the locked layers."""
    if opened is None:
        return True
    usable = {item.name for item in opened.heuristics if not item.needs}
    layers = {layer.name for layer in opened.layers}
    return request.heuristic in usable and layers.issuperset(request.locked)


def _pane(state: AppState, index: int, request: PruneRequest) -> Pane:
    """Return a pane with what is known of it; the old picture stays meanwhile."""
    for pane in state.panes:
        if pane.request == request:
            return pane
    curve = next((p.curve for p in state.panes if _sized(p, request)), None)
    old = state.panes[index].outcome if index < len(state.panes) else None
    return Pane(request, curve, old)


def _sized(pane: Pane, request: PruneRequest) -> bool:
    key = request.key(without=SIZES)
    return pane.curve is not None and pane.curve.request.key(without=SIZES) == key
