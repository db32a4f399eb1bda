"""Uncaught errors of the window."""

import sys
import threading

from PySide6.QtCore import qInstallMessageHandler

from app.controllers.faults import build_hook, install_hooks, tell_of_last


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


def test_a_fault_of_any_thread_is_shown_with_its_report(
    qtbot, bench, tmp_path, monkeypatch
):
    monkeypatch.setenv("PRUNESCOPE_LOGS", str(tmp_path))
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    install_hooks(bench.store)
    qInstallMessageHandler(None)

    def work():
        raise RuntimeError("in a thread")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bench.store.state.message is not None)
    message = bench.store.state.message
    (path,) = tmp_path.glob("crash-*.txt")
    assert str(path) in message.text
    assert message.details == path.read_text(encoding="utf-8")
    assert "in a thread" in message.details
    assert "PyTorch" in message.details


def test_the_end_of_the_last_time_is_told_of(bench, tmp_path):
    tell_of_last(bench.store, None)
    assert bench.store.state.message is None
    report = tmp_path / "crash-1.txt"
    report.write_text("Fatal Python error")
    tell_of_last(bench.store, report)
    assert str(report) in bench.store.state.message.text
    assert bench.store.state.message.details == "Fatal Python error"
