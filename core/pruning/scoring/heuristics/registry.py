"""The heuristics by name, with those that other packages bring."""

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules

from core.errors import PruningError
from core.pruning.scoring.heuristics.protocol import (
    Heuristic,
    Scores,
    ScoringContext,
    Unit,
)

_GROUP = "prunescope.heuristics"


class _Registry:
    """Built-in heuristics first, then those of installed packages."""

    def __init__(self) -> None:
        self._found: dict[tuple[Unit, str], Heuristic] = {}
        self._looked = False

    def add(self, heuristic: Heuristic) -> None:
        """Add one; raises `PruningError` when its name is taken."""
        key = heuristic.unit, heuristic.name
        if key in self._found:
            raise PruningError(
                f"A heuristic named '{heuristic.name}' exists already: choose "
                "another name."
            )
        self._found[key] = heuristic

    def has(self, heuristic: Heuristic) -> bool:
        """Tell whether this very heuristic was added."""
        return self._found.get((heuristic.unit, heuristic.name)) is heuristic

    def remove(self, heuristic: Heuristic) -> None:
        """Take one out."""
        del self._found[heuristic.unit, heuristic.name]

    def look_again(self) -> None:
        """Load what was installed since."""
        self._looked = False

    def of(self, unit: Unit) -> dict[str, Heuristic]:
        """Return the heuristics of one unit by name."""
        if not self._looked:
            self._looked = True
            for point in entry_points(group=_GROUP):
                found = _load(point)
                if found is not None:
                    self._found.setdefault((found.unit, found.name), found)
        return {name: h for (kind, name), h in self._found.items() if kind == unit}


class _Of(Mapping[str, Heuristic]):
    """The heuristics of one unit, as a mapping."""

    def __init__(self, registry: _Registry, unit: Unit) -> None:
        self._registry, self._unit = registry, unit

    def __getitem__(self, name: str) -> Heuristic:
        return self._registry.of(self._unit)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry.of(self._unit))

    def __len__(self) -> int:
        return len(self._registry.of(self._unit))


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
        stacklevel=5,
    )
    return None


def _of_function(name: str, rule: Callable[[ScoringContext], Scores]) -> Heuristic:
    """Make a heuristic of a bare rule; it is given statistics, to be safe."""
    sentence = (inspect.getdoc(rule) or "A heuristic of your own.").splitlines()[0]
    title = name.replace("_", " ").capitalize()
    return Heuristic(name, title, sentence, "", rule, frozenset({"statistics"}))


_registry = _Registry()
HEURISTICS: Mapping[str, Heuristic] = _Of(_registry, "channels")
"""Name to heuristic that scores channels, in the order the window lists them."""
WEIGHT_HEURISTICS: Mapping[str, Heuristic] = _Of(_registry, "weights")
"""Name to heuristic that scores single weights, in the order the window lists them."""


def register(heuristic: Heuristic) -> Heuristic:
    """Add a heuristic; returns it, so it can be assigned in the same line.

    Raises
    ------
    PruningError
        When the name is taken.
    """
    _registry.add(heuristic)
    return heuristic


def register_modules(package: str, folders: Iterable[str]) -> None:
    """Register every heuristic of a package's modules that is not yet known.

    Parameters
    ----------
    package, folders
        Name of the package, and its ``__path__``.

    Raises
    ------
    PruningError
        When two heuristics have one name.
    """
    for found in iter_modules(folders, f"{package}."):
        for value in vars(import_module(found.name)).values():
            if isinstance(value, Heuristic) and not _registry.has(value):
                register(value)


def forget(heuristic: Heuristic) -> None:
    """Take a heuristic out."""
    _registry.remove(heuristic)


def find_installed() -> None:
    """Look for the heuristics of installed packages again."""
    _registry.look_again()


def find_heuristic(name: str, unit: Unit = "channels") -> Heuristic:
    """Return a heuristic by name.

    Parameters
    ----------
    name
        Without a prefix.
    unit
        What it scores.

    Raises
    ------
    PruningError
        When there is none, naming those there are.
    """
    known = _registry.of(unit)
    if name not in known:
        what = "" if unit == "channels" else " for single weights"
        raise PruningError(
            f"There is no heuristic '{name}'{what}: choose one of {', '.join(known)}."
        )
    return known[name]
