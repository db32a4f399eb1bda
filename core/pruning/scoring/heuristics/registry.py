"""The heuristics by name, with those that other packages bring."""

import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points

from core.errors import PruningError
from core.pruning.scoring.heuristics.protocol import Heuristic, Scores, ScoringContext

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
                found = _load(point)
                if found is not None:
                    self._found.setdefault(found.name, found)
        return self._found

    def __getitem__(self, name: str) -> Heuristic:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def _load(point: EntryPoint) -> Heuristic | None:
    """Return what an entry point brings; a broken package must not stop the rest."""
    try:
        loaded = point.load()
    except Exception as error:  # noqa: BLE001 - anything may happen in there
        loaded, why = None, str(error)
    else:
        why = "it is neither a Heuristic nor a function"
    if isinstance(loaded, Heuristic):
        return loaded
    if callable(loaded):
        return _of_function(point.name, loaded)
    warnings.warn(
        f"Heuristic '{point.name}' could not be loaded ({why}): mend or remove the "
        "package that brings it.",
        RuntimeWarning,
        stacklevel=4,
    )
    return None


def _of_function(name: str, rule: Callable[[ScoringContext], Scores]) -> Heuristic:
    """Make a heuristic of a bare rule; it is given statistics, to be safe."""
    sentence = (inspect.getdoc(rule) or "A heuristic of your own.").splitlines()[0]
    title = name.replace("_", " ").capitalize()
    return Heuristic(name, title, sentence, "", rule, frozenset({"statistics"}))


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
