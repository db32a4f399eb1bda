"""What the worker does next: pure functions of the state.

To read this file, start from `schedule`, which is applied after every event; what
would be done by a free worker is `find_next`.
"""

from collections.abc import Sequence
from dataclasses import replace

from app.state.accepting import show_outcome
from app.state.app_state import AppState, Pane
from app.state.exploring import without
from app.state.folder_scoring import find_tile_work
from app.state.repairs import DEFAULT, fitted
from app.state.trials import added, build_trial
from app.state.values import DrawnOutcome
from app.state.work import Purpose, Work
from core.rects import crop_rect
from core.types import SIZES, SLOW, PruneRequest

_KEPT = frozenset({"open", "save"})  # only what replaces them by name ends them


def schedule(state: AppState) -> AppState:
    """Return the state with the work that should be under way.

    What runs goes on while somebody still waits for it and nothing more urgent has
    come. So a frame of a drag is never interrupted by the next one (else no frame
    would ever be shown), an export by nothing, and a measurement by any change.

    Parameters
    ----------
    state
        After an event. Whoever holds the worker compares ``work`` before and after.
    """
    state = _answer_known(_tidy(state))
    running, wanted = state.work, find_next(state)
    if running is not None and is_awaited(state, running):
        if wanted is None or wanted.same(running):
            return state
        if running.urgency <= wanted.urgency and not _gives_way(state, running, wanted):
            return state
    if wanted is None:
        return state if running is None else replace(state, work=None, step=None)
    number = state.started + 1
    begun = replace(wanted, number=number)
    return replace(state, work=begun, started=number, step=None)


def find_next(state: AppState) -> Work | None:
    """Return what a free worker should do now; None when there is nothing."""
    if state.asked:
        return state.asked[0]
    if state.opened is None or state.paused:
        return None
    part = _find_part(state, _find_growing(state))
    if part is not None:
        return part
    work = _find_whole(state)
    if work is None or work.request is None or work.measures or state.resting:
        return work
    return None if grows(state, work.request) else work  # the rest comes at rest


def _gives_way(state: AppState, running: Work, wanted: Work) -> bool:
    """Return whether what is on screen comes before what runs."""
    if not wanted.visible:
        return False
    return not running.visible or _shows_some(state, running)


def _find_growing(state: AppState) -> list[tuple[Purpose, PruneRequest, Pane]]:
    """Return what waits for a result, the active pane first."""
    found: list[tuple[Purpose, PruneRequest, Pane]] = []
    frame = _find_frame(state) if _needed(state, state.pane) else None
    if frame is not None and frame.request is not None:
        found.append((frame.purpose, frame.request, state.pane))
    preview = state.preview
    if preview is not None and _previewed(state, preview):
        found.append(("preview", preview.request, preview))
    others = (pane for pane in state.panes if pane is not state.pane)
    return [*found, *(("pane", p.request, p) for p in others if _needed(state, p))]


def _find_whole(state: AppState) -> Work | None:
    """Return what is done once everything on screen is computed."""
    if state.opened is not None and state.opened.part is not None:
        return Work("dense") if state.resting else None
    frame = _find_frame(state) if _needed(state, state.pane) else None
    idle = _needed(state, state.pane) and not state.waits_for_start(state.request)
    if frame is not None or idle:
        return frame
    preview = state.preview
    if preview is not None and _previewed(state, preview):
        return Work("preview", preview.request)
    waiting = (p for p in state.panes if not state.waits_for_start(p.request))
    behind = next((pane for pane in waiting if _needed(state, pane)), None)
    if behind is not None:
        return Work("pane", behind.request)
    if state.todo:
        request = state.todo[0]
        return Work("explore", request, measures=_is_tried(state, request))
    return _find_slow(state) if state.resting else None


def _previewed(state: AppState, pane: Pane) -> bool:
    """Return whether a result for the point under the pointer is to be made."""
    whole = pane.outcome is not None and pane.outcome.part is None
    return not whole and not state.waits_for_start(pane.request)


def _needed(state: AppState, pane: Pane) -> bool:
    """Return whether a pane waits for a result that can be had."""
    return not pane.current and pane.request not in state.failed


def _find_frame(state: AppState) -> Work | None:
    """Return the work for the active pane."""
    request = state.request
    waits = state.waits_for_start(request)
    if not waits and (request.recovery not in SLOW or state.resting):
        return Work("frame", request)
    # A drag shows the refitted model; a training begins when it is started.
    quick = _before_training(request)
    shown = state.outcome is not None and state.outcome.request == quick
    return None if shown or quick in state.failed else Work("frame", quick)


def _before_training(request: PruneRequest) -> PruneRequest:
    """Return what is shown of a slow recovery until it has been run."""
    return fitted(replace(request, recovery=DEFAULT))


