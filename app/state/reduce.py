"""What each event changes in the state: pure functions, one per kind of event.

To read this file, start from `reduce`; what a slider move changes is
`_change_request`. Results of the worker are in `app.state.accepting`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from app.state import (
    accepting,
    choosing,
    events,
    folder_scoring,
    panes,
    restoring,
    starting,
    visible,
)
from app.state.advice import measure_again
from app.state.app_state import AppState, Message, Pane, with_active
from app.state.demo import PAGES, Demo
from app.state.exploring import baseline_of
from app.state.locks import followed
from app.state.scheduling import schedule
from app.state.slide_map import SlideMap
from app.state.tile_folder import TileScore
from app.state.training import Training
from app.state.values import DrawnOutcome, Opened, Picture, Saved
from app.state.work import Work
from core.results import Comparison, SizeCurve

_REFINED = 8  # measurements after which equally fast panes are no longer moved


def reduce(state: AppState, event: events.Event) -> AppState:
    """Return the state after an event, with the work that is then to be done.

    Parameters
    ----------
    state
        Before; the very same is returned when nothing changes.
    event
        Of a kind that `app.state.events` lists.
    """
    new = _CHANGES[type(event)](state, event)
    return state if new is state else schedule(new)


# What the user does


def _touched(state: AppState) -> AppState:
    """Return the state after a change of the user's: waiting begins again."""
    return replace(
        state,
        moves=state.moves + 1,
        resting=False,
        paused=False,
        preview=None,
        refined=0,
    )


def _follow(state: AppState) -> AppState:
    """Return the state with its panes where their lock wants them."""
    if state.lock == "free":
        return state
    moved = followed(state)
    same = all(a.request == b.request for a, b in zip(moved, state.panes, strict=True))
    return state if same else replace(state, panes=moved)


def _change_request(state: AppState, event: events.RequestChanged) -> AppState:
    request = event.request
    if request == state.request:
        return state
    new = with_active(_touched(state), Pane(request, state.outcome))
    if request.training is not None:
        new = replace(new, tuning=request.training)
    return _follow(new)


def _add_pane(state: AppState, _: events.PaneAdded) -> AppState:
    return _arranged(state, panes.add_pane(state))


def _add_model(state: AppState, event: events.ModelAdded) -> AppState:
    return _arranged(state, panes.add_model(state, event.source))


def _close_pane(state: AppState, event: events.PaneClosed) -> AppState:
    place = state.active if event.place is None else event.place
    return _arranged(state, panes.close_pane(state, place))


def _choose_pane(state: AppState, event: events.PaneChosen) -> AppState:
    return _arranged(state, panes.choose_pane(state, event.place))


def _arranged(old: AppState, new: AppState) -> AppState:
    """Return the state with other panes on show, if there are any."""
    if new is old:
        return old
    return _follow(replace(_touched(new), visited={}))


def _choose_lock(state: AppState, event: events.LockChosen) -> AppState:
    if event.lock == state.lock:
        return state
    return _follow(replace(_touched(state), lock=event.lock))


def _travel(state: AppState, event: events.Travelled) -> AppState:
    noted = _note(state).history
    history = noted.undone() if event.by < 0 else noted.redone()
    if history is noted or not history.past:
        return state
    # As they were, whatever the lock would make of them now.
    return replace(
        panes.arrange(_touched(state), history.past[-1]), history=history, visited={}
    )


def _note(state: AppState) -> AppState:
    """Return the state with its settings kept, to be gone back to."""
    history = state.history.visited(panes.find_arrangement(state))
    return state if history is state.history else replace(state, history=history)


def _preview(state: AppState, event: events.Previewed) -> AppState:
    request = event.request
    if request == (state.preview.request if state.preview else None):
        return state
    if request is None or request == state.request or state.opened is None:
        return state if state.preview is None else replace(state, preview=None)
    return replace(state, preview=Pane(request))


def _display(state: AppState, event: events.DisplayChanged) -> AppState:
    if event.display == state.display:
        return state
    return replace(state, display=event.display)


def _toggle_display(state: AppState, event: events.DisplayToggled) -> AppState:
    return replace(state, display=state.display.toggled(event.what))


