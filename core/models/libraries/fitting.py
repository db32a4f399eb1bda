"""Which of several settings gives the names and shapes that a state dict has."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.models.architectures import LIBRARY, EmptyError, build, build_empty

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch import Tensor, nn

Shapes = dict[str, tuple[int, ...]]
_COUNTER = "num_batches_tracked"  # left out of some files
_MOST = 200  # settings that are tried


def to_config(library: str, network: str, arguments: Mapping[str, Any]) -> Any:
    """Return the settings of `core.models.libraries.networks.build_network`."""
    return {"library": library, "network": network, "arguments": dict(arguments)}


def shapes(state: Mapping[str, Tensor]) -> Shapes:
    """Names and shapes, counters of batches left out."""
    return {
        name: tuple(tensor.shape)
        for name, tensor in state.items()
        if not name.endswith(_COUNTER)
    }


def build_for_shapes(config: Mapping[str, Any]) -> nn.Module:
    """Build a network to look at its shapes, without weights where that can be.

    Raises
    ------
    ModelError
        As `core.models.architectures.build` does.
    """
    try:
        return build_empty(LIBRARY, config)
    except EmptyError:
        return build(LIBRARY, config)


def difference(wanted: Shapes, found: Shapes) -> str:
    """Say in a few words what differs; empty when nothing does."""
    for name, shape in wanted.items():
        if name not in found:
            return f"{name!r} is missing"
        if found[name] != shape:
            return f"{name!r} has shape {found[name]} where {shape} is expected"
    extra = next((name for name in found if name not in wanted), "")
    return f"{extra!r} does not belong to it" if extra else ""


def find_fitting(
    configs: Iterable[Mapping[str, Any]], state: Mapping[str, Tensor], what: str
) -> dict[str, Any]:
    """Return the first settings whose network has the names and shapes of `state`.

    Parameters
    ----------
    configs
        Likely ones first.
    state
        State-dict name -> tensor.
    what
        For the sentence: what the weights look like.

    Raises
    ------
    ModelError
        When none has; says what differs from the closest.
    """
    found = shapes(state)
    closest, problem = -1, "none of its settings can be built"
    for config in islice(configs, _MOST):
        try:
            wanted = shapes(build_for_shapes(config).state_dict())
        except ModelError as error:
            if closest < 0:
                problem = str(error)
            continue
        text = difference(wanted, found)
        if not text:
            return dict(config)
        alike = len(wanted.items() & found.items())
        if alike > closest:
            closest, problem = alike, text
    raise ModelError(f"{what}, but no settings fit its weights: {problem}")
