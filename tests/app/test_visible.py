"""What is on screen is computed first: the state, the panes' words and masks."""

from dataclasses import replace
from functools import cache

import fakes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_scheduling import HERE, OPENED, OTHER, finish, outcome

from app.controllers.presenter.heads import dense_head, pruned_heads
from app.controllers.presenter.masks import pair
from app.state import events
from app.state.app_state import AppState, Pane
from app.state.display import Display
from app.state.reduce import reduce
from app.state.scheduling import lacks_part, schedule
from core.metrics import nucleus_changes
from core.results import Part
from core.types import Prediction

SIZE = (256, 256)
LEFT, RIGHT = (0, 0, 128, 256), (128, 0, 128, 256)
CORNER = (40, 60, 64, 32)
LARGE = replace(OPENED, patches=4)


def moved(sparsity):
    return replace(HERE, sparsity=sparsity)


@cache
def part_of(request, *done, patches=(1, 4), whole=True):
    """A result of a part of the tile, as the worker makes it."""
    part = Part(done, SIZE, whole, patches)
    x, y, width, height = part.box
    cut = {}
    for name, labels in (
        ("dense", OPENED.prediction.labels),
        ("pruned", outcome(request).prediction.labels),
    ):
        own = fakes._compact(labels[y : y + height, x : x + width])
        drawn = fakes.nuclei_from(own)
        centres = np.add(drawn.centres, (x, y))
        cut[name] = own, replace(drawn, centres=centres, part=part)
    dense, pruned = cut["dense"], cut["pruned"]
    return replace(
        outcome(request),
        part=part,
        prediction=Prediction(pruned[0], pruned[1].classes),
        before=Prediction(dense[0], dense[1].classes),
        nuclei=pruned[1],
        dense=dense[1],
        changes=nucleus_changes(
            dense[0], pruned[0], dense[1].classes, pruned[1].classes
        ),
    )


def opened(*requests, tile=LARGE, **changes):
    panes = tuple(map(Pane, requests or (HERE,)))
    return schedule(AppState(opened=tile, panes=panes, **changes))


def publish(state, value):
    return reduce(state, events.Published(state.work.number, value))


def test_all_of_a_small_tile_is_computed_at_once():
    assert not opened(tile=OPENED).work.visible


def test_what_is_on_screen_of_a_small_tile_comes_first():
    work = opened(tile=OPENED, visible=CORNER).work
    assert (work.purpose, work.visible) == ("frame", True)


def test_the_rest_waits_for_a_hand_that_rests():
    state = opened(visible=CORNER, resting=False)
    assert state.work.visible
    state = finish(state, part_of(HERE, CORNER))
    assert state.work is None
    assert not state.current
    state = reduce(state, events.HandRested())
    assert (state.work.purpose, state.work.visible) == ("frame", False)
    state = finish(state, outcome(HERE))
    assert state.current
    assert len(state.trials) == 1


def test_a_part_is_no_point_of_the_plots_and_no_result_to_go_back_to():
    state = finish(opened(visible=CORNER), part_of(HERE, CORNER))
    assert state.outcome.part is not None
    assert not state.trials
    assert not state.recent


def test_every_pane_shows_what_is_on_screen_before_any_is_done():
    state, done = opened(HERE, OTHER, visible=CORNER), []
    while len(done) < 4:
        work = state.work
        done.append((work.purpose, work.visible))
        found = part_of if work.visible else lambda request, _: outcome(request)
        state = finish(state, found(work.request, CORNER))
    assert done == [("frame", True), ("pane", True), ("frame", False), ("pane", False)]


def test_a_slider_that_moves_ends_the_rest_but_not_what_is_on_screen():
    state = opened(visible=CORNER)
    first = state.work
    state = reduce(state, events.RequestChanged(moved(0.6)))
    assert state.work is first  # a frame of a drag is shown before the next begins
    state = finish(state, part_of(HERE, CORNER))
    assert state.outcome.request == HERE
    assert (state.work.request, state.work.visible) == (moved(0.6), True)
    state = finish(state, part_of(moved(0.6), CORNER))
    state = reduce(state, events.HandRested())
    assert not state.work.visible
    state = reduce(state, events.RequestChanged(moved(0.7)))
    assert (state.work.request, state.work.visible) == (moved(0.7), True)


def test_once_a_patch_is_shown_the_next_position_need_not_wait_for_the_others():
    state = opened()
    assert state.work.visible
    state = publish(state, part_of(HERE, LEFT, whole=False))
    assert state.outcome.part.done == (LEFT,)
    state = reduce(state, events.RequestChanged(moved(0.6)))
    assert state.work.request == moved(0.6)


def test_the_middle_of_a_tile_in_one_pass_does_not_end_the_pass():
    state = opened(tile=OPENED)
    first = state.work
    middle = part_of(HERE, (64, 64, 128, 128), patches=(0, 1), whole=False)
    state = publish(state, middle)
    state = reduce(state, events.RequestChanged(moved(0.6)))
    assert state.work is first


