"""The worker threads: cancellable, bounded when they close, errors as text.

To read this file, start from `Runner.start`. What runs, and in which order, is
decided in `app.state.scheduling`.
"""

import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal, Slot

from core.errors import BenchError
from core.job import Cancelled, Job, Step
from core.logs import build_report, keep_fault
from core.rects import Rect

Lane = Literal["core", "files"]


_REPORT_EVERY = 1 / 20  # seconds; more often only fills the event queue
_QUIET = 0.1  # seconds in which nobody misses a progress bar
_WAIT = 5.0  # seconds for work to end when the window closes
_NICE = 3  # the window paints first; more, and a starved worker would keep the GIL
_NICEST = 19


@dataclass(frozen=True, slots=True)
class Failure:
    """An error from a worker, as text.

    A traceback object would keep every tensor in the failing frames alive for
    as long as the message is on screen.

    Parameters
    ----------
    message
        One sentence for the user.
    details
        The traceback, for a bug report.
    expected
        Whether the sentence was written for users (bad input, bad request).
    """

    message: str
    details: str
    expected: bool = False


class RunningWork(Job):
    """A `Job` that can also hand over values before it is done."""

    def __init__(
        self, report: Callable[[Step], None], publish: Callable[[object], None]
    ) -> None:
        super().__init__(report)
        self._publish = publish

    def publish(self, value: object) -> None:
        """Show ``value`` while the work goes on; lost when the job was replaced."""
        self._publish(value)


def failure_of(error: BaseException) -> Failure:
    """Return an error as text.

    Parameters
    ----------
    error
        As caught. Messages of `BenchError` are shown as they are; anything
        else is a fault of the program and says so.
    """
    details = "".join(traceback.format_exception(error))
    if isinstance(error, BenchError):
        return Failure(str(error), details, expected=True)
    if isinstance(error, MemoryError):
        text = "There is not enough memory for this: open a smaller tile or region."
        return Failure(text, details, expected=True)
    name = type(error).__name__
    return Failure(f"Something went wrong ({name}: {error}).", build_report(error))


def step_aside() -> None:
    """Let the window's thread go first (worker thread, once)."""
    if sys.platform == "linux":
        # On Linux a "process" id here may be that of a single thread. Only upwards
        # from where the program was started: nobody else may go down.
        thread = threading.get_native_id()
        nice = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(nice + _NICE, _NICEST))


def _nothing() -> None:
    """Leave everything as it is."""


@dataclass(frozen=True, slots=True)
class _Started:
    """Work on its way to a thread."""

    number: int
    call: Callable[[RunningWork], object]
    task: RunningWork


