import threading

import pytest

from app.bootstrap.memory import trimmer
from app.worker.runner import Failure, Runner, failure_of
from core.errors import InputError


@pytest.fixture
def runner(qapp):
    made = Runner()
    yield made
    made.close()


@pytest.fixture
def heard(runner):
    """Everything the runner says, as (signal, value)."""
    found = []
    for name in ("finished", "failed", "published", "progressed", "busyChanged"):
        getattr(runner, name).connect(lambda value, n=name: found.append((n, value)))
    return found


def values(heard, name):
    return [value for kind, value in heard if kind == name]


def wait(qtbot, runner):
    qtbot.waitUntil(lambda: not runner.busy, timeout=5000)


def test_result_arrives_once_on_the_gui_thread(qtbot, runner, heard):
    seen = []
    runner.finished.connect(lambda _: seen.append(threading.current_thread()))
    runner.submit(lambda task: threading.current_thread().name)
    wait(qtbot, runner)
    (name,) = values(heard, "finished")
    assert name.startswith("core")
    assert seen == [threading.main_thread()]
    assert values(heard, "busyChanged") == [True, False]


def test_interrupting_shows_only_the_last(qtbot, runner, heard):
    release = threading.Event()

    def slow(task, number):
        while not release.wait(0.001):
            task.step(0, 0, "waiting")
        return number

    for number in range(5):
        runner.submit(lambda task, n=number: slow(task, n))
    release.set()
    wait(qtbot, runner)
    assert values(heard, "finished") == [4]


def test_preview_lets_the_running_one_finish(qtbot, runner, heard):
    started, release = threading.Event(), threading.Event()

    def first(task):
        started.set()
        release.wait(5)
        task.step(0, 0, "still wanted")
        return 0

    runner.submit(first, interrupt=False)
    assert started.wait(5)
    for number in range(1, 6):
        runner.submit(lambda task, n=number: n, interrupt=False)
    release.set()
    wait(qtbot, runner)
    assert values(heard, "finished") == [0, 5]  # those between never ran


def test_nothing_is_heard_after_cancel(qtbot, runner, heard):
    started, stopped = threading.Event(), threading.Event()

    def work(task):
        started.set()
        try:
            while True:
                task.step(0, 0, "working")
        finally:
            stopped.set()

    runner.submit(work)
    assert started.wait(5)
    runner.cancel()
    before = list(heard)
    assert stopped.wait(5)
    runner.submit(lambda task: "next")
    wait(qtbot, runner)
    assert values(heard, "finished") == ["next"]
    assert [kind for kind, _ in heard[len(before) :]].count("failed") == 0


def test_error_for_users_arrives_as_its_sentence(qtbot, runner, heard):
    def work(task):
        raise InputError("This is not an image: choose a PNG.")

    runner.submit(work)
    wait(qtbot, runner)
    (failure,) = values(heard, "failed")
    assert failure.message == "This is not an image: choose a PNG."
    assert failure.expected
    assert "InputError" in failure.details
    assert values(heard, "finished") == []


def test_fault_of_the_program_says_so(qtbot, runner, heard, caplog):
    runner.submit(lambda task: 1 / 0)
    wait(qtbot, runner)
    (failure,) = values(heard, "failed")
    assert isinstance(failure, Failure)
    assert not failure.expected
    assert "ZeroDivisionError" in failure.message
    assert "job failed" in caplog.text


def test_values_on_the_way_come_before_the_result(qtbot, runner, heard):
    def work(task):
        task.publish("half")
        return "whole"

    runner.submit(work)
    wait(qtbot, runner)
    kinds = [kind for kind, _ in heard if kind in {"published", "finished"}]
    assert kinds == ["published", "finished"]
    assert values(heard, "published") == ["half"]


def test_progress_is_thinned_but_its_end_is_not(qtbot, runner, heard):
    def work(task):
        for index in range(500):
            task.step(index + 1, 500, "counting")

    runner.submit(work)
    wait(qtbot, runner)
    steps = values(heard, "progressed")
    assert steps[-1].done == 500
    assert len(steps) < 250


def test_close_waits_for_the_thread(qapp):
    runner = Runner()
    ended = threading.Event()
    started = threading.Event()

    def work(task):
        started.set()
        try:
            while True:
                task.step(0, 0, "working")
        finally:
            ended.set()

    runner.submit(work)
    assert started.wait(5)
    runner.close()
    assert ended.is_set()
    runner.submit(work)  # too late: nothing happens
    assert not runner.busy


def test_tidying_comes_after_each_result(qtbot, qapp):
    tidied = []
    runner = Runner(tidy=lambda: tidied.append(threading.current_thread().name))
    for number in range(3):
        runner.submit(lambda task, n=number: n)
        wait(qtbot, runner)
    runner.close()
    assert len(tidied) == 3
    assert all(name.startswith("core") for name in tidied)


def test_memory_goes_back_only_now_and_then():
    released = []
    after_job = trimmer(every=4, release=lambda: released.append(True))
    for _ in range(9):
        after_job()
    assert len(released) == 2


def test_memory_errors_say_what_to_do():
    assert "smaller" in failure_of(MemoryError()).message
