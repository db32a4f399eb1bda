"""The results seen last, so that going back to one costs nothing."""

from collections import OrderedDict

from app.state.values import DrawnOutcome
from core.types import PruneRequest

_MOST_BYTES = 10_000_000  # a few results on a small tile, one on a large one


class Outcomes:
    """A few results by request, the latest used longest.

    Parameters
    ----------
    most
        Bytes of label images and raw maps that are kept; the newest result
        always is.
    """

    def __init__(self, most: int = _MOST_BYTES) -> None:
        self._most = most
        self._found: OrderedDict[PruneRequest, DrawnOutcome] = OrderedDict()

    def add(self, outcome: DrawnOutcome) -> None:
        """Keep a result."""
        self._found[outcome.request] = outcome
        self._found.move_to_end(outcome.request)

    def trim(self) -> None:
        """Let go of the oldest results; returning their pages takes milliseconds."""
        while len(self._found) > 1 and self.bytes > self._most:
            self._found.popitem(last=False)

    def get(self, request: PruneRequest) -> DrawnOutcome | None:
        """Return the result of a request, if it is still there."""
        if request in self._found:
            self._found.move_to_end(request)
        return self._found.get(request)

    def clear(self) -> None:
        """Forget everything: another model or tile is open."""
        self._found.clear()

    @property
    def bytes(self) -> int:
        """Size of the label images and raw maps that are kept."""
        return sum(_bytes_of(outcome) for outcome in self._found.values())


def _bytes_of(outcome: DrawnOutcome) -> int:
    labels = sum(level.nbytes for level in outcome.nuclei.levels)
    maps = (level for raw in outcome.raw.values() for level in raw.levels)
    return labels + sum(level.nbytes for level in maps)
