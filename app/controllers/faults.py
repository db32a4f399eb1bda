"""Uncaught errors: shown in the window, written down, kept as a report.

To read this file, start from `build_hook`.
"""

import logging
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import (
    QMessageLogContext,
    QObject,
    Qt,
    QtMsgType,
    Signal,
    qInstallMessageHandler,
)

from app.state.app_state import Message
from app.state.events import MessageShown
from app.state.store import Store
from app.worker.runner import failure_of
from core.logs import keep_fault

log = logging.getLogger(__name__)
Hook = Callable[
    [type[BaseException], BaseException | None, TracebackType | None], object
]


def install_hooks(store: Store) -> None:
    """Show uncaught errors of every thread as a message.

    Parameters
    ----------
    store
        Whose window shows them.
    """
    hook = build_hook(store)
    sys.excepthook = hook
    threading.excepthook = lambda told: hook(
        told.exc_type, told.exc_value, told.exc_traceback
    )
    qInstallMessageHandler(_log_of_qt)


def build_hook(store: Store) -> Hook:
    """Return a hook for uncaught errors.

    The message is queued, for a slot may fail while the store tells of a change, and
    an error may come from another thread. When showing a message fails as well, that
    is only written down: a window that fails at every message would otherwise fail
    for ever.

    Parameters
    ----------
    store
        Whose window shows them.
    """
    teller = _Teller(store)

    def hook(
        kind: type[BaseException],
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or issubclass(kind, SystemExit):
            return
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        failure = failure_of(error)
        where = keep_fault(failure.details)
        if not teller.telling:
            text = f"{failure.message} {where}".strip()
            teller.found.emit(Message(text, failure.details))

    return hook


class _Teller(QObject):
    """Shows a message in the window's thread, after whatever runs there now."""

    found = Signal(object)  # Message

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.telling = False
        self._store = store
        self.found.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def _show(self, message: Message) -> None:
        self.telling = True
        try:
            self._store.dispatch(MessageShown(message))
        finally:
            self.telling = False


def tell_of_last(store: Store, report: Path | None) -> None:
    """Say that the program ended by a fault of a library the last time.

    Parameters
    ----------
    store
        Whose window says it.
    report
        From `core.logs.collect_fatal_faults`.
    """
    if report is None:
        return
    text = f"PruneScope ended by a fault the last time. A report is in {report}."
    details = report.read_text(encoding="utf-8", errors="replace")
    store.dispatch(MessageShown(Message(text, details, kind="warning")))


_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
}


def _log_of_qt(kind: QtMsgType, _: QMessageLogContext, message: str) -> None:
    """Write down what Qt says, and pass on what is more than a remark."""
    level = _LEVELS.get(kind, logging.ERROR)
    log.log(level, "Qt: %s", message)
    if level >= logging.WARNING:
        sys.stderr.write(f"{message}\n")
