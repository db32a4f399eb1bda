"""Networks into files that load anywhere without running code."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import ModelError, PruningError
from core.models.container import Container, encode, write_atomically
from core.models.loaded import LoadedModel, origin_of
from core.models.probe import probe
from core.models.rebuilding import rebuild
from core.models.weights import check_finite, portable
from core.pruning import apply_plan

if TYPE_CHECKING:
    import os

    from torch import nn

    from core.pruning import PruningPlan
    from core.types import ModelSpec


def save_model(
    path: str | os.PathLike[str],
    model: LoadedModel | nn.Module,
    plan: PruningPlan | None = None,
) -> None:
    """Write a network to one safetensors file that `load_model` reads back.

    The file is complete or not there at all, and it is rebuilt in memory before
    it is written, so a file that was written also loads.

    Parameters
    ----------
    path
        Where to; an existing file is replaced.
    model
        What `load_model` returned (or a `LoadedModel` made from a pruned module
        and the spec of the dense one), or a module that descends from one.
    plan
        What was removed from it, relative to the dense architecture or to the
        pruned network that was loaded. None when nothing was removed since. A
        module that still has the shapes before `plan` is saved as `plan` leaves
        it, without repair.

    Raises
    ------
    ModelError
        When the architecture of `model` is unknown, `plan` does not lead to its
        shapes, weights are not finite, or the file cannot be written.
    """
    target = Path(path)
    if target.is_dir():
        raise ModelError(
            f"{target} is a folder; name a file, such as model.safetensors"
        )
    module, spec, before = _parts(model)
    check_finite(module.state_dict(), spec.name)
    plans = _candidates(before, plan)
    fitting, copy = _rebuilt(spec, _pruned(module, plan), plans)
    container = Container(
        spec=spec,
        plan=None if fitting is None else fitting.to_json(),
        probe=probe(copy, spec),
        state=portable(copy),
    )
    write_atomically(target, encode(container))


def _parts(
    model: LoadedModel | nn.Module,
) -> tuple[nn.Module, ModelSpec, PruningPlan | None]:
    if isinstance(model, LoadedModel):
        return model.module, model.spec, model.plan
    origin = origin_of(model)
    if origin is None:
        raise ModelError(
            f"a bare {type(model).__name__} does not say how to rebuild it; "
            "save a LoadedModel, which carries the description"
        )
    return model, origin.spec, origin.plan


def _candidates(
    before: PruningPlan | None, plan: PruningPlan | None
) -> list[PruningPlan | None]:
    """Plans that may lead from the dense architecture to the module."""
    if plan is None or plan is before:
        return [before]
    plans: list[PruningPlan | None] = [plan]
    if before is not None:
        with suppress(PruningError):  # not made for what `before` leaves
            plans.append(before.then(plan))
    return plans


def _pruned(module: nn.Module, plan: PruningPlan | None) -> nn.Module:
    """`module` after `plan`, whichever of both states it is handed over in."""
    if plan is None:
        return module
    try:
        return apply_plan(module, plan)
    except PruningError:  # it has other shapes: pruned already
        return module


def _rebuilt(
    spec: ModelSpec, module: nn.Module, plans: list[PruningPlan | None]
) -> tuple[PruningPlan | None, nn.Module]:
    """The first plan that leads to the shapes of `module`, and a copy made by it."""
    state = portable(module)
    problem = None
    for plan in plans:
        try:
            return plan, rebuild(spec, plan, state, spec.name)
        except ModelError as error:
            problem = problem or error
    raise ModelError(
        f"the network is not what its architecture and plan give, so it could not be "
        f"loaded again; pass the plan that it was pruned with ({problem})"
    )
