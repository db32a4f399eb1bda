"""From a plan to a smaller model: one index-select per tensor dimension.

The dense model is never touched and never copied: its structure is copied with
every tensor replaced by its cut version.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import PruningError
from core.pruning.applying.refit import refit
from core.pruning.planning.checks import check_statistics
from core.pruning.planning.plan import Kept, PruningPlan
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
                cut = _cut(tensor, plan.kept.get(name, ()))
            memo[id(tensor)] = _as(tensor, cut)
        for child in module.modules():
            if _is_plain_leaf(child):
                memo[id(child)] = _clone_leaf(child, memo)
        pruned = copied(module, memo)
    _set_attributes(pruned, plan)
    return pruned


def _is_plain_leaf(module: nn.Module) -> bool:
    """Tell whether a module is one of torch's own layers with nothing inside."""
    plain = type(module).__module__.startswith("torch.nn.modules.")
    own = vars(module)
    # Hooks may be bound to the dense model: deepcopy finds what they belong to.
    if not plain or own["_modules"] or any(own[name] for name in _HOOKS):
        return False
    # A recurrent layer holds its weights in a list once more: leave such to deepcopy.
    kinds = set(map(type, own.values()))
    return not any(issubclass(kind, list | Tensor) for kind in kinds)


def _clone_leaf(module: nn.Module, memo: dict[int, Any]) -> nn.Module:
    """Copy one of torch's own layers; its settings are immutable.

    ``deepcopy`` would do the same forty times slower, and layers are many.
    """
    clone: nn.Module = type(module).__new__(type(module))
    for key, value in vars(module).items():
        held = dict(value) if isinstance(value, dict) else value
        if key in ("_parameters", "_buffers"):
            held = {name: memo.get(id(t), t) for name, t in held.items()}
        elif isinstance(value, dict):
            held = type(value)(value)
        clone.__dict__[key] = held
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


def _cut(tensor: Tensor, entries: Kept) -> Tensor:
    for dim, entry in enumerate(entries):
        if entry is not None:
            index = torch.from_numpy(entry).to(tensor.device)
            tensor = tensor.index_select(dim, index)
    return tensor


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
