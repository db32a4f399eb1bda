"""When live charts are drawn: one in each turn of the event loop.

pyqtgraph takes half a second to load. It is imported in a thread of its own once a
chart is on screen, so that the window appears without it.
"""

import threading
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer, Signal
from shiboken6 import isValid

if TYPE_CHECKING:
    from app.plots.view import ChartView

_VIEW = "app.plots.view"


class DrawnPlot(Protocol):
    """What waits for its turn."""

    def draw_now(self) -> None:
        """Draw what was set last."""


class DrawQueue(QObject):
    """Draws charts, one in each turn of the event loop.

    Parameters
    ----------
    parent
        Qt owner.
    """

    _loaded = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: list[QObject] = []
        self._ready = False
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._turn = QTimer(self)
        self._turn.setInterval(0)
        self._turn.timeout.connect(self._on_turn)
        self._loaded.connect(self._on_loaded, Qt.ConnectionType.QueuedConnection)

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be drawn."""
        return not self._waiting

    def add(self, chart: QObject) -> None:
        """Draw a chart at its turn; once, however often it is added until then."""
        if not any(each is chart for each in self._waiting):
            self._waiting.append(chart)
        if self._ready:
            self._turn.start()
        elif self._thread is None:
            self._thread = threading.Thread(target=self._load)
            self._thread.start()

    def _load(self) -> None:
        try:
            import_module(_VIEW)
        except BaseException as error:  # noqa: BLE001 - raised where it is seen
            self._failure = error
        if isValid(self):
            self._loaded.emit()

    def _on_loaded(self) -> None:
        self._thread = None
        if self._failure is not None:
            failure, self._failure = self._failure, None
            self._waiting.clear()
            raise failure
        self._ready = True
        self._turn.start()

    def _on_turn(self) -> None:
        while self._waiting:
            chart = self._waiting.pop(0)
            if isValid(chart):
                chart.draw_now()  # type: ignore[attr-defined]
                break
        if not self._waiting:
            self._turn.stop()


def draw_queue() -> DrawQueue:
    """Return the queue of the application."""
    app = QCoreApplication.instance()
    assert app is not None
    found = app.findChild(DrawQueue)
    return found if isinstance(found, DrawQueue) else DrawQueue(app)


def make_view() -> "ChartView":
    """Return a new live chart; imports pyqtgraph."""
    from app.plots.view import ChartView

    return ChartView()
