"""Intents in, work and state out: the real window over the fake engine."""

from dataclasses import replace

import pytest
from conftest import is_idle
from fakes import FakeSession
from fakes import curve as size_curve
from PySide6.QtWidgets import QSlider

from app.state import events
from app.state.accepting import accept_curve
from app.state.app_state import Message
from app.state.exploring import EXPLORED, TIMED
from app.state.plot_settings import PlotSettings
from app.views.widgets.bars import Bars


def work(bench, kind):
    return [entry[1] for entry in engine_log(bench) if entry[0] == kind]


def engine_log(bench):
    return bench.engine.log


def settle(qtbot, bench):
    qtbot.waitUntil(lambda: is_idle(bench), timeout=10_000)


def test_opening_shows_tile_masks_and_latency(ready):
    state = ready.store.state
    assert state.opened.nuclei.count > 20
    assert state.current
    assert state.latency is not None
    assert [t.request for t in state.trials] == [state.request]


def test_the_newest_request_is_what_is_shown_and_measured(qtbot, ready):
    for step in range(1, 30):
        ready.controller.set_request(sparsity=step / 30)
    settle(qtbot, ready)
    state = ready.store.state
    assert state.outcome.request.sparsity == pytest.approx(29 / 30)
    assert work(ready, "measure")[-1] == state.request
    assert state.latency.request == state.request
    # Frames on the way are shown, but far from all of them are computed.
    assert 1 < len(work(ready, "prune")) < 30


def test_why_it_is_not_faster_stands_below_the_latency(qtbot, ready, monkeypatch):
    said = "Round widths to 16."
    measured = FakeSession.measure

    def measure(self, request, task):
        found = measured(self, request, task)
        slow = request.sparsity < 0.5
        return replace(found, reason=said) if slow else found

    monkeypatch.setattr(FakeSession, "measure", measure)
    shown = ready.window.controls._warning
    ready.controller.set_request(sparsity=0.3)
    settle(qtbot, ready)
    assert shown.text().startswith(said)
    ready.controller.set_request(sparsity=0.6)
    settle(qtbot, ready)
    assert said not in shown.text()


def test_counts_follow_before_the_result(ready):
    bars = ready.window.controls.findChild(Bars)
    before = bars.accessibleDescription()
    ready.controller.set_request(sparsity=0.93)
    assert not ready.store.state.current  # nothing was computed yet
    assert bars.accessibleDescription() != before
    assert "546 k of 7.80 M" in bars.accessibleDescription()


def test_a_curve_of_other_settings_is_dropped(ready):
    ready.controller.set_request(heuristic="l2")
    assert ready.store.state.curve is None
    ready.controller.set_request(heuristic="l2", recovery="bn")
    assert ready.store.state.curve is None


@pytest.mark.parametrize(
    "change",
    [{"seed": 1}, {"ratios": (("encoder.0", 0.5),)}, {"steps": 3}, {"round_to": 8}],
    ids=lambda change: next(iter(change)),
)
def test_sizes_of_another_seed_or_other_limits_are_not_taken_over(ready, change):
    """Random channels of another seed are others: their sizes differ."""
    ready.controller.set_request(heuristic="random")
    curve = size_curve(ready.store.state.request)
    assert accept_curve(ready.store.state, curve).curve is curve
    ready.controller.set_request(**change)
    assert ready.store.state.curve is None
    assert accept_curve(ready.store.state, curve).curve is None


def test_recovery_keeps_the_curve(ready):
    ready.controller.set_request(recovery="none")
    assert ready.store.state.curve is not None


def test_a_point_is_a_state(qtbot, ready):
    ready.controller.set_request(heuristic="l2", sparsity=0.9, recovery="none")
    settle(qtbot, ready)
    first = ready.store.state.trials[0].request
    ready.window.plots.pointChosen.emit(first)
    settle(qtbot, ready)
    assert ready.store.state.request == first
    assert ready.store.state.outcome.request == first
    assert ready.window.controls.findChild(QSlider).value() == round(
        first.sparsity * 1000
    )


def test_exploring_fills_the_curve_and_leaves_the_controls(qtbot, ready):
    before = ready.store.state
    ready.window.controls.exploreAsked.emit()
    settle(qtbot, ready)
    state = ready.store.state
    assert state.request == before.request
    assert state.outcome.request == before.request
    assert {t.request.sparsity for t in state.trials} >= set(EXPLORED)
    timed = {t.request.sparsity for t in state.trials if t.measured}
    assert timed == {*TIMED, before.request.sparsity}


def test_exploring_again_stops_it(qtbot, ready):
    ready.controller.dispatch(events.ExploreSwitched())
    assert ready.store.state.todo
    ready.controller.dispatch(events.ExploreSwitched())
    settle(qtbot, ready)
    assert ready.store.state.todo == ()
    assert len(ready.store.state.trials) < len(EXPLORED)


def test_moving_the_slider_goes_before_an_exploration(qtbot, ready):
    ready.controller.dispatch(events.ExploreSwitched())
    ready.controller.set_request(sparsity=0.123)
    settle(qtbot, ready)
    asked = [one.sparsity for one in work(ready, "prune")]
    assert asked.index(0.123) < asked.index(0.95)
    assert {t.request.sparsity for t in ready.store.state.trials} >= set(EXPLORED)


