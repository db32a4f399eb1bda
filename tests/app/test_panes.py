"""Side by side: panes, locks, preview and baseline, through the real window."""

import threading
from dataclasses import replace

import fakes
import numpy as np
import pytest
import torch
from conftest import is_idle
from finding import captioned, named, said, segments
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QComboBox, QSlider

from app import bootstrap
from app.controllers import controller
from app.state import events
from app.state.accepting import MOST_BYTES, let_go
from app.state.app_state import MOST, AppState, Pane, showing, with_panes
from app.state.exploring import BASELINE, EXPLORED, baseline_of
from app.state.locks import followed, speedup_at
from app.state.panes import find_arrangement, next_pane
from app.state.values import RawMap
from app.views.widgets.fitting import FittingLabel
from app.views.widgets.pane_frame import Head, PaneFrame
from app.views.widgets.pane_grid import best_columns
from core.images.samples import load_sample
from core.results import HeuristicInfo
from core.tables import RECOVERIES
from core.types import SIZES, PruneRequest


@pytest.fixture
def shown(qtbot, ready):
    ready.window.resize(1280, 800)
    ready.window.show()
    ready.window.activateWindow()
    qtbot.waitUntil(ready.window.isActiveWindow, timeout=5000)
    return ready


def settle(qtbot, bench):
    qtbot.waitUntil(lambda: is_idle(bench), timeout=10_000)


def opened_with(qtbot, bench, count):
    while len(bench.store.state.panes) < count:
        add = captioned(bench.window.controls, "+ Add pane")
        qtbot.mouseClick(add, Qt.MouseButton.LeftButton)
    settle(qtbot, bench)
    return bench.store.state


def frames(bench):
    return bench.window.viewer.findChildren(PaneFrame)


def views(bench):
    return bench.window.viewer.panes


def test_add_opens_the_next_heuristic_beside_and_edits_it(qtbot, shown):
    first = shown.store.state.request
    state = opened_with(qtbot, shown, 2)
    assert state.active == 1
    assert state.panes[0].request == first
    assert state.request == replace(first, heuristic="l2")
    assert all(pane.current for pane in state.panes)
    assert [view.isVisible() for view in views(shown)] == [True] * 3
    assert shown.window.controls.findChild(QComboBox).currentData() == "l2"


def test_the_baseline_is_the_last_to_be_offered_and_four_are_all(qtbot, shown):
    state = opened_with(qtbot, shown, MOST)
    assert [pane.request.heuristic for pane in state.panes[:3]] == [
        "reconstruction",
        "l2",
        "random",
    ]
    assert not captioned(shown.window.controls, "+ Add pane").isEnabled()
    shown.controller.dispatch(events.PaneAdded())
    assert len(shown.store.state.panes) == MOST


def test_controls_edit_the_active_pane_and_no_other(qtbot, shown):
    opened_with(qtbot, shown, 3)
    before = shown.store.state.panes
    qtbot.mouseClick(views(shown)[1], Qt.MouseButton.LeftButton)
    assert shown.store.state.active == 0
    shown.window.controls.findChild(QSlider).setValue(870)
    settle(qtbot, shown)
    after = shown.store.state.panes
    assert after[0].request == replace(before[0].request, sparsity=0.87)
    assert [pane.request for pane in after[1:]] == [p.request for p in before[1:]]
    assert after[0].outcome.request == after[0].request
    assert [p.outcome is q.outcome for p, q in zip(before, after, strict=True)] == [
        False,
        True,
        True,
    ]