def _find_slow(state: AppState) -> Work | None:
    """Return what waits for a hand that rests: measurements, then the baseline."""
    for pane in (state.pane, *state.panes):
        untrained = state.waits_for_start(pane.request) and not pane.current
        left_out = pane.request in state.failed or untrained
        if not left_out and state.latency_of(pane.request) is None:
            return Work("measure", pane.request, measures=True)
    tile = find_tile_work(state) if state.folder is not None else None
    if tile is not None:
        return tile
    return Work("baseline", state.background[0]) if state.background else None


def is_awaited(state: AppState, work: Work) -> bool:
    """Return whether somebody still waits for what is under way."""
    if work.purpose in _KEPT:
        return any(work.same(one) for one in state.asked)
    if work.purpose == "tiles":
        return not state.paused and work.same(find_tile_work(state))
    request = work.request
    if work.purpose == "dense" and not state.paused:
        return state.opened is not None and state.opened.part is not None
    if state.paused or request is None:
        return False
    if any(request == pane.request for pane in state.panes):
        return True
    if state.preview is not None and state.preview.request == request:
        return True
    if work.purpose == "frame":
        return _alike(request, state.request)
    return request in (*state.todo, *state.background)


def _alike(one: PruneRequest, other: PruneRequest) -> bool:
    """Return whether both are frames of one drag."""
    quick = one.recovery not in SLOW
    return quick and one.key(without=SIZES) == other.key(without=SIZES)


def _is_tried(state: AppState, request: PruneRequest) -> bool:
    return any(trial.request == request for trial in state.trials)


def _tidy(state: AppState) -> AppState:
    """Forget what was said of settings that are not on show any more."""
    on_show = {pane.request for pane in state.panes}
    if state.failed and not on_show.issuperset(state.failed):
        tried = on_show | {_before_training(request) for request in on_show}
        failed = {one: why for one, why in state.failed.items() if one in tried}
        if len(failed) < len(state.failed):
            state = replace(state, failed=failed)
    if not on_show.issuperset(state.trains):
        kept = tuple(one for one in state.trains if one in on_show)
        state = replace(state, trains=kept)
    about = state.message.about if state.message else None
    if about is not None and about not in on_show:
        state = replace(state, message=None)
    if state.late and all(pane.current for pane in state.panes):
        state = replace(state, late=False)
    return state


def _answer_known(state: AppState) -> AppState:
    """Return the state with results that are still there, where they are asked for."""
    if state.opened is None or not state.recent:
        return state
    for request in _find_asked(state):
        known = next((one for one in state.recent if one.request == request), None)
        if known is not None:
            state = _show_known(state, known)
    return state


def _find_asked(state: AppState) -> list[PruneRequest]:
    """Return what panes, the preview and an exploration wait for."""
    panes = [pane for pane in state.panes if not pane.current and not pane.live]
    asked = [pane.request for pane in panes]
    if state.preview is not None and state.preview.outcome is None:
        asked.append(state.preview.request)
    rows = (*state.todo, *state.background)
    return [*asked, *(one for one in rows if not _is_tried(state, one))]


def _show_known(state: AppState, known: DrawnOutcome) -> AppState:
    """Return the state with a known result where it is asked for, used last."""
    kept = [one for one in state.recent if one is not known]
    on_show = {pane.request for pane in state.panes}
    state = replace(show_outcome(state, known), recent=(*kept, known))
    if _is_tried(state, known.request):
        return state
    assert state.opened is not None
    return replace(
        state,
        trials=added(state.trials, build_trial(state.opened, known), on_show),
        todo=without(state.todo, known.request),
        background=without(state.background, known.request),
    )


def grows(state: AppState, request: PruneRequest) -> bool:
    """Return whether a part of the tile can be had before all of it."""
    opened = state.opened
    if opened is None or opened.model.task != "nuclei" or request.model:
        return False
    if request.recovery in SLOW:
        return False
    return state.visible is not None or opened.patches > 1


def lacks_part(
    state: AppState, request: PruneRequest, outcome: DrawnOutcome | None
) -> bool:
    """Return whether what is on screen is still to be computed for a request.

    Parameters
    ----------
    state
        Of the window.
    request
        Which pruned model.
    outcome
        What a pane shows by now.
    """
    if not grows(state, request):
        return False
    if outcome is None or outcome.request != request:
        return True
    part = outcome.part
    if part is None:
        return False
    # What was on screen may be of a tile before, which was larger.
    seen = state.visible or (0, 0, *part.size)
    return not part.covers(crop_rect(seen, part.size))


def _find_part(
    state: AppState, wanted: Sequence[tuple[Purpose, PruneRequest, Pane]]
) -> Work | None:
    """Return the first of several results that lacks what is on screen."""
    for purpose, request, pane in wanted:
        if lacks_part(state, request, pane.outcome):
            return Work(purpose, request, visible=True)
    return None


def _shows_some(state: AppState, work: Work) -> bool:
    """Return whether the active pane shows a patch of what is under way.

    The next position of the slider then need not wait for the other patches.
    """
    outcome = state.outcome
    if outcome is None or outcome.request != work.request or outcome.part is None:
        return False
    return outcome.part.patches[1] > 1
