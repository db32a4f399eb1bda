"""The owner of the state: every change is an event."""

import logging
from collections import deque

from PySide6.QtCore import QObject, Signal

from app.state.app_state import AppState
from app.state.events import Event
from app.state.reduce import reduce

log = logging.getLogger(__name__)


class Store(QObject):
    """Keeps the newest state and tells who listens.

    Parameters
    ----------
    state
        To begin with.
    parent
        Qt owner.
    """

    changed = Signal(object, object)  # AppState before, AppState now

    def __init__(self, state: AppState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._events: deque[Event] = deque()
        self._dispatching = False

    @property
    def state(self) -> AppState:
        """What is shown now."""
        return self._state

    def dispatch(self, event: Event) -> None:
        """Take note of an event; silent when it changes nothing.

        An event that a listener causes waits until all listeners have heard of the
        one before: they see states in order.
        """
        self._events.append(event)
        if self._dispatching:
            return
        self._dispatching = True
        try:
            while self._events:
                old, event = self._state, self._events.popleft()
                log.debug("%s", type(event).__name__)
                self._state = reduce(old, event)
                if self._state is not old:
                    self.changed.emit(old, self._state)
        finally:
            self._dispatching = False
