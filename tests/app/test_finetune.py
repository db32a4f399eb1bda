"""Recovery by training in the window: previews, live masks, stopping."""

from dataclasses import replace

import pytest
from conftest import is_idle
from fakes import FakeSession
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from app.state import events
from core.tables import RECOVERIES

LOSS = "training, loss 0.1234, about 5 s left"


@pytest.fixture
def slow(monkeypatch):
    """A session whose fine-tuning goes on until it is told to end, or stopped."""
    plain, gate = FakeSession.prune, {"open": False, "begun": []}

    def prune(self, request, task):
        found = plain(self, request, task)
        if request.recovery == "finetune":
            gate["begun"].append(request)
            task.publish(found)
            while not gate["open"] and not task.finishing:
                task.step(1, 10, LOSS)
            reason = "stopped" if task.finishing else "patience"
            summary = {"reason": reason, "steps": 29, "best_step": 0}
            return replace(found, training=summary)
        return found

    monkeypatch.setattr(FakeSession, "prune", prune)
    yield gate
    gate["open"] = True


def trains(bench, gate):
    begun = gate["begun"]
    return bool(begun) and bench.store.state.outcome.request == begun[-1]


def start(qtbot, bench, gate):
    """Choose fine-tuning, wait for the refitted model, and press Start."""
    bench.controller.set_request(recovery="finetune", sparsity=0.7)
    qtbot.waitUntil(lambda: is_idle(bench), timeout=10_000)
    act(qtbot, bench, "Start training")
    qtbot.waitUntil(lambda: trains(bench, gate), timeout=10_000)


def button(bench):
    buttons = bench.window.controls.training.findChildren(QPushButton)
    return next(b for b in buttons if b.accessibleName().startswith("Start, stop"))


def act(qtbot, bench, caption):
    assert button(bench).text() == caption
    qtbot.mouseClick(button(bench), Qt.MouseButton.LeftButton)


def test_it_can_be_chosen_and_says_what_it_does():
    tips = {key: row.tip for key, row in RECOVERIES.items()}
    assert "without labels" in tips["finetune"]


def test_nothing_is_trained_before_it_is_started(qtbot, ready, slow):
    ready.controller.set_request(recovery="finetune", sparsity=0.7)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    state = ready.store.state
    assert slow["begun"] == []
    assert state.outcome.request == replace(state.request, recovery="refit")
    assert button(ready).text() == "Start training"


def test_masks_and_loss_are_live(qtbot, ready, slow):
    start(qtbot, ready, slow)
    qtbot.waitUntil(
        lambda: "loss" in getattr(ready.store.state.step, "what", ""), timeout=10_000
    )
    state = ready.store.state
    assert state.busy
    assert state.outcome.request == state.request
    tried = {trial.request for trial in state.trials}
    assert state.request not in tried, "no point before the training is over"
    slow["open"] = True
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    assert ready.store.state.request in {t.request for t in ready.store.state.trials}
    assert len(slow["begun"]) == 1
    assert button(ready).text() == "Trained"


def test_a_drag_shows_refitted_models_and_trains_nothing(qtbot, ready, slow):
    slow["open"] = True
    ready.controller.set_request(recovery="finetune")
    for sparsity in (0.5, 0.55, 0.6, 0.65):
        ready.controller.set_request(sparsity=sparsity)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    assert slow["begun"] == []
    shown = ready.store.state.outcome.request
    assert (shown.sparsity, shown.recovery) == (0.65, "refit")


def test_moving_on_does_not_wait_for_the_training(qtbot, ready, slow):
    start(qtbot, ready, slow)
    ready.controller.set_request(recovery="refit")
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    assert ready.store.state.outcome.request.recovery == "refit"


def test_a_result_of_a_training_that_was_left_is_shown_nowhere(qtbot, ready, slow):
    start(qtbot, ready, slow)
    tuned = ready.store.state.request
    ready.controller.set_request(sparsity=0.4)
    ready.controller.go_to(tuned)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    assert ready.store.state.outcome.request.recovery == "refit"
    assert len(slow["begun"]) == 1


@pytest.mark.parametrize("how", ["button", "status bar"])
def test_stop_keeps_the_best_weights_shows_them_and_goes_on(qtbot, ready, slow, how):
    start(qtbot, ready, slow)
    if how == "button":
        act(qtbot, ready, "Stop")
    else:
        ready.window.status.cancelAsked.emit()
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    state = ready.store.state
    assert state.current
    assert state.outcome.training["reason"] == "stopped"
    assert state.request in {trial.request for trial in state.trials}
    words = [
        label.text() for label in ready.window.controls.training.findChildren(QLabel)
    ]
    assert "Stopped at step 29; the start is still best and is kept." in words
    act(qtbot, ready, "Continue training")
    slow["open"] = True
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    assert len(slow["begun"]) == 2
    assert ready.store.state.outcome.training["reason"] == "patience"
    assert button(ready).text() == "Trained"


def test_exploring_says_what_it_trains_and_stop_ends_all(qtbot, ready, slow):
    ready.controller.set_request(recovery="finetune", sparsity=0.7)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    ready.controller.dispatch(events.ExploreSwitched())
    assert slow["begun"] == []
    bar = ready.window.messages
    assert "trains 11 models, for 22 min at most" in bar.text
    offer = next(b for b in bar.findChildren(QPushButton) if "11 models" in b.text())
    ready.window.show()
    qtbot.mouseClick(offer, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(slow["begun"]) == 1, timeout=10_000)
    assert bar.text == ""
    ready.window.status.cancelAsked.emit()
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    assert len(slow["begun"]) == 1
    assert ready.store.state.todo == ()


def test_models_that_are_explored_are_measured_before_the_next_is_trained(
    qtbot, ready, slow
):
    """So that no model is trained twice because few are kept."""
    slow["open"] = True
    ready.controller.set_request(recovery="finetune", sparsity=0.7)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    ready.controller.dispatch(events.ExploreSwitched(confirmed=True))
    log = ready.store.state.opened.session.log

    def tuned():
        mine = (what for what in log if getattr(what[1], "recovery", "") == "finetune")
        return [what for what, *_ in mine]

    qtbot.waitUntil(lambda: len(tuned()) >= 5, timeout=30_000)
    assert tuned()[:5] == ["prune", "prune", "prune", "measure", "prune"]