def _plots(state: AppState, event: events.PlotsChanged) -> AppState:
    if event.plots == replace(state.plots, score=state.display.metric):
        return state
    display = replace(state.display, metric=event.plots.score)
    return replace(state, plots=event.plots, display=display)


def _demo(state: AppState, event: events.DemoSwitched) -> AppState:
    story = state.story
    if event.on == story.on:
        return state
    if event.on:
        display = state.display
        kept = panes.find_arrangement(state), display.overlay, display.visible
        return replace(state, story=replace(story, on=True, kept=kept))
    left = replace(state, story=replace(story, on=False, page=0, kept=None))
    return replace(_give_back(left, story), reading=False)


def _give_back(state: AppState, story: Demo) -> AppState:
    """Return the state set as it was before the demo view."""
    if story.kept is None:
        return state
    arrangement, overlay, visible = story.kept
    display = replace(state.display, overlay=overlay, visible=visible)
    old = replace(state, display=display)
    if arrangement == panes.find_arrangement(state):
        return old
    return panes.arrange(_touched(old), arrangement)


def _toggle_demo(state: AppState, _: events.DemoToggled) -> AppState:
    return _demo(state, events.DemoSwitched(not state.demo))


def _turn_page(state: AppState, event: events.PageTurned) -> AppState:
    number = min(max(state.story.page + event.by, 1), len(PAGES))
    if number == state.story.page:
        return state
    page = PAGES[number - 1]
    display = replace(state.display, overlay=page.overlay, visible=True)
    told = replace(state, story=replace(state.story, page=number), display=display)
    request = replace(state.request, sparsity=page.sparsity)
    return _change_request(told, events.RequestChanged(request))


def _choose_step(state: AppState, event: events.StepChosen) -> AppState:
    page = state.story.find_page(event.sparsity)
    told = replace(state, story=replace(state.story, page=page))
    request = replace(state.request, sparsity=event.sparsity)
    return _change_request(told, events.RequestChanged(request))


def _choose_slide(state: AppState, event: events.SlideChosen) -> AppState:
    return replace(state, story=replace(state.story, slide=event.key))


def _read(state: AppState, event: events.ReadingSwitched) -> AppState:
    return state if event.on == state.reading else replace(state, reading=event.on)


def _visit(state: AppState, event: events.NucleusAsked) -> AppState:
    outcome = state.outcome
    count = len(outcome.changes.places(event.kind)) if outcome else 0
    if not count:
        return state
    index = (state.visited.get(event.kind, -1) + 1) % count
    return replace(state, visited={**state.visited, event.kind: index})


def _show_message(state: AppState, event: events.MessageShown) -> AppState:
    if event.message is state.message:
        return state
    return replace(state, message=event.message)


def _take_offer(state: AppState, _: events.OfferTaken) -> AppState:
    if state.message is None or state.message.offer is None:
        return state
    event = state.message.offer[1]
    assert isinstance(event, events.Event)
    return _CHANGES[type(event)](replace(state, message=None), event)


# What time brings


def _rest(state: AppState, _: events.HandRested) -> AppState:
    return replace(_note(state), resting=True)


def _idle(state: AppState, _: events.IdleBegan) -> AppState:
    if state.busy or state.background or state.paused:
        return state
    wanted = baseline_of(state)
    return replace(state, background=wanted) if wanted else state


def _late(state: AppState, _: events.ResultLate) -> AppState:
    stale = any(pane.outcome and not pane.current for pane in state.panes)
    return replace(state, late=True) if stale and not state.late else state


def _clear_cache(state: AppState, _: events.CacheDue) -> AppState:
    return accepting.let_go(state)


# What the worker says


def _is_running(state: AppState, number: int) -> bool:
    return state.work is not None and state.work.number == number


def _progress(state: AppState, event: events.Progressed) -> AppState:
    if state.work is None or state.work.number != event.number or state.work.measures:
        return state  # a window that draws would change what is measured
    return replace(state, step=event.step)


def _publish(state: AppState, event: events.Published) -> AppState:
    value = event.value
    if not _is_running(state, event.number):
        return state
    if isinstance(value, Picture) and state.opening is not None:
        return replace(state, opening=replace(state.opening, picture=value))
    if isinstance(value, SizeCurve):
        return _sized(state, value)
    if isinstance(value, Opened):
        return visible.accept_dense(state, value)
    if isinstance(value, Training):
        return replace(state, training=value)
    if isinstance(value, DrawnOutcome):  # no point of a plot
        if value.part is not None and state.work is not None:
            return visible.show_part(state, value, state.work.purpose)
        return accepting.show_live(state, value)
    return state


