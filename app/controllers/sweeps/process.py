"""The process that sweeps, seen from the window: started, heard, killed.

To read this file, start from `SweepProcess.start`.
"""

import os
import sys
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from app.state.sweep_values import SweepSettings
from core.errors import InputError
from core.sources import Source

_ARGUMENTS = ("-P", "-m", "core.sweep.worker_process")
_WAIT_MS = 3000  # for a process that was killed


class SweepProcess(QObject):
    """Runs at most one sweep, in a process of its own.

    The window never waits for it: it is started, read and killed without
    blocking. What it finds is in its store.
    """

    stepped = Signal(int, int, str)  # done, total, what
    stored = Signal()  # one more trial is in the store
    ended = Signal(str)  # a sentence
    failed = Signal(str, str)  # a sentence, details

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._said = ""  # how it ended, in its own words

    @property
    def running(self) -> bool:
        """Whether a sweep is under way."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Number of the process; 0 when none runs."""
        return 0 if self._process is None else int(self._process.processId())

    def start(self, order: str) -> None:
        """Start a sweep in place of the one that runs.

        Parameters
        ----------
        order
            `core.sweep.messages.SweepCommand` as JSON, one line.
        """
        self.cancel()
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        paths = os.pathsep.join(str(Path(each).absolute()) for each in sys.path)
        environment.insert("PYTHONPATH", paths)
        process.setProcessEnvironment(environment)
        process.readyReadStandardOutput.connect(lambda: self._read(process))
        process.finished.connect(lambda *_: self._on_finished(process))
        process.errorOccurred.connect(lambda error: self._on_error(process, error))
        self._process, self._said = process, ""
        process.start(sys.executable, list(_ARGUMENTS))
        process.write((order + "\n").encode())

    def cancel(self) -> None:
        """End the sweep at once; finished trials are in the store."""
        process, self._process = self._process, None
        if process is not None:
            process.finished.connect(process.deleteLater)
            process.kill()

    def close(self) -> None:
        """End the sweep and wait until it is gone. Call before the window goes."""
        self.cancel()
        for child in self.findChildren(QProcess):
            if child.state() != QProcess.ProcessState.NotRunning:
                child.kill()  # also one that has said its last word
                child.waitForFinished(_WAIT_MS)

    def _read(self, process: QProcess) -> None:
        if process is not self._process:
            return  # cancelled meanwhile
        from core.sweep.messages import SweepEvent  # late: needs torch

        while process.canReadLine():
            line = bytes(process.readLine().data()).decode(errors="replace")
            try:
                news = SweepEvent.from_json(line)
            except ValueError:
                continue
            if news.kind == "step":
                self.stepped.emit(news.done, news.total, news.what)
            elif news.kind == "trial":
                self.stored.emit()
            else:
                self._conclude(news.kind, news.what)
                return

    def _conclude(self, kind: str, what: str) -> None:
        """Say how it ended, once."""
        process, self._process = self._process, None
        if process is not None:
            if process.state() == QProcess.ProcessState.NotRunning:
                process.deleteLater()
            else:
                process.finished.connect(process.deleteLater)
                process.closeWriteChannel()
        if kind == "done":
            self.ended.emit(what)
        elif kind == "error":
            self.failed.emit(what, "")
        else:
            self.failed.emit(
                "The sweep met a fault of the program; finished trials are kept.", what
            )

    def _on_finished(self, process: QProcess) -> None:
        if process is not self._process:
            return
        self._read(process)
        if process is self._process:  # it said nothing
            details = bytes(process.readAllStandardError().data()).decode(
                errors="replace"
            )
            self._conclude_lost(details)

    def _on_error(self, process: QProcess, error: QProcess.ProcessError) -> None:
        lost = error == QProcess.ProcessError.FailedToStart
        if process is self._process and lost:
            self._conclude_lost(process.errorString())

    def _conclude_lost(self, details: str) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.deleteLater()
        self.failed.emit(
            "The sweep ended by itself, perhaps for lack of memory; finished trials "
            "are kept: start it again to go on.",
            details,
        )


def order_of(model: str, wish: SweepSettings, source: str) -> str:
    """Write the order of a wish (worker thread: imports torch).

    Parameters
    ----------
    model
        Catalogue name or path.
    wish
        What is to be covered, and where it goes.
    source
        The open tile, for a wish without a folder; empty for the first sample.

    Raises
    ------
    InputError
        When the place of the store cannot be made.
    """
    from core.images.samples import DEFAULT_SAMPLE
    from core.sweep import SWEEP_TIMING, Grid
    from core.sweep.messages import SweepCommand
    from core.types import FineTune

    out = Path(wish.out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{out.parent} cannot be made ({error.strerror}); choose another place."
        ) from error
    grid = Grid(
        models=(model,),
        data=Path(wish.data or source or Source("sample", DEFAULT_SAMPLE).text),
        heuristics=wish.heuristics,
        sparsities=wish.sparsities,
        scopes=wish.scopes,
        recoveries=wish.recoveries,
        count=wish.count,
        locked=wish.locked,
        training=FineTune(minutes=wish.minutes),
        seeds=tuple(range(wish.seeds)),
        timing=SWEEP_TIMING if wish.latency else None,
    )
    return SweepCommand(grid, out).to_json()
