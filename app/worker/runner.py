"""The worker thread: latest wins, cancellable, errors as text.

To read this file, start from `Runner.submit`.
"""

import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal, Slot

from core.errors import BenchError
from core.job import Cancelled, Job, Step

log = logging.getLogger(__name__)

_REPORT_EVERY = 1 / 20  # seconds; more often only fills the event queue
_NICE = 3  # the window paints first; more, and a starved worker would keep the GIL


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


class Task(Job):
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
    return Failure(f"Something went wrong ({name}: {error}).", details)


def _step_aside() -> None:
    """Let the window's thread go first (worker thread, once)."""
    if sys.platform == "linux":
        # On Linux a "process" id here may be that of a single thread.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def _nothing() -> None:
    """Leave everything as it is."""


class Runner(QObject):
    """One worker thread, and at most one request waiting for it.

    Every public signal is emitted on the thread this object was made in.

    Parameters
    ----------
    prepare
        Called once on the worker thread before any work.
    tidy
        Called on the worker thread after each result was handed over.
    parent
        Qt owner.
    """

    busyChanged = Signal(bool)
    progressed = Signal(object)  # Step
    published = Signal(object)  # what the work handed over on its way
    finished = Signal(object)  # what the work returned
    failed = Signal(object)  # Failure

    _reported = Signal(int, object)
    _handed = Signal(int, object)
    _ended = Signal(int, object)

    def __init__(
        self,
        prepare: Callable[[], None] = _step_aside,
        tidy: Callable[[], None] = _nothing,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        # One thread: two jobs at once would spoil each other's timings.
        self._pool = ThreadPoolExecutor(
            1, thread_name_prefix="core", initializer=prepare
        )
        self._tidy = tidy
        self._newest = 0
        self._closed = False
        self._live: dict[int, tuple[Job, Future[None]]] = {}
        queued = Qt.ConnectionType.QueuedConnection
        self._reported.connect(self._on_reported, queued)
        self._handed.connect(self._on_handed, queued)
        self._ended.connect(self._on_ended, queued)

    @property
    def busy(self) -> bool:
        """Whether a result is still to come."""
        return bool(self._live)

    @property
    def jobs(self) -> int:
        """How many results are still to come."""
        return len(self._live)

    def submit(self, work: Callable[[Task], object], *, interrupt: bool = True) -> None:
        """Run ``work(task)`` next, in place of any request still waiting.

        Pass ``interrupt=False`` for a live preview, where a drag would
        otherwise interrupt every frame and show none.
        """
        if self._closed:
            return  # a timer or a dialog that outlived the window
        was_busy = self.busy
        self._drop(running=interrupt)
        self._newest += 1
        number = self._newest
        task = Task(self._reporter(number), self._publisher(number))
        self._live[number] = task, self._pool.submit(self._run, number, work, task)
        if not was_busy:
            self.busyChanged.emit(True)

    def cancel(self) -> None:
        """Forget all work; nothing more is heard of it."""
        if self.busy:
            self._drop(running=True)
            self.busyChanged.emit(False)

    def close(self) -> None:
        """Cancel and wait for the thread. Call before the window goes."""
        self.cancel()
        self._closed = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _drop(self, *, running: bool) -> None:
        for number, (job, future) in list(self._live.items()):
            if future.cancel() or running:
                job.cancel()
                del self._live[number]

    def _reporter(self, number: int) -> Callable[[Step], None]:
        last = 0.0

        def report(step: Step) -> None:
            nonlocal last
            now = time.monotonic()
            if step.done == step.total or now - last >= _REPORT_EVERY:
                last = now
                self._reported.emit(number, step)

        return report

    def _publisher(self, number: int) -> Callable[[object], None]:
        return lambda value: self._handed.emit(number, value)

    def _run(self, number: int, work: Callable[[Task], object], task: Task) -> None:
        """Do the work (worker thread) and post how it ended."""
        outcome: object
        try:
            outcome = work(task)
        except Cancelled:
            return
        except Exception as error:  # noqa: BLE001 - shown to the user, never lost
            outcome = failure_of(error)
            if not outcome.expected:
                log.error("job failed\n%s", outcome.details)
        self._ended.emit(number, outcome)
        del outcome  # or it would be there until the next job ends
        self._tidy()

    @Slot(int, object)
    def _on_reported(self, number: int, step: Step) -> None:
        if number in self._live:
            self.progressed.emit(step)

    @Slot(int, object)
    def _on_handed(self, number: int, value: object) -> None:
        if number in self._live:
            self.published.emit(value)

    @Slot(int, object)
    def _on_ended(self, number: int, outcome: object) -> None:
        if number not in self._live:
            return  # replaced or cancelled meanwhile
        signal = self.failed if isinstance(outcome, Failure) else self.finished
        signal.emit(outcome)  # still busy, so a slot may submit the next stage
        if self._live.pop(number, None) and not self.busy:
            self.busyChanged.emit(False)
