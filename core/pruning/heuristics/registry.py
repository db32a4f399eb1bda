"""The heuristics by name, with those that other packages bring."""

from collections.abc import Iterator, Mapping
from importlib.metadata import entry_points

from core.errors import PruningError
from core.pruning.heuristics.protocol import Heuristic

_GROUP = "prunescope.heuristics"


class _Registry(Mapping[str, Heuristic]):
    """Built-in heuristics first, then those of installed packages."""

    def __init__(self) -> None:
        self._found: dict[str, Heuristic] = {}
        self._looked = False

    def add(self, heuristic: Heuristic) -> None:
        if heuristic.name in self._found:
            raise PruningError(
                f"A heuristic named '{heuristic.name}' exists already: choose "
                "another name."
            )
        self._found[heuristic.name] = heuristic

    def _all(self) -> dict[str, Heuristic]:
        if not self._looked:
            self._looked = True
            for point in entry_points(group=_GROUP):
                loaded = point.load()
                if isinstance(loaded, Heuristic) and loaded.name not in self._found:
                    self._found[loaded.name] = loaded
        return self._found

    def __getitem__(self, name: str) -> Heuristic:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


_registry = _Registry()
HEURISTICS: Mapping[str, Heuristic] = _registry
"""Name to heuristic, in the order the window lists them."""


def register(heuristic: Heuristic) -> Heuristic:
    """Add a heuristic; returns it, so it can be assigned in the same line.

    Raises
    ------
    PruningError
        When the name is taken.
    """
    _registry.add(heuristic)
    return heuristic


def find_heuristic(name: str) -> Heuristic:
    """Return a heuristic by name.

    Raises
    ------
    PruningError
        When there is none, naming those there are.
    """
    if name not in HEURISTICS:
        raise PruningError(
            f"There is no heuristic '{name}': choose one of {', '.join(HEURISTICS)}."
        )
    return HEURISTICS[name]
