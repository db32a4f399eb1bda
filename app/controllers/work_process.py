"""A process that works for a window of its own: started, heard, killed.

To read this file, start from `WorkProcess.start`.
"""

import os
import sys
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from core.children import to_command

_WAIT_MS = 3000  # for a process that was killed


class WorkProcess(QObject):
    """Runs at most one piece of work, in a process of its own.

    The window never waits for it: it is started, read and killed without
    blocking. What it finds is kept in its own file.

    Parameters
    ----------
    module
        That answers, see `core.sweep.worker_process.run_process`.
    what
        Its work, in words, such as ``"sweep"``.
    kept
        What is left of it when it ends too early, in words.
    parent
        Qt owner.
    """

    stepped = Signal(int, int, str)  # done, total, what
    stored = Signal()  # one more trial is in the store
    ended = Signal(str)  # what it said last
    failed = Signal(str, str)  # a sentence, details

    def __init__(
        self, module: str, what: str, kept: str, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._module, self._what, self._kept = module, what, kept
        self._process: QProcess | None = None
        self._said = ""  # how it ended, in its own words

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Number of the process; 0 when none runs."""
        return 0 if self._process is None else int(self._process.processId())

    def start(self, order: str) -> None:
        """Start work in place of what runs.

        Parameters
        ----------
        order
            What the module is to answer, one line.
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
        program, *arguments = to_command(self._module)
        process.start(program, arguments)
        process.write((order + "\n").encode())

    def cancel(self) -> None:
        """End it at once; what is finished is in its file."""
        process, self._process = self._process, None
        if process is not None:
            process.finished.connect(process.deleteLater)
            process.kill()

    def close(self) -> None:
        """End it and wait until it is gone. Call before the window goes."""
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
            fault = f"The {self._what} met a fault of the program; {self._kept}."
            self.failed.emit(fault, what)

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
            f"The {self._what} ended by itself, perhaps for lack of memory; "
            f"{self._kept}: start it again to go on.",
            details,
        )