class Runner(QObject):
    """Worker threads, one a lane, that do work in the order it was started.

    Lane ``core`` is where torch computes: two jobs at once would spoil each other's
    timings. Lane ``files`` reads what other processes write meanwhile. Every signal
    is emitted on the thread this object was made in, with the number of the work;
    nothing more is heard of work that was cancelled.

    Parameters
    ----------
    prepare
        Called once on each thread before any work.
    tidy
        Called on a thread after each result was handed over.
    quiet
        Seconds from the beginning of work in which no progress is reported.
    parent
        Qt owner.
    """

    progressed = Signal(int, object)  # Step
    published = Signal(int, object)  # what the work handed over on its way
    finished = Signal(int, object)  # what the work returned
    failed = Signal(int, object)  # Failure

    _reported = Signal(int, object)
    _handed = Signal(int, object)
    _ended = Signal(int, object)

    def __init__(
        self,
        prepare: Callable[[], None] = step_aside,
        tidy: Callable[[], None] = _nothing,
        *,
        quiet: float = _QUIET,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._prepare, self._tidy, self._quiet = prepare, tidy, quiet
        self._closed = False
        self._live: dict[int, RunningWork] = {}
        self._inboxes: dict[Lane, queue.SimpleQueue[_Started | None]] = {}
        self._threads: list[threading.Thread] = []
        queued = Qt.ConnectionType.QueuedConnection
        self._reported.connect(self._on_reported, queued)
        self._handed.connect(self._on_handed, queued)
        self._ended.connect(self._on_ended, queued)

    @property
    def busy(self) -> bool:
        """Whether a result is still to come."""
        return bool(self._live)

    @property
    def ended(self) -> bool:
        """Whether no thread is left."""
        return not any(thread.is_alive() for thread in self._threads)

    def start(
        self,
        number: int,
        call: Callable[[RunningWork], object],
        lane: Lane = "core",
        *,
        seen: Rect | None = None,
        only: bool = False,
    ) -> None:
        """Run ``call(task)`` after what was started in the lane before.

        ``seen`` and ``only`` are what `core.job.Job.look` is told at first.
        """
        if self._closed:
            return  # a timer or a dialog that outlived the window
        task = RunningWork(self._reporter(number), self._publisher(number))
        task.look(seen, only=only)
        self._live[number] = task
        self._inbox(lane).put(_Started(number, call, task))

    def finish(self, number: int) -> None:
        """Let a piece of work end early, with what it has by then."""
        task = self._live.get(number)
        if task is not None:
            task.finish()

    def look(self, number: int, seen: Rect | None) -> None:
        """Tell a piece of work that another part of the tile is on screen."""
        task = self._live.get(number)
        if task is not None:
            task.look(seen, only=task.visible_only)

    def cancel(self, number: int) -> None:
        """Forget a piece of work; returns at once, and nothing more is heard of it."""
        task = self._live.pop(number, None)
        if task is not None:
            task.cancel()

    def close(self, wait: float = _WAIT) -> bool:
        """Cancel everything and wait for the threads. Call before the window goes.

        Parameters
        ----------
        wait
            Seconds, at most: work that never looks at its cancel flag must not keep
            the window on screen.

        Returns
        -------
        bool
            Whether all threads have ended.
        """
        self._closed = True
        for number in list(self._live):
            self.cancel(number)
        for inbox in self._inboxes.values():
            inbox.put(None)
        end = time.monotonic() + wait
        for thread in self._threads:
            thread.join(max(end - time.monotonic(), 0.0))
        return self.ended

    def _inbox(self, lane: Lane) -> "queue.SimpleQueue[_Started | None]":
        """Return the queue of a lane, whose thread starts when first needed."""
        if lane not in self._inboxes:
            self._inboxes[lane] = queue.SimpleQueue()
            thread = threading.Thread(
                target=self._serve,
                args=(self._inboxes[lane],),
                name=lane,
                daemon=True,
            )
            self._threads.append(thread)
            thread.start()
        return self._inboxes[lane]

    def _reporter(self, number: int) -> Callable[[Step], None]:
        last = 0.0

        def report(step: Step) -> None:
            nonlocal last
            now = time.monotonic()
            if not last:
                last = now + self._quiet - _REPORT_EVERY
            over = step.done == step.total and now >= last
            if over or now - last >= _REPORT_EVERY:
                last = now
                self._post("_reported", number, step)

        return report

    def _publisher(self, number: int) -> Callable[[object], None]:
        return lambda value: self._post("_handed", number, value)

    def _post(self, signal: str, number: int, value: object) -> None:
        """Hand something to the window's thread (worker thread)."""
        try:
            getattr(self, signal).emit(number, value)
        except RuntimeError:  # the window is gone; work outlived its patience
            if not self._closed:
                raise

    def _serve(self, inbox: "queue.SimpleQueue[_Started | None]") -> None:
        """Do what comes in (worker thread) until nothing more will."""
        self._prepare()
        while (started := inbox.get()) is not None:
            if not started.task.cancelled:
                self._run(started)
            del started  # or its result would be there until the next one

    def _run(self, started: _Started) -> None:
        """Do the work and post how it ended."""
        outcome: object
        try:
            outcome = started.call(started.task)
        except Cancelled:
            if started.task.cancelled:
                return
            outcome = Failure(_STOPPED, "", expected=True)
        except BaseException as error:  # noqa: BLE001 - a plug-in may raise anything
            outcome = failure_of(error)
            if not outcome.expected:
                keep_fault(outcome.details)
        self._post("_ended", started.number, outcome)
        del outcome
        self._tidy()

    @Slot(int, object)
    def _on_reported(self, number: int, step: Step) -> None:
        if number in self._live:
            self.progressed.emit(number, step)

    @Slot(int, object)
    def _on_handed(self, number: int, value: object) -> None:
        if number in self._live:
            self.published.emit(number, value)

    @Slot(int, object)
    def _on_ended(self, number: int, outcome: object) -> None:
        if self._live.pop(number, None) is None:
            return  # cancelled meanwhile
        signal = self.failed if isinstance(outcome, Failure) else self.finished
        signal.emit(number, outcome)


_STOPPED = "What was computed has stopped by itself: change a setting to try again."
