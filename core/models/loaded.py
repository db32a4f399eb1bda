"""A network together with what must be known to use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

    from core.pruning import PruningPlan
    from core.types import ModelSpec

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
    """

    module: nn.Module
    spec: ModelSpec
    plan: PruningPlan | None = None


def remember_origin(
    module: nn.Module, spec: ModelSpec, plan: PruningPlan | None
) -> None:
    """Note on `module` itself which spec and plan it was made from."""
    setattr(module, _ORIGIN, (spec, plan))


def origin_of(module: nn.Module) -> tuple[ModelSpec, PruningPlan | None] | None:
    """What `remember_origin` noted, also on a copy; None for other modules."""
    origin: tuple[ModelSpec, PruningPlan | None] | None = getattr(module, _ORIGIN, None)
    return origin
