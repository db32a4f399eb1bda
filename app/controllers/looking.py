"""Tells the state which part of the tile is on screen, so that it is computed first."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.state.events import Looked
from app.state.timers import single_shot

if TYPE_CHECKING:
    from app.state.store import Store
    from app.views.panels.viewer import Viewer

LOOK_MS = 40  # panning tells of its way a few times a second, not of every step


class Looking(QObject):
    """Follows the panes of a window.

    Parameters
    ----------
    viewer
        Whose panes all show the same part; its owner.
    store
        Told of another part.
    """

    def __init__(self, viewer: "Viewer", store: "Store") -> None:
        super().__init__(viewer)
        self._viewer, self._store = viewer, store
        self._timer = single_shot(self, LOOK_MS, self._tell)
        viewer.looked.connect(self._on_looked)

    def _on_looked(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _tell(self) -> None:
        self._store.dispatch(Looked(self._viewer.visible))