def _sized(state: AppState, curve: SizeCurve) -> AppState:
    new = accepting.accept_curve(state, curve)
    return state if new is state else _follow(new)


def _finish(state: AppState, event: events.Finished) -> AppState:
    work, value = state.work, event.value
    if work is None or work.number != event.number:
        return state
    state = _ended(state, work)
    if isinstance(value, Opened) and work.purpose == "dense":
        return visible.accept_dense(state, value)
    if isinstance(value, Opened):
        kept = state.opening.kept if state.opening else None
        new = accepting.accept_opened(state, value)
        return restoring.restore_session(new, kept) if kept else new
    if isinstance(value, SlideMap):
        return choosing.choose_part(state, value)
    if isinstance(value, DrawnOutcome) and value.part is not None:
        return visible.show_part(state, value, work.purpose)
    if isinstance(value, DrawnOutcome):
        return accepting.accept_training(
            accepting.accept_outcome(state, value, work.purpose), value
        )
    if isinstance(value, Comparison):
        return _refine(accepting.accept_measured(state, value, work))
    if isinstance(value, TileScore):
        return folder_scoring.accept_score(state, value)
    if isinstance(value, Saved):
        shown = events.FolderShown(value.folder)
        offer = ("Open folder", shown) if value.folder else None
        return replace(state, message=Message(value.sentence, kind="info", offer=offer))
    return state


def _refine(state: AppState) -> AppState:
    """Return the state with equally fast panes moved, now that more is known."""
    if state.lock != "latency" or state.refined >= _REFINED:
        return state
    return _follow(replace(state, refined=state.refined + 1))


def _fail(state: AppState, event: events.WorkFailed) -> AppState:
    work = state.work
    if work is None or work.number != event.number:
        return state
    if work.purpose == "tiles":  # the next one would fail as well
        state = replace(state, folder=folder_scoring.stopped(state.folder))
    return accepting.accept_failure(
        _ended(state, work), work, event.text, event.details
    )


def _ended(state: AppState, work: Work) -> AppState:
    """Return the state without work that is over."""
    asked = tuple(one for one in state.asked if one.call is not work.call)
    return replace(state, work=None, step=None, asked=asked)


_CHANGES: Mapping[type[events.Event], Callable[[AppState, Any], AppState]] = {
    **choosing.CHANGES,
    **folder_scoring.CHANGES,
    events.RequestChanged: _change_request,
    events.PaneAdded: _add_pane,
    events.PaneClosed: _close_pane,
    events.ModelAdded: _add_model,
    events.PaneChosen: _choose_pane,
    events.LockChosen: _choose_lock,
    events.Travelled: _travel,
    events.Previewed: _preview,
    events.ExploreSwitched: starting.explore,
    events.TrainingStarted: starting.start_training,
    events.DisplayChanged: _display,
    events.DisplayToggled: _toggle_display,
    events.PlotsChanged: _plots,
    events.DemoSwitched: _demo,
    events.DemoToggled: _toggle_demo,
    events.PageTurned: _turn_page,
    events.StepChosen: _choose_step,
    events.SlideChosen: _choose_slide,
    events.ReadingSwitched: _read,
    events.NucleusAsked: _visit,
    events.MessageShown: _show_message,
    events.OfferTaken: _take_offer,
    events.MeasuringAsked: measure_again,
    events.OpenAsked: starting.open_sources,
    events.SaveAsked: starting.save,
    events.FolderShown: lambda state, _: state,
    events.SessionDiscarded: restoring.discard_session,
    events.WorkCancelled: starting.cancel,
    events.Resumed: starting.resume,
    events.HandRested: _rest,
    events.IdleBegan: _idle,
    events.ResultLate: _late,
    events.Looked: visible.look,
    events.CacheDue: _clear_cache,
    events.Progressed: _progress,
    events.Published: _publish,
    events.Finished: _finish,
    events.WorkFailed: _fail,
}
