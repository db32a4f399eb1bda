"""A network together with what must be known to use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn

    from core.pruning import PruningPlan
    from core.types import ModelSpec

    Found = tuple[ModelSpec, dict[str, Tensor]]
    """Description of a network that was recognised, and its weights by their names."""

# A plain attribute, so that a deep copy or a pruned copy of a module still
# knows which architecture it came from when it is saved without its spec.
_ORIGIN = "prunescope_origin"


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network that is ready to predict.

    Parameters
    ----------
    module
        The network, in eval mode.
    spec
        How to feed it and how to read its outputs.
    plan
        What was removed, relative to the dense architecture of `spec`; None for
        a dense network.
    trained
        False for a network of the catalogue with random weights.
    notes
        Sentences about how it was opened that a user should know.
    """

    module: nn.Module
    spec: ModelSpec
    plan: PruningPlan | None = None
    trained: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a module came from.

    Parameters
    ----------
    spec
        Of the dense network.
    plan
        That had been applied when it was loaded, or None.
    """

    spec: ModelSpec
    plan: PruningPlan | None

    def __deepcopy__(self, memo: dict[int, object]) -> Origin:
        """Itself: it never changes, and pruning copies modules often."""
        return self


def remember_origin(
    module: nn.Module, spec: ModelSpec, plan: PruningPlan | None
) -> None:
    """Note on `module` itself which spec and plan it was made from."""
    setattr(module, _ORIGIN, Origin(spec, plan))


def origin_of(module: nn.Module) -> Origin | None:
    """What `remember_origin` noted, also on a copy; None for other modules."""
    origin: Origin | None = getattr(module, _ORIGIN, None)
    return origin
