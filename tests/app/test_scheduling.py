"""What the worker does next, as a function of the state: no window, no thread."""

from dataclasses import dataclass, fields, replace
from functools import cache

import fakes
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.state import events
from app.state.app_state import STOPPED, AppState, Pane
from app.state.reduce import reduce
from app.state.scheduling import find_next, is_awaited, schedule
from app.state.values import Saved
from app.state.work import PURPOSES, Work
from core.sources import Source
from core.types import SLOW, PruneRequest

HERE = PruneRequest("l2", 0.5)
OTHER = PruneRequest("random", 0.5)


class Quiet:
    def step(self, *_):
        pass

    def publish(self, _):
        pass


def engine_open(tile=""):
    return fakes.FakeEngine().open("demo", Source.of_tile(tile), Quiet(), before=None)


OPENED = engine_open()


@cache
def outcome(request):
    return OPENED.session.prune(request, Quiet())


def answer(work):
    if work.measures:
        return OPENED.session.measure(work.request, Quiet())
    return outcome(work.request)


def finish(state, value):
    return reduce(state, events.Finished(state.work.number, value))


def run(state, *, most=60):
    """Let a worker do everything that comes; return the state and what it did."""
    done = []
    while state.work is not None and len(done) < most:
        work = state.work
        done.append((work.purpose, work.request))
        state = finish(state, answer(work))
    return state, done


def opened(*requests, **changes):
    panes = tuple(map(Pane, requests or (HERE,)))
    return schedule(AppState(opened=OPENED, panes=panes, **changes))


def settled(*requests):
    return run(opened(*requests))[0]


def test_nothing_is_done_before_something_is_open():
    assert find_next(AppState()) is None


def test_masks_come_first_then_the_other_panes_then_latency():
    _, done = run(opened(HERE, OTHER))
    assert done == [
        ("frame", HERE),
        ("pane", OTHER),
        ("measure", HERE),
        ("measure", OTHER),
    ]


def test_latency_waits_for_a_hand_that_rests():
    state, done = run(opened(resting=False))
    assert done == [("frame", HERE)]
    state = reduce(state, events.HandRested())
    assert state.work.same(Work("measure", HERE, measures=True))


def test_a_frame_of_a_drag_is_not_interrupted_by_the_next_one():
    state = opened(resting=False)
    frame = state.work
    for sparsity in (0.51, 0.52, 0.53):
        moved = replace(HERE, sparsity=sparsity)
        state = reduce(state, events.RequestChanged(moved))
        assert state.work is frame
    state = finish(state, outcome(HERE))
    assert state.outcome.request == HERE  # shown, although the slider moved on
    assert not state.current
    assert state.work.request == replace(HERE, sparsity=0.53)  # the newest, alone


@pytest.mark.parametrize(
    "change", [{"heuristic": "random"}, {"scope": "layer"}, {"seed": 1}]
)
def test_a_frame_of_other_settings_is_interrupted(change):
    state = opened(resting=False)
    state = reduce(state, events.RequestChanged(replace(HERE, **change)))
    assert state.work.request == replace(HERE, **change)


def test_a_change_interrupts_a_measurement_and_it_is_done_again():
    state = opened()
    state = finish(state, outcome(HERE))
    assert state.work.measures
    moved = replace(HERE, sparsity=0.6)
    state = reduce(state, events.RequestChanged(moved))
    assert state.work.same(Work("frame", moved))
    state, done = run(reduce(state, events.HandRested()))
    assert ("measure", moved) in done


@pytest.mark.parametrize("recovery", ["finetune", "sequential"])
def test_what_takes_long_begins_when_the_hand_rests(recovery):
    state = settled()
    slow = replace(HERE, sparsity=0.7, recovery=recovery)
    state = reduce(state, events.RequestChanged(slow))
    assert state.work.request == replace(slow, recovery="refit")
    state, _ = run(state)
    assert state.work is None  # the refitted model is shown, and that is all
    state = reduce(state, events.HandRested())
    if recovery == "finetune":  # minutes begin when the user says so
        assert state.work is None
        state = reduce(state, events.TrainingStarted())
    assert state.work.request == slow


