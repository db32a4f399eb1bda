"""Reading and writing that windows of their own need, beside what is computed."""

from collections.abc import Callable
from itertools import count

from PySide6.QtCore import QObject, Signal, Slot

from app.worker.runner import Failure, Runner

_NUMBERS = count(-1_000_000, -1)  # apart from all other work


class SideWork(QObject):
    """Calls in the runner's lane for files; what they give comes as a signal.

    Parameters
    ----------
    runner
        Whose lane.
    parent
        Qt owner.
    """

    came = Signal(object)  # a value
    failed = Signal(str)  # a sentence

    def __init__(self, runner: Runner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._open: set[int] = set()
        runner.finished.connect(self._on_finished)
        runner.failed.connect(self._on_failed)

    def submit(self, call: Callable[[], object]) -> None:
        """Have something done."""
        number = next(_NUMBERS)
        self._open.add(number)
        self._runner.start(number, lambda _: call(), "files")

    def close(self) -> None:
        """Let go of what was asked for."""
        for number in self._open:
            self._runner.cancel(number)
        self._open.clear()

    @Slot(int, object)
    def _on_finished(self, number: int, value: object) -> None:
        if number in self._open:
            self._open.discard(number)
            self.came.emit(value)

    @Slot(int, object)
    def _on_failed(self, number: int, failure: Failure) -> None:
        if number in self._open:
            self._open.discard(number)
            self.failed.emit(failure.message)
