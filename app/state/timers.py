"""Waiting without blocking."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer


def single_shot(owner: QObject, after: int, call: Callable[[], None]) -> QTimer:
    """Return a timer that calls once, ``after`` milliseconds after each start."""
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.setInterval(after)
    timer.timeout.connect(call)
    return timer