def test_what_takes_long_is_interrupted_by_the_next_change():
    slow = replace(HERE, recovery="sequential")
    state = opened(slow)
    assert state.work.request == slow
    further = replace(slow, sparsity=0.6)
    state = reduce(state, events.RequestChanged(further))
    assert state.work.request == replace(further, recovery="refit")


def save(_):
    return Saved("Saved.")


def test_an_export_is_interrupted_by_nothing_and_exports_wait_for_each_other():
    state = reduce(opened(), events.SaveAsked(save))
    first = state.work
    assert first.purpose == "save"
    for event in (
        events.RequestChanged(replace(HERE, sparsity=0.6)),
        events.SaveAsked(lambda task: save(task)),
        events.OpenAsked("demo", Source("file", "other.png"), lambda _: OPENED),
    ):
        state = reduce(state, event)
        assert state.work is first
    state = finish(state, Saved("Saved."))
    assert state.work.purpose == "save"
    state = finish(state, Saved("Saved."))
    assert state.work.purpose == "open"


def test_of_two_things_to_open_the_last_one_is_opened():
    state = opened()
    for name in ("a.png", "b.png"):
        state = reduce(
            state, events.OpenAsked("demo", Source("file", name), lambda _: OPENED)
        )
    assert state.opening.tile == Source("file", "b.png")
    assert state.work.number == state.started
    assert [work.purpose for work in state.asked] == ["open"]
    state = finish(state, engine_open("b.png"))
    assert state.opened.source == Source("file", "b.png")
    assert state.opening is None


def test_work_that_nobody_waits_for_ends():
    state = settled()
    state = reduce(state, events.Previewed(OTHER))
    assert state.work.same(Work("preview", OTHER))
    state = reduce(state, events.Previewed(None))
    assert state.work is None


def test_a_point_under_the_pointer_starts_no_training():
    state = reduce(settled(), events.Previewed(replace(OTHER, recovery="finetune")))
    assert state.work is None


def test_stopping_an_exploration_stops_what_it_computes():
    state = reduce(settled(), events.ExploreSwitched())
    assert state.work.purpose == "explore"
    state = reduce(state, events.ExploreSwitched())
    assert state.work is None
    assert state.todo == ()


def test_after_cancel_nothing_begins_before_the_next_change():
    state = opened(HERE, OTHER)
    state = reduce(state, events.WorkCancelled())
    assert state.work is None
    for event in (events.HandRested(), events.IdleBegan()):
        state = reduce(state, event)
        assert state.work is None
    moved = replace(HERE, sparsity=0.6)
    state = reduce(state, events.RequestChanged(moved))
    assert state.work.request == moved


def test_a_cancelled_pane_is_marked_and_shows_no_result_of_other_settings():
    state = settled(HERE)
    state = reduce(state, events.RequestChanged(replace(HERE, sparsity=0.7)))
    state = reduce(state, events.WorkCancelled())
    assert state.outcome.request == HERE
    assert state.seen is None
    assert state.why_not(state.pane) == STOPPED
    state, _ = run(reduce(state, events.Resumed()))
    assert state.current
    assert state.why_not(state.pane) == ""


def test_a_result_that_is_still_there_is_not_computed_again():
    state = settled(HERE)
    moved = replace(HERE, sparsity=0.7)
    state, _ = run(reduce(state, events.RequestChanged(moved)))
    state = reduce(state, events.RequestChanged(HERE))
    assert state.current
    assert state.work is None  # measured before, too


def test_what_stale_work_says_changes_nothing():
    state = opened()
    for event in (
        events.Finished(99, outcome(HERE)),
        events.WorkFailed(99, "No."),
        events.Published(99, fakes.curve(HERE)),
        events.Progressed(99, None),
    ):
        assert reduce(state, event) is state


