"""From a description to the network it describes, pruned ones included."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import torch

from core.errors import BenchError, ModelError
from core.models.architectures import (
    LIBRARY,
    EmptyError,
    build,
    build_empty,
    needs_values,
)
from core.models.weights import adopt
from core.pruning import PruningPlan, apply_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from core.types import ModelSpec

_LARGEST = 2_000_000_000  # parameters; eight gigabytes, more than any nuclei model


def plan_from_json(text: str, where: str) -> PruningPlan:
    """Read a plan.

    Raises
    ------
    ModelError
        When the text is not one.
    """
    try:
        return PruningPlan.from_json(text)
    except (
        BenchError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
    ) as error:
        raise ModelError(
            f"the pruning plan inside {where} is damaged; copy or export it again"
        ) from error


def skeleton(spec: ModelSpec, plan: PruningPlan | None, where: str) -> nn.Module:
    """The network of `spec` with the shapes that `plan` leaves, weights unset.

    Parameters
    ----------
    spec
        Names the architecture.
    plan
        Relative to the dense architecture, or None.
    where
        File name that starts an error message.

    Returns
    -------
    nn.Module
        In eval mode; on the meta device when there is no plan.

    Raises
    ------
    ModelError
        When it cannot be built, or the plan is not one of this network.
    """
    if spec.architecture == LIBRARY:
        module = _of_library(spec, where)
    elif _needs_values(spec):
        module = build(spec.architecture, spec.config)
        _check_size(module, where)
    else:
        module = build_empty(spec.architecture, spec.config)
    if plan is None:
        return module
    if spec.architecture != LIBRARY and not _needs_values(spec):
        _check_size(module, where)
        module = module.to_empty(device="cpu")
        with torch.no_grad():
            for tensor in (*module.parameters(), *module.buffers()):
                tensor.zero_()
    try:
        return apply_plan(module, plan).eval()
    except (BenchError, ValueError, KeyError, IndexError, RuntimeError) as error:
        raise ModelError(
            f"the pruning plan of {where} does not fit the architecture "
            f"{spec.architecture!r}; use the plan that this network was pruned with"
        ) from error


def _needs_values(spec: ModelSpec) -> bool:
    inner = spec.config.get("architecture", spec.architecture)
    return needs_values(str(inner))


def _check_size(module: nn.Module, where: str) -> None:
    if sum(p.numel() for p in module.parameters()) > _LARGEST:
        raise ModelError(
            f"{where} asks for a network of more than {_LARGEST:,} parameters; "
            "the file is damaged, copy or export it again"
        )


def _of_library(spec: ModelSpec, where: str) -> nn.Module:
    """Build a network of another library.

    Such a network may keep constants that are in no file of weights, so it is built
    with values; its size is looked at before, where it can be built without.
    """
    with suppress(EmptyError):
        _check_size(build_empty(spec.architecture, spec.config), where)
    return build(spec.architecture, spec.config)


def rebuild(
    spec: ModelSpec,
    plan: PruningPlan | None,
    state: Mapping[str, Tensor],
    where: str,
) -> nn.Module:
    """The network of `spec` and `plan` with the weights `state`.

    Raises
    ------
    ModelError
        When the parts do not belong together.
    """
    module = skeleton(spec, plan, where)
    adopt(module, state, where)
    return module
