"""From a plan to a smaller model: one index-select per tensor dimension.

The dense model is never touched and never copied: its structure is copied with
every tensor replaced by its cut version.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import PruningError
from core.pruning.applying.refit import refit, select
from core.pruning.planning.checks import check_statistics
from core.pruning.planning.plan import PruningPlan
from core.pruning.scoring.statistics import Statistics
from core.pruning.tracing.copies import copied
from core.pruning.tracing.modes import tensors_of

_HOOKS = (
    *("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"),
    *("_state_dict_hooks", "_load_state_dict_pre_hooks"),
)


def apply_plan(
    module: nn.Module, plan: PruningPlan, *, statistics: Statistics | None = None
) -> nn.Module:
    """Build the pruned model.

    Parameters
    ----------
    module
        The dense model that the plan was made for; not changed.
    plan
        What is kept.
    statistics
        From `calibrate` on the dense model: the remaining weights are then
        refitted (see ``core.pruning.applying.refit``).

    Returns
    -------
    nn.Module
        A new module of the same class, with its own tensors.

    Raises
    ------
    PruningError
        When the plan was made for another model, or the statistics were.
    """
    state = tensors_of(module)
    _check(state, plan)
    check_statistics(statistics, plan.shapes)
    with torch.no_grad():
        repaired = {} if statistics is None else refit(state, plan, statistics)
        # ``deepcopy`` looks tensors up in its memo first: give it the cut ones.
        memo: dict[int, Any] = {}
        for name, tensor in state.items():
            if id(tensor) in memo:
                continue
            cut = repaired.get(name)
            if cut is None:
                cut = select(tensor, plan.kept.get(name, ()))
            memo[id(tensor)] = _as(tensor, cut)
        for child in reversed(list(module.modules())):  # what is inside comes first
            if _is_plain(child, memo):
                memo[id(child)] = _clone(child, memo)
        pruned = memo.get(id(module)) or copied(module, memo)
    _set_attributes(pruned, plan)
    return pruned


_TABLES = frozenset(["_parameters", "_buffers", "_modules"])
_TORCHS = frozenset(vars(nn.Module()))
_CONSTANTS = (
    *(bool, int, float, complex, str, bytes, type(None)),
    *(torch.dtype, torch.device, torch.memory_format, torch.Size),
)


def _is_plain(module: nn.Module, memo: dict[int, Any]) -> bool:
    """Tell whether a module is its parts, its tensors and constants, nothing else."""
    own = vars(module)
    # Hooks may be bound to the dense model: deepcopy finds what they belong to.
    if any(own[name] for name in _HOOKS) or not _copies_plainly(type(module)):
        return False
    if any(part and id(part) not in memo for part in own["_modules"].values()):
        return False
    return all(
        _is_constant(value) or (name in _TORCHS and isinstance(value, dict | set))
        for name, value in own.items()
    )


def _copies_plainly(kind: type) -> bool:
    """Tell whether a class leaves copying to torch and Python."""
    if hasattr(kind, "__deepcopy__"):
        return False
    return kind.__module__.startswith("torch.nn.modules.") or all(
        getattr(kind, name) is getattr(nn.Module, name)
        for name in ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")
    )


def _is_constant(value: object) -> bool:
    """Tell whether copies may share a value."""
    if type(value) is tuple:
        return all(_is_constant(each) for each in value)
    return type(value) in _CONSTANTS


def _clone(module: nn.Module, memo: dict[int, Any]) -> nn.Module:
    """Copy a plain module.

    ``deepcopy`` would do the same forty times slower, and layers are many.
    """
    clone: nn.Module = type(module).__new__(type(module))
    for key, value in vars(module).items():
        held = value
        if key in _TABLES:
            held = {name: memo.get(id(part), part) for name, part in value.items()}
        own = isinstance(value, dict | set)
        clone.__dict__[key] = type(value)(held) if own else value
    return clone


def _check(state: dict[str, Tensor], plan: PruningPlan) -> None:
    for name, tensor in state.items():
        if tensor.dim() and name not in plan.shapes:
            raise PruningError(
                f"This plan was made for another model: it does not know {name}. Make "
                "a plan from a trace of this model."
            )
    for name, shape in plan.shapes.items():
        if name not in state or tuple(state[name].shape) != shape:
            found = tuple(state[name].shape) if name in state else "missing"
            raise PruningError(
                f"This plan was made for another model: {name} is {shape} in the plan "
                f"and {found} here. Make a plan from a trace of this model."
            )


def _as(original: Tensor, values: Tensor) -> Tensor:
    """Return a copy of ``values`` as the kind of tensor that ``original`` is."""
    values = flush_subnormal(values.detach())
    if original.is_contiguous():
        # Convolutions round differently for other strides, which a repaired kernel
        # may have (and a 1x1 one even when it counts as contiguous); what is saved
        # and read back would not give the same outputs.
        values = values.contiguous().reshape(-1).view(values.shape)
    if isinstance(original, nn.Parameter):
        return nn.Parameter(values, requires_grad=original.requires_grad)
    return values


def flush_subnormal(tensor: Tensor) -> Tensor:
    """Return a copy with subnormal values set to zero.

    One layer with batch-norm scales near 1e-39 runs tens of times slower on a CPU.
    """
    if not tensor.is_floating_point() or tensor.dtype is torch.float16:
        return tensor.clone()
    return functional.hardshrink(tensor, torch.finfo(tensor.dtype).tiny)


def _set_attributes(module: nn.Module, plan: PruningPlan) -> None:
    for path, value in plan.attributes.items():
        owner, _, attribute = path.rpartition(".")
        try:
            target = module.get_submodule(owner)
        except AttributeError as error:
            raise PruningError(
                f"This plan was made for another model: there is no layer {owner}."
            ) from error
        if not _narrows(getattr(target, attribute, None), value):
            raise PruningError(
                f"This plan is damaged or made for another model: it sets {path} to "
                f"{value}. Make a plan from a trace of this model."
            )
        # Not ``setattr``: a module's own is slow, and a width is a plain attribute.
        vars(target)[attribute] = value


def _narrows(now: object, value: int | tuple[int, ...]) -> bool:
    """Tell whether a value is a smaller width of the same form; files may lie."""
    if isinstance(value, tuple):
        if not isinstance(now, tuple) or len(now) != len(value):
            return False
        return all(_narrows(old, new) for old, new in zip(now, value, strict=True))
    return isinstance(now, int) and not isinstance(now, bool) and 0 < value <= now
