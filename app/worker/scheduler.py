"""Gives the worker the work that the state asks for, and tells the store of results.

What is done next is decided in `app.state.scheduling`; nothing is remembered here.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from app.state import events
from app.state.store import Store
from app.worker.runner import Failure, Runner, RunningWork

if TYPE_CHECKING:
    from app.state.app_state import AppState
    from app.state.work import Work


class Scheduler(QObject):
    """Keeps a runner at the work that the state names.

    Parameters
    ----------
    store
        Owner of the state.
    runner
        The worker.
    parent
        Qt owner.
    """

    def __init__(
        self, store: Store, runner: Runner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        say = store.dispatch
        store.changed.connect(self._on_changed)
        runner.progressed.connect(lambda n, step: say(events.Progressed(n, step)))
        runner.published.connect(lambda n, value: say(events.Published(n, value)))
        runner.finished.connect(lambda n, value: say(events.Finished(n, value)))
        runner.failed.connect(lambda n, why: say(_failed(n, why)))

    @Slot(object, object)
    def _on_changed(self, old: "AppState", new: "AppState") -> None:
        if old.work is new.work:
            if new.work is not None and old.visible != new.visible:
                self._runner.look(new.work.number, new.visible)
            return
        same = new.work and old.work and new.work.number == old.work.number
        if new.work is not None and same:
            self._runner.finish(new.work.number)  # all that can have changed
            return
        if old.work is not None:
            self._runner.cancel(old.work.number)  # no matter when it is over
        if new.work is not None:
            work, call = new.work, _find_call(new.work, new)
            self._runner.start(work.number, call, seen=new.visible, only=work.visible)


def _failed(number: int, failure: Failure) -> events.WorkFailed:
    return events.WorkFailed(number, failure.message, failure.details)


def _find_call(work: "Work", state: "AppState") -> Callable[[RunningWork], object]:
    """Return what the worker thread does for a piece of work."""
    if work.call is not None:
        return work.call
    assert state.opened is not None
    if work.purpose == "dense":
        return state.opened.session.finish_dense
    assert work.request is not None
    if work.tile is not None:
        return partial(state.opened.session.score_tile, work.request, work.tile)
    session, request = state.opened.session, work.request
    if work.measures:
        return lambda task: session.measure(request, task)
    return lambda task: session.prune(request, task)
