import os
import sys
import threading

import pytest

from app.bootstrap import trimmer
from app.worker.runner import Failure, Runner, failure_of, step_aside
from core.errors import InputError
from core.job import Cancelled


@pytest.fixture
def runner(qapp):
    made = Runner(quiet=0.0)
    yield made
    assert made.close()


@pytest.fixture
def heard(runner):
    """Everything the runner says, as (signal, number, value)."""
    found = []
    for name in ("finished", "failed", "published", "progressed"):
        getattr(runner, name).connect(lambda k, v, n=name: found.append((n, k, v)))
    return found


def values(heard, name):
    return [value for kind, _, value in heard if kind == name]


def wait(qtbot, runner):
    qtbot.waitUntil(lambda: not runner.busy, timeout=5000)


def test_result_arrives_once_on_the_gui_thread(qtbot, runner, heard):
    seen = []
    runner.finished.connect(lambda *_: seen.append(threading.current_thread()))
    runner.start(7, lambda task: threading.current_thread().name)
    wait(qtbot, runner)
    assert heard == [("finished", 7, "core")]
    assert seen == [threading.main_thread()]


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no priority there")
@pytest.mark.parametrize("started_at", [0, 5, 18])
def test_the_window_goes_first_however_nice_the_program_is(qtbot, started_at):
    """Priorities of threads are absolute, and only root may raise one again."""

    def prepared():
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), started_at)
        step_aside()

    runner, found = Runner(prepared, quiet=0.0), []
    runner.finished.connect(lambda _, value: found.append(value))
    runner.start(
        1, lambda _: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    )
    wait(qtbot, runner)
    assert runner.close()
    assert found == [min(started_at + 3, 19)]


def test_work_is_done_in_the_order_it_was_started(qtbot, runner, heard):
    for number in range(5):
        runner.start(number, lambda task, n=number: n * 10)
    wait(qtbot, runner)
    assert [(k, v) for _, k, v in heard] == [(n, n * 10) for n in range(5)]


def test_nothing_is_heard_of_cancelled_work_and_the_next_one_runs(qtbot, runner, heard):
    started, stopped = threading.Event(), threading.Event()

    def work(task):
        started.set()
        try:
            while True:
                task.step(0, 0, "working")
        finally:
            stopped.set()

    runner.start(1, work)
    assert started.wait(5)
    runner.cancel(1)
    before = list(heard)
    assert not runner.busy
    assert stopped.wait(5)
    runner.start(2, lambda task: "next")
    wait(qtbot, runner)
    assert heard[len(before) :] == [("finished", 2, "next")]


def test_work_that_was_cancelled_before_its_turn_never_begins(qtbot, runner, heard):
    gate, begun = threading.Event(), []
    runner.start(1, lambda task: gate.wait(5))
    runner.start(2, lambda task: begun.append(2))
    runner.start(3, lambda task: begun.append(3))
    runner.cancel(2)
    gate.set()
    wait(qtbot, runner)
    assert begun == [3]
    assert [number for _, number, _ in heard] == [1, 3]


def test_files_are_read_while_the_other_lane_computes(qtbot, runner, heard):
    gate = threading.Event()
    runner.start(1, lambda task: gate.wait(5))
    runner.start(2, lambda task: threading.current_thread().name, "files")
    qtbot.waitUntil(lambda: bool(heard), timeout=5000)
    assert heard == [("finished", 2, "files")]
    gate.set()
    wait(qtbot, runner)


def test_error_for_users_arrives_as_its_sentence(qtbot, runner, heard):
    def work(task):
        raise InputError("This is not an image: choose a PNG.")

    runner.start(1, work)
    wait(qtbot, runner)
    (failure,) = values(heard, "failed")
    assert failure.message == "This is not an image: choose a PNG."
    assert failure.expected
    assert "InputError" in failure.details
    assert values(heard, "finished") == []


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit, KeyboardInterrupt])
def test_whatever_a_plug_in_raises_is_told_and_the_worker_goes_on(
    qtbot, runner, heard, caplog, error
):
    def work(task):
        raise error

    runner.start(1, work)
    runner.start(2, lambda task: "alive")
    wait(qtbot, runner)
    (failure,) = values(heard, "failed")
    assert isinstance(failure, Failure)
    assert not failure.expected
    assert error.__name__ in failure.message
    assert failure.details in caplog.text
    assert values(heard, "finished") == ["alive"]


def test_work_that_stops_by_itself_is_not_waited_for_for_ever(qtbot, runner, heard):
    def work(task):
        raise Cancelled

    runner.start(1, work)
    wait(qtbot, runner)
    (failure,) = values(heard, "failed")
    assert "by itself" in failure.message


def test_values_on_the_way_come_before_the_result(qtbot, runner, heard):
    def work(task):
        task.publish("half")
        return "whole"

    runner.start(1, work)
    wait(qtbot, runner)
    assert heard == [("published", 1, "half"), ("finished", 1, "whole")]


def test_progress_is_thinned_but_its_end_is_not(qtbot, runner, heard):
    def work(task):
        for index in range(500):
            task.step(index + 1, 500, "counting")

    runner.start(1, work)
    wait(qtbot, runner)
    steps = values(heard, "progressed")
    assert steps[-1].done == 500
    assert len(steps) < 250


def test_quick_work_reports_no_progress(qtbot, qapp):
    heard = []
    runner = Runner(quiet=3600.0)
    runner.progressed.connect(lambda *_: heard.append("progressed"))
    runner.start(1, lambda task: task.step(1, 1, "at once"))
    wait(qtbot, runner)
    assert runner.close()
    assert not heard


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

    runner.start(1, work)
    assert started.wait(5)
    assert runner.close()
    assert ended.is_set()
    runner.start(2, work)  # too late: nothing happens
    assert not runner.busy


def test_work_that_never_looks_at_its_flag_does_not_keep_the_window(qapp):
    runner = Runner()
    started, gate = threading.Event(), threading.Event()

    def stuck(task):
        started.set()
        gate.wait(60)

    runner.start(1, stuck)
    assert started.wait(5)
    assert not runner.close(wait=0.01)
    gate.set()
    assert runner.close()


def test_tidying_comes_after_each_result(qtbot, qapp):
    tidied = []
    runner = Runner(tidy=lambda: tidied.append(threading.current_thread().name))
    for number in range(3):
        runner.start(number, lambda task, n=number: n)
        wait(qtbot, runner)
    assert runner.close()
    assert tidied == ["core"] * 3


def test_memory_goes_back_only_now_and_then():
    released = []
    after_job = trimmer(every=4, release=lambda: released.append(True))
    for _ in range(9):
        after_job()
    assert len(released) == 2


def test_memory_errors_say_what_to_do():
    assert "smaller" in failure_of(MemoryError()).message


def test_whether_threads_have_ended_is_known(qtbot, qapp):
    runner = Runner()
    assert runner.ended  # none was needed yet
    gate = threading.Event()
    runner.start(1, lambda task: gate.wait(30))
    assert not runner.ended
    gate.set()
    assert runner.close()
    assert runner.ended