def test_panning_at_rest_computes_what_has_come_on_screen():
    state = finish(opened(visible=CORNER), part_of(HERE, CORNER))
    assert not state.work.visible
    state = reduce(state, events.Looked((150, 100, 40, 40)))
    assert state.work.visible
    state = finish(state, part_of(HERE, (150, 100, 40, 40)))
    assert not state.work.visible


def test_a_finished_result_is_never_replaced_by_a_part():
    state = finish(opened(tile=OPENED), outcome(HERE))
    assert state.current
    state = reduce(state, events.Looked(CORNER))
    assert state.current
    assert not lacks_part(state, HERE, state.outcome)


@pytest.mark.parametrize("seen", [(0, 0, 4000, 3000), (900, 900, 50, 50)])
def test_what_was_on_screen_of_a_larger_tile_is_not_waited_for(seen):
    state = replace(opened(), visible=seen)
    nearest = (255, 255, 1, 1) if seen[0] else (0, 0, *SIZE)
    assert lacks_part(state, HERE, None)
    assert not lacks_part(state, HERE, part_of(HERE, nearest))


def test_cancel_keeps_the_part_that_is_there():
    state = publish(opened(), part_of(HERE, LEFT, whole=False))
    state = reduce(state, events.WorkCancelled())
    assert state.work is None
    assert state.drawn(state.pane) is state.outcome
    state = reduce(state, events.Resumed())
    assert state.work is not None


@given(
    st.lists(
        st.tuples(
            st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9)
        ),
        min_size=1,
        max_size=5,
    ),
    st.tuples(
        st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9)
    ),
)
def test_parts_count_pixels_once(done, asked):
    pixels = np.zeros((18, 18), bool)
    for x, y, width, height in done:
        pixels[y : y + height, x : x + width] = True
    part = Part(tuple(done), (18, 18))
    x, y, width, height = asked
    assert part.pixels == pixels.sum()
    assert part.covers(asked) == pixels[y : y + height, x : x + width].all()


@pytest.mark.parametrize(
    ("mpp", "words"),
    [(0.25, "visible part, 0.0001 of 0.0041 mm²"), (None, "visible part, 3 %")],
)
def test_counts_and_scores_say_over_which_part_they_are(mpp, words):
    tile = replace(LARGE, picture=replace(LARGE.picture, mpp=mpp))
    state = finish(opened(tile=tile, visible=CORNER), part_of(HERE, CORNER))
    head = pruned_heads(state)[0]
    assert words in head.notes[0]
    state = reduce(state, events.HandRested())
    whole = pruned_heads(finish(state, outcome(HERE)))[0]
    assert "part" not in whole.notes[0]


def test_both_panes_show_the_difference_of_the_same_part():
    found = part_of(HERE, CORNER)
    dense, pruned = pair(LARGE, found, Display(overlay="difference"))
    for mask in (*dense, *pruned):
        assert mask.part is found.part
        assert mask.levels[0].shape == (CORNER[3], CORNER[2])
        assert mask.origin == CORNER[:2]


def test_a_part_is_asked_for_by_no_classifier():
    patch = replace(LARGE, model=replace(LARGE.model, task="patch"))
    assert not opened(tile=patch, visible=CORNER).work.visible


def dense_part(*done):
    """The tile as it is open while the dense model has seen a part of it."""
    found = part_of(replace(HERE, sparsity=0.0), *done, whole=False)
    return replace(LARGE, prediction=found.before, nuclei=found.dense, part=found.part)


def test_the_dense_model_sees_the_rest_after_what_is_on_screen_of_every_pane():
    state, done = opened(HERE, OTHER, tile=dense_part(CORNER), visible=CORNER), []
    for value in (part_of(HERE, CORNER), part_of(OTHER, CORNER), LARGE):
        done.append((state.work.purpose, state.work.visible))
        state = finish(state, value)
    assert done == [("frame", True), ("pane", True), ("dense", False)]
    assert state.opened.part is None
    assert (state.work.purpose, state.work.visible) == ("frame", False)


def test_the_dense_model_waits_for_a_hand_that_rests_and_gives_way_to_the_slider():
    state = opened(tile=dense_part(CORNER), visible=CORNER, resting=False)
    state = finish(state, part_of(HERE, CORNER))
    assert state.work is None
    state = reduce(state, events.HandRested())
    assert state.work.purpose == "dense"
    state = reduce(state, events.RequestChanged(moved(0.6)))
    assert (state.work.purpose, state.work.visible) == ("frame", True)


def test_more_of_the_dense_model_leaves_panes_and_settings_as_they_are():
    state = opened(tile=dense_part(CORNER), visible=CORNER)
    state = finish(state, part_of(HERE, CORNER))
    more = dense_part(LEFT)
    grown = publish(state, more)
    assert grown.opened is more
    assert grown.panes is state.panes
    assert grown.work is state.work
    assert "centre" in dense_head(grown).notes[0]
    other = replace(more, session=object())  # of a tile that was left meanwhile
    assert publish(state, other).opened is state.opened
