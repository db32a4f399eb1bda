"""Unstructured pruning: single weights are set to zero.

Shapes stay, so dense kernels get no faster; files compress better, and the
damage can be compared with that of structured pruning at the same sparsity.

To read this file, start from `make_masks`.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import PruningError
from core.pruning.planning.checks import check_model, check_request, check_statistics
from core.pruning.planning.limits import Limits, out_of_reach
from core.pruning.planning.scopes import WHOLE, layers_in, scope_names
from core.pruning.planning.weight_masks import MaskPlan, as_tensor
from core.pruning.scoring.heuristics import ScoringContext, find_heuristic
from core.pruning.scoring.heuristics.protocol import WeightScores
from core.pruning.scoring.statistics import Statistics
from core.pruning.tracing.copies import copied
from core.pruning.tracing.graph import ChannelGraph, GraphLayer


def make_masks(  # noqa: PLR0913 - mirrors make_plan
    module: nn.Module,
    graph: ChannelGraph,
    heuristic: str,
    sparsity: float,
    *,
    scope: str = "network",
    statistics: Statistics | None = None,
    seed: int = 0,
    locked: Sequence[str] = (),
) -> MaskPlan:
    """Decide which single weights are set to zero; nothing is changed yet.

    Biases and normalisation are left alone; outputs need no protection, since
    shapes stay.

    Parameters
    ----------
    module, graph
        A model and its trace.
    heuristic
        Key of `WEIGHT_HEURISTICS`.
    sparsity
        Share of all parameters to set to zero, 0 to `MAX_SPARSITY`; met exactly.
    scope
        ``"layer"`` (same share of every weight), ``"network"`` (one ranking),
        ``"encoder"``, ``"decoder"``, or the prefix of a branch or layer (one
        ranking within it).
    statistics
        From `calibrate`, for heuristics that look at activations or gradients.
    seed
        For the random heuristic.
    locked
        Names (or prefixes) of layers that keep all weights.

    Returns
    -------
    MaskPlan

    Raises
    ------
    PruningError
        Sparsity outside its range or out of reach, unknown heuristic or scope,
        missing statistics, weights that are not finite, another model's graph or
        statistics.
    """
    check_model(module, graph)
    check_request(graph, sparsity, "params", Limits(locked=locked))
    check_statistics(statistics, graph.shapes)
    layers = weights_in(module, graph, scope, locked)
    ask = ScoringContext(module, graph, statistics, seed)
    scores = find_heuristic(heuristic, "weights").score_weights(ask, layers)
    params = sum(p.numel() for p in module.parameters())
    gone = round(sparsity * params)
    most = sum(s.numel() for s in scores.values())
    if gone > most:
        narrow = scope not in WHOLE
        raise PruningError(out_of_reach(most / params, narrow=narrow))
    masks = _layerwise(scores, gone) if scope == "layer" else _together(scores, gone)
    request = {
        "kind": "unstructured",
        "heuristic": heuristic,
        "sparsity": sparsity,
        "scope": scope,
        "seed": seed,
        **({"locked": list(locked)} if locked else {}),
    }
    kept = {name: mask.numpy() for name, mask in masks.items() if not bool(mask.all())}
    return MaskPlan(kept, params, request)


def apply_masks(module: nn.Module, plan: MaskPlan) -> nn.Module:
    """Build a model of the same shapes with the removed weights at zero.

    Parameters
    ----------
    module
        The dense model; not changed.
    plan
        What is kept.

    Returns
    -------
    nn.Module
        A new module of the same class, with its own tensors.

    Raises
    ------
    PruningError
        When the plan was made for another model.
    """
    named = dict(module.named_parameters(remove_duplicate=False))
    memo: dict[int, Any] = {}
    for name, mask in plan.kept.items():
        weight = named.get(name)
        if weight is None or tuple(weight.shape) != mask.shape:
            found = "missing" if weight is None else tuple(weight.shape)
            raise PruningError(
                f"This plan was made for another model: {name} is {mask.shape} in the "
                f"plan and {found} here. Make a plan for this model."
            )
        with torch.no_grad():
            kept = as_tensor(mask).to(weight.device)
            values = torch.where(kept, weight, torch.zeros_like(weight))
        memo[id(weight)] = nn.Parameter(values, requires_grad=weight.requires_grad)
    return copied(module, memo)


def weights_in(
    module: nn.Module, graph: ChannelGraph, scope: str, locked: Sequence[str] = ()
) -> dict[str, GraphLayer]:
    """Return weights that a scope lets go, with the (last) layer that uses each.

    Raises
    ------
    PruningError
        When there are none.
    """
    learned = {name for name, _ in module.named_parameters()}
    everywhere = scope in WHOLE
    inside = frozenset() if everywhere else layers_in(graph, scope)
    kept = frozenset().union(*(layers_in(graph, name) for name in locked))
    found = {
        layer.weight: layer
        for layer in graph.producing_layers
        if layer.weight is not None
        and layer.weight in learned
        and (everywhere or layer.name in inside)
        and layer.name not in kept
    }
    if not found:
        names = ", ".join(scope_names(graph)[:12])
        raise PruningError(
            f"There are no weights in scope '{scope}': choose one of layer, network, "
            f"encoder, decoder, or a prefix such as {names}."
        )
    return found


def _together(scores: WeightScores, gone: int) -> dict[str, Tensor]:
    """Remove the lowest of all weights, as many as asked for."""
    flat = torch.cat([s.reshape(-1).double() for s in scores.values()])
    parts = torch.split(_lowest(flat, gone), [s.numel() for s in scores.values()])
    return {
        name: part.reshape(scores[name].shape)
        for name, part in zip(scores, parts, strict=True)
    }


def _layerwise(scores: WeightScores, gone: int) -> dict[str, Tensor]:
    """Remove the same share of each weight; remainders go to the largest ones."""
    total = sum(s.numel() for s in scores.values())
    exact = {name: gone * s.numel() / total for name, s in scores.items()}
    counts = {name: int(share) for name, share in exact.items()}
    order = sorted(exact, key=lambda name: counts[name] - exact[name])
    for name in order[: gone - sum(counts.values())]:
        counts[name] += 1
    return {
        name: _lowest(s.reshape(-1), counts[name]).reshape(s.shape)
        for name, s in scores.items()
    }


def _lowest(scores: Tensor, gone: int) -> Tensor:
    """Return True for all but exactly the ``gone`` lowest scores."""
    keep = torch.ones(scores.numel(), dtype=torch.bool)
    if gone:
        level = scores.kthvalue(gone).values
        keep[scores < level] = False
        # Equal scores: the first ones go, until the number is met.
        ties = torch.nonzero(scores == level).reshape(-1)
        keep[ties[: gone - int((~keep).sum())]] = False
    return keep
