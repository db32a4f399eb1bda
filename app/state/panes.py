"""Side by side: which panes are on show; pure functions from state to state."""

from dataclasses import replace

from app.state.app_state import MOST, AppState, Pane, with_panes
from app.state.history import Arrangement
from app.state.repairs import fitted
from app.state.values import Opened
from core.types import PruneRequest, is_unstructured


def add_pane(state: AppState) -> AppState:
    """Return a state with one more pane beside the active one, if it fits."""
    if len(state.panes) >= MOST:
        return state
    panes = list(state.panes)
    panes.insert(state.active + 1, next_pane(state))
    return with_panes(state, panes, state.active + 1)


def add_model(state: AppState, source: str) -> AppState:
    """Return a state with another model beside the active pane, if it fits."""
    if len(state.panes) >= MOST or state.opened is None:
        return state
    panes = list(state.panes)
    panes.insert(state.active + 1, Pane(replace(state.request, model=source)))
    return with_panes(state, panes, state.active + 1)


def close_pane(state: AppState, place: int) -> AppState:
    """Return a state without one of its panes; the last one stays."""
    panes = list(state.panes)
    if len(panes) < 2 or not 0 <= place < len(panes):
        return state
    del panes[place]
    active = state.active - (place < state.active)
    return with_panes(state, panes, min(active, len(panes) - 1))


def choose_pane(state: AppState, place: int) -> AppState:
    """Return a state in which the controls edit another pane."""
    if place == state.active or not 0 <= place < len(state.panes):
        return state
    return with_panes(state, state.panes, place)


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
    wanted = replace(state.request, heuristic=free, model="")
    return Pane(fitted(wanted, before=here))


def find_arrangement(state: AppState) -> Arrangement:
    """Return how the panes of a window are set."""
    requests = tuple(pane.request for pane in state.panes)
    return Arrangement(requests, state.active, state.lock)


def arrange(state: AppState, wanted: Arrangement) -> AppState:
    """Return a state whose panes are set as they were.

    Parameters
    ----------
    state
        Of the window. What it has computed for a pane stays with it.
    wanted
        Panes that the open model cannot be pruned for are left out.

    Returns
    -------
    AppState
        The same when no pane is left.
    """
    possible = [one for one in wanted.requests if _possible(one, state.opened)]
    if not possible:
        return state
    panes = [_pane(state, index, one) for index, one in enumerate(possible)]
    edited = wanted.requests[wanted.active]
    active = possible.index(edited) if edited in possible else 0
    if len(possible) == len(wanted.requests):
        active = wanted.active  # panes may be alike
    return replace(with_panes(state, panes, active), lock=wanted.lock, preview=None)


def _possible(request: PruneRequest, opened: Opened | None) -> bool:
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
    old = state.panes[index].outcome if index < len(state.panes) else None
    return Pane(request, old)
