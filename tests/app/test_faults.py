"""Uncaught errors of the window."""

import sys

from app.bootstrap import build_hook


def fail(hook, words):
    try:
        raise RuntimeError(words)
    except RuntimeError as error:
        hook(type(error), error, error.__traceback__)


def test_a_fault_is_shown_when_the_slot_has_returned(qtbot, bench):
    hook = build_hook(bench.store)
    fail(hook, "first")
    assert bench.store.state.message is None
    qtbot.waitUntil(lambda: bench.store.state.message is not None)
    assert "first" in bench.store.state.message.details


def test_a_window_that_fails_at_each_message_does_not_go_round(
    qtbot, bench, monkeypatch
):
    hook, seen = build_hook(bench.store), []
    monkeypatch.setattr(sys, "excepthook", hook)

    def slot(before, now):
        if now.message is not before.message:
            seen.append(now.message)
            fail(hook, "again")

    bench.store.changed.connect(slot)
    fail(hook, "first")
    qtbot.waitUntil(lambda: bool(seen))
    qtbot.wait(50)
    assert len(seen) == 1
    bench.store.changed.disconnect(slot)
