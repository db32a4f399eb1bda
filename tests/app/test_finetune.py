"""Recovery by training in the window: previews, live masks, stopping."""

import pytest
from conftest import is_idle
from fakes import FakeSession

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
            while not gate["open"]:
                task.step(1, 10, LOSS)
        return found

    monkeypatch.setattr(FakeSession, "prune", prune)
    yield gate
    gate["open"] = True


def trains(bench, gate):
    begun = gate["begun"]
    return bool(begun) and bench.store.state.outcome.request == begun[-1]


def test_it_can_be_chosen_and_says_what_it_does():
    tips = {key: row.tip for key, row in RECOVERIES.items()}
    assert "without labels" in tips["finetune"]


def test_masks_and_loss_are_live(qtbot, ready, slow):
    ready.controller.set_request(recovery="finetune", sparsity=0.7)
    qtbot.waitUntil(lambda: trains(ready, slow), timeout=10_000)
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


def test_a_drag_shows_refitted_models_and_trains_once_it_rests(qtbot, ready, slow):
    slow["open"] = True
    ready.controller.set_request(recovery="finetune")
    for sparsity in (0.5, 0.55, 0.6, 0.65):
        ready.controller.set_request(sparsity=sparsity)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    assert [request.sparsity for request in slow["begun"]] == [0.65]
    assert ready.store.state.current


def test_moving_on_does_not_wait_for_the_training(qtbot, ready, slow):
    ready.controller.set_request(recovery="finetune", sparsity=0.7)
    qtbot.waitUntil(lambda: trains(ready, slow), timeout=10_000)
    ready.controller.set_request(recovery="refit")
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    assert ready.store.state.outcome.request.recovery == "refit"


def test_stopping_keeps_what_is_there_and_trains_no_more(qtbot, ready, slow):
    ready.controller.set_request(recovery="finetune", sparsity=0.7)
    qtbot.waitUntil(lambda: trains(ready, slow), timeout=10_000)
    ready.window.status.cancelAsked.emit()
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    state = ready.store.state
    assert state.outcome.request == state.request
    assert len(slow["begun"]) == 1
