"""Faults of the window itself: shown in it, never a crash without a word."""

import logging
import sys
from types import TracebackType

from app.state.app_state import Message, Store
from app.worker.runner import failure_of

log = logging.getLogger(__name__)


def install(store: Store) -> None:
    """Show uncaught errors as a message.

    Parameters
    ----------
    store
        Whose window shows them.
    """

    def hook(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        failure = failure_of(error)
        log.error("uncaught\n%s", failure.details)
        store.update(message=Message(failure.message, failure.details))

    sys.excepthook = hook
