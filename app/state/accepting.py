"""What a result of the worker changes in the state: pure functions, one per kind.

To read this file, start from `accept_outcome`.
"""

from dataclasses import replace

from app.state.app_state import AppState, Message, Pane, with_active
from app.state.exploring import without
from app.state.trials import added, build_trial, with_latency
from app.state.values import DrawnOutcome, Opened
from app.state.work import Purpose, Work
from core.results import Comparison, SizeCurve
from core.tables import METRICS, TASKS
from core.types import SIZES, PruneRequest

MOST_TRAINED = 8  # the session keeps twice as many
MOST_BYTES = 10_000_000  # of results that are kept: a few on a small tile

# What panes and plots ask for by themselves: the same failure is told once.
_OWN: frozenset[Purpose] = frozenset({"frame", "pane", "measure", "baseline"})


def accept_opened(state: AppState, opened: Opened) -> AppState:
    """Return the state with another model or tile: everything computed is gone."""
    usable = [item.name for item in opened.heuristics if not item.needs]
    layers = {layer.name for layer in opened.layers}
    request = state.request
    if usable and request.heuristic not in usable:
        request = replace(request, heuristic=usable[0])
    panes = [
        Pane(_unlocked(request if place == state.active else pane.request, layers))
        for place, pane in enumerate(state.panes)
        if place == state.active or not usable or pane.request.heuristic in usable
    ]
    left_out = [
        place
        for place, pane in enumerate(state.panes[: state.active])
        if usable and pane.request.heuristic not in usable
    ]
    # Nothing of another tile may be missing without having been hidden on it.
    display = replace(state.display, hidden_types=(), hidden_kinds=())
    task = opened.model.task
    if task not in METRICS[display.metric].tasks:
        display = replace(display, metric=TASKS[task].scores[0])
    if task == "patch":  # a classifier has no maps to compare
        display = replace(display, heat="", swipe=False)
    new = replace(
        AppState(opened=opened, display=display),
        panes=tuple(panes),
        active=state.active - len(left_out),
        lock=state.lock,
        tuning=state.tuning,
        story=state.story,
        reading=state.reading,
        history=state.history,
        asked=state.asked,
        started=state.started,
        moves=state.moves + 1,
        resting=False,
        visible=state.visible,
        folder=state.folder,
        message=state.message,  # told since it was asked for
    )
    return with_notes(new, opened)


def with_notes(state: AppState, opened: Opened) -> AppState:
    """Return the state with what is to know about a tile, unless more is said."""
    scale = opened.scale  # the status bar says how the tile was resampled
    told = [n for n in opened.notes if not (scale.resampled and n == scale.sentence)]
    if not told or state.message is not None:
        return state
    return replace(state, message=Message(" ".join(told), kind="warning"))


def _unlocked(request: PruneRequest, layers: set[str]) -> PruneRequest:
    """Return a request without the locks that were another model's."""
    if layers.issuperset(request.locked):
        return request
    return replace(request, locked=tuple(layers.intersection(request.locked)))


def accept_outcome(
    state: AppState, outcome: DrawnOutcome, purpose: Purpose
) -> AppState:
    """Return the state with one more pruned model.

    Parameters
    ----------
    state
        Of the window.
    outcome
        What the worker gave.
    purpose
        What it was computed for: a ``frame`` is shown by the active pane even when
        the slider has moved on; other panes show what they asked for only.
    """
    if state.opened is None:
        return state
    on_show = {pane.request for pane in state.panes}
    trials = added(state.trials, build_trial(state.opened, outcome), on_show)
    kept = [one for one in state.recent if one.request != outcome.request]
    new = replace(
        show_outcome(state, outcome),
        trials=trials,
        recent=(*kept, outcome),
        background=without(state.background, outcome.request)
        if state.background
        else (),
    )
    if purpose == "frame":
        return show_frame(new, outcome)
    return replace(new, todo=without(state.todo, outcome.request))


