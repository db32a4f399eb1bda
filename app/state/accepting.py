"""What a result changes in the state: pure functions, one per kind of result.

Each returns the fields of `AppState` that become different.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from app.state.app_state import Pane
from app.state.exploring import without
from app.state.trials import added, build_trial, with_latency
from app.state.values import DrawnOutcome, Opened
from core.results import Comparison, SizeCurve
from core.types import SIZES, PruneRequest

if TYPE_CHECKING:
    from app.state.app_state import AppState

Fields = dict[str, Any]


def opened_fields(state: "AppState", opened: Opened) -> Fields:
    """Return what another model or tile changes: everything computed is gone."""
    fresh: Fields = {"opened": opened, "pending": None, "outcome": None}
    fresh |= {"trials": (), "curve": None, "measured": None, "message": None}
    fresh |= {"training": None, "preview": None, "todo": (), "background": ()}
    fresh["failed"] = {}
    usable = [item.name for item in opened.heuristics if not item.needs]
    request = state.request
    if usable and request.heuristic not in usable:
        request = replace(request, heuristic=usable[0])
    layers = {layer.name for layer in opened.layers}
    fresh["request"] = _unlocked(request, layers)
    # Nothing of another tile may be missing without having been hidden on it.
    fresh["display"] = replace(state.display, hidden_types=(), hidden_kinds=())
    for side in ("before", "after"):
        fresh[side] = tuple(
            Pane(_unlocked(pane.request, layers))
            for pane in getattr(state, side)
            if not usable or pane.request.heuristic in usable
        )
    return fresh


def _unlocked(request: PruneRequest, layers: set[str]) -> PruneRequest:
    """Return a request without the locks that were another model's."""
    if layers.issuperset(request.locked):
        return request
    return replace(request, locked=tuple(layers.intersection(request.locked)))


def outcome_fields(state: "AppState", outcome: DrawnOutcome, *, live: bool) -> Fields:
    """Return what a pruned model changes.

    Parameters
    ----------
    state
        Of the window.
    outcome
        What the worker gave.
    live
        Whether it was computed for the active pane, which shows it even when
        the slider has moved on; other panes show what they asked for only.
    """
    if state.opened is None:
        return {}
    on_show = {pane.request for pane in state.panes}
    fresh: Fields = {
        "trials": added(state.trials, build_trial(state.opened, outcome), on_show),
        "todo": state.todo if live else without(state.todo, outcome.request),
        "background": without(state.background, outcome.request),
    }
    if live or outcome.request == state.request:
        fresh["outcome"] = outcome
    for side in ("before", "after"):
        panes: tuple[Pane, ...] = getattr(state, side)
        if any(pane.request == outcome.request for pane in panes):
            fresh[side] = tuple(_answered(pane, outcome) for pane in panes)
    return fresh


def _answered(pane: Pane, outcome: DrawnOutcome) -> Pane:
    """Return a pane with a result, if it is what the pane asked for."""
    if pane.request != outcome.request or pane.outcome is outcome:
        return pane
    return replace(pane, outcome=outcome)


def failed_fields(state: "AppState", request: PruneRequest, why: str) -> Fields:
    """Return what a failure changes: the panes that asked for it keep a sentence."""
    failed = still_failed(state)
    if any(pane.request == request for pane in state.panes):
        failed = {**failed, request: why}
    return {} if failed == state.failed else {"failed": failed}


def still_failed(state: "AppState") -> dict[PruneRequest, str]:
    """Return the failures of panes that still ask for the same."""
    on_show = {pane.request for pane in state.panes}
    return {one: why for one, why in state.failed.items() if one in on_show}


def measured_fields(
    state: "AppState", measured: Comparison, *, explored: bool
) -> Fields:
    """Return what a measurement changes."""
    fresh: Fields = {
        "measured": measured,
        "trials": with_latency(state.trials, measured),
    }
    if explored:
        fresh["todo"] = without(state.todo, measured.request or state.request)
    return fresh


def curve_fields(state: "AppState", curve: SizeCurve) -> Fields:
    """Return what a curve of sizes changes: every pane of its settings has it."""
    fresh: Fields = {}
    key = curve.request.key(without=SIZES)
    if key == state.request.key(without=SIZES):
        fresh["curve"] = curve
    for side in ("before", "after"):
        panes: tuple[Pane, ...] = getattr(state, side)
        fits = [pane.request.key(without=SIZES) == key for pane in panes]
        if any(fits):
            fresh[side] = tuple(
                replace(pane, curve=curve) if fit else pane
                for pane, fit in zip(panes, fits, strict=True)
            )
    return fresh