def test_digits_choose_a_pane_and_ctrl_w_closes_it(qtbot, shown):
    opened_with(qtbot, shown, 3)
    kept = [pane.request for pane in shown.store.state.panes]
    qtbot.keyClick(shown.window, Qt.Key.Key_2)
    assert shown.store.state.active == 1
    qtbot.keyClick(shown.window, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    settle(qtbot, shown)
    assert [p.request for p in shown.store.state.panes] == [kept[0], kept[2]]
    assert len(views(shown)) == 3
    shown.controller.dispatch(events.PaneClosed())
    shown.controller.dispatch(events.PaneClosed())
    assert len(shown.store.state.panes) == 1  # the last one stays


def test_undo_and_redo_bring_back_panes_their_settings_and_the_lock(qtbot, shown):
    first = shown.store.state.request
    opened_with(qtbot, shown, 2)
    shown.window.controls.findChild(QSlider).setValue(870)
    settle(qtbot, shown)
    shown.window.controls.lockChosen.emit("sparsity")
    settle(qtbot, shown)
    locked = find_arrangement(shown.store.state)
    assert {one.sparsity for one in locked.requests} == {0.87}
    seen = []
    for _ in range(3):
        shown.window.command("edit.undo").trigger()
        settle(qtbot, shown)
        seen.append(find_arrangement(shown.store.state))
    second = replace(first, heuristic="l2")
    assert [(one.requests, one.lock) for one in seen] == [
        ((first, replace(second, sparsity=0.87)), "free"),
        ((first, second), "free"),
        ((first,), "free"),
    ]
    assert not shown.window.command("edit.undo").isEnabled()
    assert len(views(shown)) == 2
    for _ in range(3):
        shown.window.command("edit.redo").trigger()
        settle(qtbot, shown)
    assert find_arrangement(shown.store.state) == locked
    assert all(pane.current for pane in shown.store.state.panes)
    assert not shown.window.command("edit.redo").isEnabled()


def test_undo_takes_back_what_was_not_rested_on_yet(qtbot, shown):
    before = shown.store.state.request
    shown.controller.set_request(sparsity=0.33)
    shown.window.command("edit.undo").trigger()
    settle(qtbot, shown)
    assert shown.store.state.request == before


def test_a_pane_that_fails_says_so_once_and_is_left_alone(qtbot, shown):
    opened_with(qtbot, shown, 2)
    messages = []
    shown.store.changed.connect(
        lambda old, new: (
            messages.append(new.message) if new.message is not old.message else None
        )
    )
    shown.controller.set_request(heuristic="broken")
    settle(qtbot, shown)
    sentence = "This cannot be pruned: choose another heuristic."
    frame = frames(shown)[2]
    assert said(frame) == [sentence]
    assert shown.store.state.seen is None  # no masks of other settings
    assert [message.text for message in messages] == [sentence]
    shown.controller.dispatch(events.PaneChosen(0))
    shown.controller.tell(None)
    settle(qtbot, shown)
    tries = list(shown.store.state.failed)
    for value in (610, 620, 630):
        shown.window.controls.findChild(QSlider).setValue(value)
        settle(qtbot, shown)
        assert shown.store.state.pane.current
    assert [message.text for message in messages if message] == [sentence]
    assert list(shown.store.state.failed) == tries
    assert said(frame) == [sentence]
    assert shown.store.state.latency is not None  # the others are measured


def test_a_pane_that_failed_works_again_with_other_settings(qtbot, shown):
    opened_with(qtbot, shown, 2)
    shown.controller.set_request(heuristic="broken")
    settle(qtbot, shown)
    shown.controller.set_request(heuristic="random")
    settle(qtbot, shown)
    assert shown.store.state.current
    assert not shown.store.state.failed
    assert said(frames(shown)[2]) == []


def test_a_point_without_repair_is_gone_back_to_as_it_was(ready):
    ready.controller.set_request(heuristic="unstructured:magnitude")
    point = PruneRequest("l2", 0.4, recovery="none")
    ready.controller.go_to(point)
    assert ready.store.state.request.recovery == "none"


def test_a_further_pane_compares_like_with_like(ready):
    opened = ready.store.state.opened
    names = ("l2", "unstructured:magnitude", "random", "unstructured:taylor")
    opened = replace(opened, heuristics=tuple(HeuristicInfo(n, n, "") for n in names))
    state = replace(ready.store.state, opened=opened)

    def after(*shown):
        panes = tuple(Pane(PruneRequest(name, 0.5)) for name in shown)
        return next_pane(with_panes(state, panes, 0)).request.heuristic

    assert after("l2") == "random"
    assert after("unstructured:magnitude") == "unstructured:taylor"
    assert after("l2", "random") == "unstructured:magnitude"


def test_single_weights_bring_a_repair_that_goes_with_them(qtbot, shown):
    controls = shown.window.controls
    shown.controller.set_request(recovery="sequential", count="macs")
    shown.controller.set_request(heuristic="unstructured:magnitude")
    request = shown.store.state.request
    assert (request.recovery, request.count) == ("none", "params")
    buttons = segments(controls, "Recovery")
    allowed = {key: buttons[row.short].isEnabled() for key, row in RECOVERIES.items()}
    assert {key for key, may in allowed.items() if not may} == {"refit", "sequential"}
    greyed = list(buttons.values())[2]
    assert "unstructured" in greyed.toolTip()
    shown.controller.set_request(heuristic="l2")
    assert shown.store.state.request.recovery == "refit"
    assert greyed.isEnabled()
    assert "closed form" in greyed.toolTip()
    settle(qtbot, shown)


def test_a_pane_is_closed_by_its_button(qtbot, shown):
    opened_with(qtbot, shown, 3)
    kept = [pane.request for pane in shown.store.state.panes]
    close = named(shown.window, "Close pruned model's nuclei, pane 1")
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    settle(qtbot, shown)
    assert [p.request for p in shown.store.state.panes] == kept[1:]
    assert shown.store.state.request == kept[2]  # what was active still is


def test_all_panes_pan_and_zoom_together(qtbot, shown):
    opened_with(qtbot, shown, 4)
    view = views(shown)[2]
    view.zoom(3.0)
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(view, left, pos=QPoint(60, 60))
    qtbot.mouseMove(view, QPoint(90, 40))
    qtbot.mouseRelease(view, left, pos=QPoint(90, 40))
    assert len(views(shown)) == 5
    assert {one.camera for one in views(shown)} == {view.camera}


def test_panes_draw_their_own_nuclei(qtbot, shown):
    opened_with(qtbot, shown, 2)
    shown.controller.set_request(sparsity=0.95)
    settle(qtbot, shown)
    counts = [pane.outcome.nuclei.count for pane in shown.store.state.panes]
    assert counts[1] < counts[0]
    drawn = [int(view.masks[0].levels[0].max()) for view in views(shown)[1:]]
    assert drawn == counts


def test_same_sparsity_moves_all_panes(qtbot, shown):
    opened_with(qtbot, shown, 3)
    shown.window.controls.lockChosen.emit("sparsity")
    for value in (300, 510, 720):
        shown.window.controls.findChild(QSlider).setValue(value)
    settle(qtbot, shown)
    state = shown.store.state
    assert {pane.request.sparsity for pane in state.panes} == {0.72}
    assert all(pane.current for pane in state.panes)
    assert len({pane.request.heuristic for pane in state.panes}) == 3
    shown.window.controls.lockChosen.emit("free")
    shown.window.controls.findChild(QSlider).setValue(100)
    assert {p.request.sparsity for p in shown.store.state.panes[:-1]} == {0.72}


def test_same_latency_finds_the_sparsity_that_is_as_fast(qtbot, shown):
    opened_with(qtbot, shown, 2)
    shown.controller.set_request(scope="encoder")
    settle(qtbot, shown)
    shown.window.controls.lockChosen.emit("latency")
    shown.window.controls.findChild(QSlider).setValue(800)
    settle(qtbot, shown)
    state = shown.store.state
    speeds = [speedup_at(state, pane) for pane in state.panes]
    assert speeds[0] == pytest.approx(speeds[1], rel=0.05)
    assert all(pane.current for pane in state.panes)


def curve_of(request, share):
    """Sizes along a slider whose whole range removes ``share`` of the work."""

    return fakes.curve(request, share)


@given(
    st.floats(0, 0.99),
    st.floats(0.3, 1.0),
    st.floats(0.3, 1.0),
)
def test_a_latency_lock_matches_or_goes_as_far_as_it_can(sparsity, mine, other):
    one, two = PruneRequest("l2", sparsity), PruneRequest("random", 0.5)
    panes = Pane(one), Pane(two)
    curves = curve_of(one, mine), curve_of(two, other)
    opened = _Opened()
    state = AppState(
        opened=opened,
        lock="latency",
        panes=panes,
        curves={curve.request.key(without=SIZES): curve for curve in curves},
    )
    moved = followed(state)
    assert moved[0].request == one
    reached = moved[1].request.sparsity
    wanted = mine * sparsity / other
    assert reached == pytest.approx(min(wanted, 0.99), abs=0.002)


def showing_preview(bench):
    preview = bench.store.state.preview
    return preview is not None and preview.outcome is not None


def work(bench, kind):
    return [entry[1] for entry in bench.engine.log if entry[0] == kind]


class _Opened:
    counts = fakes.DENSE
    heuristics = fakes.HEURISTICS


# What the offscreen platform says of any window, and of the tooltip.
@pytest.mark.qt_log_ignore("propagateSizeHints", "does not support raise")
def test_a_point_under_the_pointer_is_previewed_and_leaving_restores(qtbot, shown):
    shown.controller.set_request(sparsity=0.9)
    settle(qtbot, shown)
    state = shown.store.state
    first = state.trials[0].request
    view = shown.window.viewer.pruned
    own = view.masks
    frame = shown.window.plots.frames["accuracy"]
    qtbot.waitUntil(lambda: frame.view is not None, timeout=20_000)

    def found():
        return next((p for p in frame.view.chart.points if p.key == first), None)

    qtbot.waitUntil(lambda: found() is not None, timeout=5000)
    place = frame.view.pixel(found().x, found().y)
    qtbot.mouseMove(frame.view.viewport(), place)
    qtbot.waitUntil(lambda: showing_preview(shown), timeout=5000)
    assert shown.store.state.preview.request == first
    assert shown.store.state.request.sparsity == 0.9  # the controls stay
    assert view.masks[0].levels is shown.store.state.seen.nuclei.levels
    qtbot.mouseMove(frame.view.viewport(), QPoint(2, 2))
    qtbot.waitUntil(lambda: shown.store.state.preview is None, timeout=5000)
    assert view.masks == own


def test_a_point_that_is_not_remembered_is_computed_for_its_preview(qtbot, shown):
    asked = replace(shown.store.state.request, sparsity=0.77, heuristic="l2")
    shown.window.plots.pointHovered.emit(asked)
    qtbot.waitUntil(lambda: showing_preview(shown), timeout=5000)
    assert shown.store.state.preview.request == asked
    shown.window.plots.pointHovered.emit(None)
    settle(qtbot, shown)
    assert shown.store.state.preview is None
    assert shown.store.state.current


def test_random_is_filled_in_when_nothing_else_is_to_do(qtbot, ready, monkeypatch):
    ready.controller.set_request(scope="layer")
    settle(qtbot, ready)
    ready.controller.dispatch(events.IdleBegan())
    missing = baseline_of(ready.store.state)
    assert {one.sparsity for one in missing} == set(BASELINE)

    def filled():
        return is_idle(ready) and not baseline_of(ready.store.state)

    qtbot.waitUntil(filled, timeout=10_000)
    tried = {trial.request for trial in ready.store.state.trials}
    assert tried >= set(missing)
    assert {one.scope for one in missing} == {"layer"}
    assert ready.store.state.request.heuristic == "reconstruction"
    ready.window.show()  # charts that nobody sees are not made
    legend = ready.window.plots.legend

    def named():
        return any("(baseline)" in name for name in legend.names)

    qtbot.waitUntil(named, timeout=5000)
    assert controller.IDLE_MS > 0


def test_exploring_fills_the_baseline_too(qtbot, ready):
    ready.controller.dispatch(events.ExploreSwitched())
    settle(qtbot, ready)
    assert baseline_of(ready.store.state) == ()
    assert {t.request.sparsity for t in ready.store.state.trials} >= set(EXPLORED)


def test_panes_of_another_tile_are_computed_again(qtbot, shown):
    opened_with(qtbot, shown, 3)
    before = [pane.request for pane in shown.store.state.panes]
    shown.controller.open("", "other.png")
    settle(qtbot, shown)
    state = shown.store.state
    assert [pane.request for pane in state.panes] == before
    assert all(pane.current for pane in state.panes)


def test_switching_panes_during_a_drag_mixes_nothing_up(qtbot, shown):
    opened_with(qtbot, shown, 3)
    for step in range(12):
        shown.controller.dispatch(events.PaneChosen(step % 3))
        shown.controller.set_request(sparsity=round(0.3 + step / 50, 3))
    settle(qtbot, shown)
    state = shown.store.state
    assert [p.request.sparsity for p in state.panes] == [0.48, 0.5, 0.52]
    assert all(pane.current for pane in state.panes)


def test_no_head_is_cut_off_at_the_smallest_size(qtbot, shown):
    for count in (2, 3, 4):
        opened_with(qtbot, shown, count)
        QApplication.processEvents()
        for frame in frames(shown)[: count + 1]:
            for label in frame.findChildren(FittingLabel):
                needed = label.fontMetrics().horizontalAdvance(label.wording)
                assert needed <= label.width(), label.wording


@given(
    st.integers(1, 5),
    st.integers(200, 4000),
    st.integers(200, 2200),
    st.floats(0.3, 3),
)
def test_columns_make_tiles_about_as_large_as_can_be(count, width, height, aspect):
    def scale(columns):
        rows = -(-count // columns)
        return min(width / columns / aspect, height / rows - 46)

    found = best_columns(count, (width, height), aspect)
    assert 1 <= found <= count
    assert scale(found) >= max(map(scale, range(1, count + 1))) - 12


def test_the_newest_results_are_remembered_up_to_a_size(ready):
    outcome = ready.store.state.outcome
    one = sum(level.nbytes for level in outcome.nuclei.levels)
    most = MOST_BYTES // one
    many = tuple(
        replace(outcome, request=PruneRequest("l2", step / 1000))
        for step in range(most + 5)
    )
    kept = let_go(replace(ready.store.state, recent=many)).recent
    assert kept == many[-most:]
    huge = replace(outcome, raw={"foreground": RawMap((np.zeros(MOST_BYTES, "u1"),))})
    assert let_go(replace(ready.store.state, recent=(*many, huge))).recent == (huge,)


def test_a_result_that_is_used_again_is_let_go_last(qtbot, ready):
    first = ready.store.state.request
    for sparsity in (0.2, 0.4, first.sparsity):
        ready.controller.set_request(sparsity=sparsity)
        settle(qtbot, ready)
    assert ready.store.state.recent[-1].request == first
    assert work(ready, "prune").count(first) == 1


def test_a_pane_more_than_there_are_heuristics_repeats_the_active_one():
    panes = tuple(
        Pane(PruneRequest(name, 0.5)) for name in ("reconstruction", "l2", "random")
    )
    state = AppState(opened=_Opened(), panes=panes, active=1)
    assert next_pane(state).request == panes[1].request


def test_frames_asked_for_before_the_worker_is_free_are_not_waited_for(qtbot, ready):
    # An interrupted job still holds the worker: what follows it has not begun,
    # and is replaced although it was first in the queue.
    gate = threading.Event()
    ready.runner.start(-1, lambda _: gate.wait(10))
    ready.controller.dispatch(events.PaneAdded())
    ready.controller.set_request(sparsity=0.6)
    ready.controller.set_request(sparsity=0.7)
    gate.set()
    settle(qtbot, ready)
    assert ready.store.state.outcome.request.sparsity == 0.7


@pytest.mark.slow
def test_three_panes_with_the_real_engine(qtbot, settings, tmp_path):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    pixels = load_sample("synthetic").tile.pixels[:128, :128]
    Image.fromarray(pixels).save(tmp_path / "tile.png")
    state = showing(PruneRequest("l2", 0.6, recovery="none"))
    bench = bootstrap.build(settings, state=state)
    bench.controller.open("demo", str(tmp_path / "tile.png"))
    qtbot.waitUntil(lambda: is_idle(bench), timeout=120_000)
    bench.controller.dispatch(events.PaneAdded())
    bench.controller.set_request(heuristic="l1", scope="encoder")
    bench.controller.dispatch(events.PaneAdded())
    bench.controller.set_request(heuristic="random")
    bench.controller.dispatch(events.LockChosen("sparsity"))
    bench.controller.set_request(sparsity=0.4)
    qtbot.waitUntil(lambda: is_idle(bench), timeout=120_000)
    state = bench.store.state
    assert state.message is None
    assert all(pane.current for pane in state.panes)
    assert {pane.request.sparsity for pane in state.panes} == {0.4}
    # Each pane is its own model: different channels, other counts, own intervals.
    widths = [tuple(pane.outcome.widths.values()) for pane in state.panes]
    assert len(set(widths)) == 3
    for pane in state.panes:
        low, high = pane.outcome.intervals["aji"]
        assert low <= pane.outcome.agreement["aji"] <= high
    assert all(state.latency_of(pane.request) for pane in state.panes)
    bench.window.close()
    bench.window.deleteLater()
    torch.set_num_threads(before)


def test_a_title_is_never_cut(qtbot):
    frame = PaneFrame("A pane")
    qtbot.addWidget(frame)
    frame.set_head(Head(("Pruned",), ("320 nuclei of 314 · AJI 0.917 against dense",)))
    frame.resize(260, 200)
    frame.show()
    title, _ = frame.findChildren(FittingLabel)
    assert title.fontMetrics().horizontalAdvance("Pruned") <= title.width()