def test_a_failure_is_told_once_and_goes_with_its_cause():
    state = opened(HERE)
    state = reduce(state, events.WorkFailed(state.work.number, "Cannot be pruned."))
    assert state.message.text == "Cannot be pruned."
    assert state.failed == {HERE: "Cannot be pruned."}
    assert state.work is None  # not tried again
    state = reduce(state, events.RequestChanged(replace(HERE, sparsity=0.2)))
    assert state.message is None
    assert state.failed == {}


@pytest.mark.parametrize("recovery", SLOW)
@pytest.mark.parametrize("heuristic", ["l2", "unstructured:random"])
@pytest.mark.parametrize("visible", [None, (0, 0, 20, 20)])
def test_what_is_shown_before_a_training_is_tried_once(recovery, heuristic, visible):
    """Or the worker would be busy without end."""
    request = replace(HERE, recovery=recovery, heuristic=heuristic)
    state = opened(request, visible=visible)
    first = state.work.request
    if first != request:  # single weights leave nothing to refit
        assert first.recovery == ("refit" if heuristic == "l2" else "none")
    for _ in range(9):
        if state.work is not None:
            state = reduce(state, events.WorkFailed(state.work.number, "Too much."))
    assert state.work is None
    assert state.message.text == "Too much."
    state = reduce(state, events.RequestChanged(replace(request, sparsity=0.2)))
    assert state.message is None
    assert state.work is not None
    assert not state.failed


def test_every_event_has_a_change():
    kinds = [k for k in vars(events).values() if isinstance(k, type)]
    state = opened()
    for kind in kinds:
        if issubclass(kind, events.Event) and kind is not events.Event:
            filled = {field.name: _value(field.name) for field in fields(kind)}
            assert isinstance(reduce(state, kind(**filled)), AppState)


def _value(name):
    values = {"request": HERE, "number": 0, "place": 0, "by": -1, "lock": "free"}
    values |= {"kind": "lost", "on": True, "model": "demo", "tile": "", "call": save}
    values |= {"display": AppState().display, "message": None, "text": "No."}
    values |= {"plots": AppState().plots}
    return values.get(name)


ACTS = (
    *("move", "add", "close", "choose", "rest", "idle", "explore"),
    *("preview", "leave", "cancel", "undo", "redo", "done", "done"),
)


@dataclass
class Play:
    """Any order of events, with a worker that ends its work now and then."""

    state: AppState

    def act(self, what, number):
        request = PruneRequest(("l2", "random")[number % 2], number / 20)
        event = {
            "move": events.RequestChanged(request),
            "add": events.PaneAdded(),
            "close": events.PaneClosed(number % 4),
            "choose": events.PaneChosen(number % 4),
            "rest": events.HandRested(),
            "idle": events.IdleBegan(),
            "explore": events.ExploreSwitched(),
            "preview": events.Previewed(request),
            "leave": events.Previewed(None),
            "cancel": events.WorkCancelled(),
            "undo": events.Travelled(-1),
            "redo": events.Travelled(1),
        }.get(what)
        if event is not None:
            self.state = reduce(self.state, event)
        elif self.state.work is not None:
            work = self.state.work
            self.state = finish(self.state, answer(work))


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(ACTS),
            st.integers(0, 19),
        ),
        max_size=25,
    )
)
def test_in_any_order_of_events_every_pane_is_computed_in_the_end(acts):
    play = Play(opened())
    for what, number in acts:
        play.act(what, number)
        state = play.state
        assert 0 <= state.active < len(state.panes)
        assert state.work is None or is_awaited(state, state.work)
        assert state.work is None or state.work.purpose in PURPOSES
    state = reduce(play.state, events.Resumed())
    state = reduce(reduce(state, events.Previewed(None)), events.HandRested())
    state, _ = run(state, most=400)
    assert state.work is None
    assert all(pane.current for pane in state.panes)
    assert all(state.latency_of(pane.request) for pane in state.panes)