def test_bad_tile_keeps_what_is_open_and_says_so(qtbot, ready):
    before = ready.store.state
    ready.window.openAsked.emit("", "missing.png")
    settle(qtbot, ready)
    after = ready.store.state
    assert after.opened is before.opened
    assert after.trials == before.trials
    assert "missing.png" in ready.window.messages.text
    ready.window.messages.dismissed.emit()
    assert ready.window.messages.text == ""


def test_bad_model_after_a_good_tile_puts_the_old_tile_back(qtbot, ready):
    before = ready.store.state.opened.picture
    ready.controller.open("broken.safetensors", "other.png")
    settle(qtbot, ready)
    assert ready.store.state.opening is None
    assert ready.window.viewer.dense._picture is before
    assert ready.window.viewer.dense._masks


def test_a_failing_heuristic_is_a_sentence_and_not_the_end(qtbot, ready):
    old = ready.store.state.request
    ready.controller.set_request(heuristic="broken")
    settle_busy = lambda: ready.store.state.message is not None  # noqa: E731
    qtbot.waitUntil(settle_busy, timeout=5000)
    assert "another heuristic" in ready.window.messages.text
    ready.controller.set_request(heuristic=old.heuristic)
    settle(qtbot, ready)
    assert ready.store.state.current


def test_first_tile_that_cannot_be_opened_leaves_a_usable_window(qtbot, bench):
    bench.controller.open("demo", "missing.png")
    qtbot.waitUntil(lambda: bench.store.state.message is not None, timeout=5000)
    assert bench.store.state.opened is None
    assert not bench.store.state.busy
    bench.controller.open("demo", "")
    settle(qtbot, bench)
    assert bench.store.state.current


def test_cancel_stops_and_says_ready(qtbot, ready):
    ready.controller.dispatch(events.ExploreSwitched())
    ready.window.status.cancelAsked.emit()
    assert not ready.store.state.busy
    assert ready.store.state.todo == ()
    ready.controller.set_request(sparsity=0.66)
    settle(qtbot, ready)
    assert ready.store.state.current


def test_another_tile_starts_new_plots(qtbot, ready):
    ready.window.openAsked.emit("", "other.png")
    settle(qtbot, ready)
    state = ready.store.state
    assert state.opened.source.name == "other.png"
    assert state.opened.model.source == "demo"
    assert len(state.trials) == 1


def test_next_nucleus_goes_round(qtbot, ready):
    ready.controller.set_request(sparsity=0.9)
    settle(qtbot, ready)
    places = ready.store.state.outcome.changes.places("lost")
    viewer = ready.window.viewer
    for index in (*range(len(places)), 0):
        ready.window.nuclei.kindChosen.emit("lost")
        camera = viewer.dense.camera
        assert (camera.x, camera.y) == pytest.approx(tuple(places[index]))
        assert viewer.pruned.camera == camera


def test_undo_and_redo(qtbot, ready):
    first = ready.store.state.request
    second = replace(first, sparsity=0.8, recovery="none")
    ready.controller.go_to(second)
    settle(qtbot, ready)
    assert ready.window.command("edit.undo").isEnabled()
    assert not ready.window.command("edit.redo").isEnabled()
    ready.window.command("edit.undo").trigger()
    settle(qtbot, ready)
    assert ready.store.state.request == first
    assert not ready.window.command("edit.undo").isEnabled()
    ready.window.command("edit.redo").trigger()
    settle(qtbot, ready)
    assert ready.store.state.request == second


def test_display_never_computes(qtbot, ready):
    before = list(engine_log(ready))
    for what in ("visible", "visible", "fill", "difference", "truth"):
        ready.window.asked.emit(events.DisplayToggled(what))
    ready.window.viewer.opacityChosen.emit(0.4)
    ready.window.plots.settingsChosen.emit(PlotSettings(score="pq"))
    settle(qtbot, ready)
    display = ready.store.state.display
    assert (display.overlay, display.visible) == ("difference", True)
    assert (display.opacity, display.metric, display.truth) == (0.4, "pq", True)
    assert engine_log(ready) == before


def test_exporting(qtbot, ready, tmp_path):
    ready.window.exportAsked.emit("model", str(tmp_path / "m.safetensors"))
    qtbot.waitUntil(lambda: bool(work(ready, "export")), timeout=5000)
    settle(qtbot, ready)
    assert "Saved the pruned model" in ready.window.messages.text
    ready.window.exportAsked.emit("points", str(tmp_path / "t.csv"))
    assert (tmp_path / "t.csv").read_text().startswith("model,tile,seed,")
    ready.window.exportAsked.emit("picture", str(tmp_path / "w.png"))
    assert (tmp_path / "w.png").stat().st_size > 10_000
    ready.window.exportAsked.emit("points", str(tmp_path / "nowhere" / "t.csv"))
    assert "choose another place" in ready.window.messages.text


def test_closing_while_working_ends_the_worker(qtbot, bench):
    bench.controller.open("demo", "")
    bench.window.close()
    assert not bench.runner.busy


def test_message_kinds(ready):
    ready.controller.tell(Message("Look here.", "line 1", "warning"))
    assert ready.window.messages.text == "Look here."
    assert not ready.window.messages._copy.isHidden()


def test_labels_are_opened_for_the_tile_on_show(qtbot, ready):
    ready.window.labelsAsked.emit("truth.png")
    assert "Open a tile from a file first" in ready.window.messages.text
    ready.controller.open("", "other.png")
    settle(qtbot, ready)
    ready.window.labelsAsked.emit("truth.png")
    settle(qtbot, ready)
    assert ("open", "demo", "other.png|truth.png") in engine_log(ready)
