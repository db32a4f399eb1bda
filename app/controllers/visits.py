"""From one nucleus of a kind to the next."""

from typing import TYPE_CHECKING

from app.state.app_state import Store
from app.state.values import KINDS, Kind

if TYPE_CHECKING:
    from app.views.panels.viewer import Viewer
    from app.views.widgets.nucleus_list import NucleusList


class Visits:
    """Remembers which nucleus was looked at last.

    Parameters
    ----------
    viewer
        Whose panes go there.
    listed
        In which it is marked.
    store
        Owner of the state.
    """

    def __init__(self, viewer: "Viewer", listed: "NucleusList", store: Store) -> None:
        self._viewer, self._list, self._store = viewer, listed, store
        self._visited: dict[Kind, int] = {}

    def forget(self) -> None:
        """Begin with the first one again: other nuclei are on show."""
        self._visited.clear()

    def next(self, kind: str) -> None:
        """Go to the next nucleus of a kind, after the last to the first."""
        outcome = self._store.state.outcome
        if outcome is None or kind not in KINDS:
            return
        places = outcome.changes.places(kind)
        if not len(places):
            return
        index = (self._visited.get(kind, -1) + 1) % len(places)
        self._visited[kind] = index
        x, y = places[index]
        self._viewer.go_to((float(x), float(y)))
        self._list.select((float(x), float(y)))