def show_outcome(state: AppState, outcome: DrawnOutcome) -> AppState:
    """Return the state with a result in every pane that asked for it."""
    panes = tuple(_answered(pane, outcome) for pane in state.panes)
    preview = state.preview and _answered(state.preview, outcome)
    visited = {} if panes[state.active] is not state.pane else state.visited
    if all(one is other for one, other in zip(panes, state.panes, strict=True)):
        panes = state.panes
    return replace(state, panes=panes, preview=preview, visited=visited)


def show_frame(state: AppState, outcome: DrawnOutcome) -> AppState:
    """Return the state with a result in the active pane, whatever it asks for now."""
    if state.outcome is outcome and not state.pane.live:
        return state
    shown = replace(state.pane, outcome=outcome, live=False)
    return with_active(replace(state, visited={}), shown)


def _answered(pane: Pane, outcome: DrawnOutcome) -> Pane:
    """Return a pane with a result, if it is what the pane asked for."""
    if pane.request != outcome.request or (pane.outcome is outcome and not pane.live):
        return pane
    return replace(pane, outcome=outcome, live=False)


def show_live(state: AppState, outcome: DrawnOutcome) -> AppState:
    """Return the state with what a model that is still trained finds by now."""
    panes = tuple(
        replace(pane, outcome=outcome, live=True)
        if pane.request == outcome.request
        else pane
        for pane in state.panes
    )
    return replace(state, panes=panes, visited={})


def accept_training(state: AppState, outcome: DrawnOutcome) -> AppState:
    """Return the state after a training is over, or was stopped."""
    request = outcome.request
    if request.recovery != "finetune":
        return state
    trained = [one for one in state.trained if one != request]
    stopped = outcome.training is not None and outcome.training["reason"] == "stopped"
    if not stopped:
        trained.append(request)
    left = tuple(one for one in state.trains if one != request)
    return replace(state, trains=left, trained=tuple(trained[-MOST_TRAINED:]))


def accept_measured(state: AppState, measured: Comparison, work: Work) -> AppState:
    """Return the state with one more measurement."""
    todo = state.todo
    if work.purpose == "explore" and work.request is not None:
        todo = without(todo, work.request)
    return replace(state, trials=with_latency(state.trials, measured), todo=todo)


def accept_curve(state: AppState, curve: SizeCurve) -> AppState:
    """Return the state with the sizes of one more family of settings."""
    key = curve.request.key(without=SIZES)
    if key in state.curves:
        return state
    return replace(state, curves={**state.curves, key: curve})


def accept_failure(state: AppState, work: Work, text: str, details: str) -> AppState:
    """Return the state after work has failed: panes that asked keep a sentence."""
    request, own = work.request, work.purpose in _OWN
    new = replace(state, todo=(), background=(), told=state.told | {text})
    if work.purpose == "open":
        chosen = state.opening.choosing if state.opening else None
        new = replace(new, opening=None, choosing=chosen)
    if work.purpose == "preview":
        new = replace(new, preview=None)
    asked = any(pane.request == request for pane in state.panes)
    # A frame may be of the model before a training, which no pane asks for by name:
    # what has failed once is not tried again.
    frame = work.purpose == "frame"
    if request is not None and (asked or frame):
        new = replace(new, failed={**state.failed, request: text})
    if own and text in state.told:
        return new
    about = request if asked else state.request if frame else None
    return replace(new, message=Message(text, details, about=about))


def let_go(state: AppState) -> AppState:
    """Return the state without the oldest results, as far as there are too many."""
    kept: list[DrawnOutcome] = []
    size = 0
    for outcome in reversed(state.recent):
        size += _bytes_of(outcome)
        if kept and size > MOST_BYTES:
            break
        kept.append(outcome)
    if len(kept) == len(state.recent):
        return state
    return replace(state, recent=tuple(reversed(kept)))


def _bytes_of(outcome: DrawnOutcome) -> int:
    """Return the size of the label images and raw maps of a result."""
    labels = sum(level.nbytes for level in outcome.nuclei.levels)
    maps = (level for raw in outcome.raw.values() for level in raw.levels)
    return labels + sum(level.nbytes for level in maps)
