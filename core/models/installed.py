"""Networks of other installed packages, by the entry point group ``prunescope.models``.

Whoever installs a package has agreed to run its code; it is loaded when a model is
looked for by name, or when weights belong to no network that is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from core.errors import ModelError
from core.models.formats.states import inner_states
from core.models.weights import check_fit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from core.models.loaded import Found
    from core.types import ModelSpec

GROUP = "prunescope.models"


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A network that a package brings.

    Parameters
    ----------
    spec
        How it is fed and read; its ``architecture`` is the name of the entry point,
        its ``config`` the keyword arguments of the builder.
    builder
        Returns the network, given ``config``.
    description
        One line for the catalogue.
    """

    spec: ModelSpec
    builder: Callable[..., nn.Module]
    description: str = "of another package"


@cache
def installed_models() -> Mapping[str, InstalledModel]:
    """Return the networks of installed packages by name; broken ones are left out."""
    found: dict[str, InstalledModel] = {}
    for point in entry_points(group=GROUP):
        try:
            loaded = point.load()
        except Exception:  # noqa: BLE001 - a broken package must not stop the rest
            continue
        if isinstance(loaded, InstalledModel) and point.name not in found:
            spec = replace(loaded.spec, architecture=point.name)
            found[point.name] = replace(loaded, spec=spec)
    return found


def recognise_installed(state: Mapping[str, Tensor], path: Path) -> Found | None:
    """Return the installed network that weights belong to, and their names in it."""
    for model in installed_models().values():
        module = model.builder(**model.spec.config)
        for inner in inner_states(state):
            try:
                check_fit(module, inner, path.name)
            except ModelError:
                continue
            return replace(model.spec, name=path.stem), inner
    return None
