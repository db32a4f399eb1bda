"""Heuristics that look at gradients of the outputs, without labels."""

import torch

from core.pruning.scoring.heuristics.protocol import (
    AtomSums,
    Heuristic,
    Need,
    Scores,
    ScoringContext,
    output_slices,
    parameters,
)


def _taylor(ask: ScoringContext) -> Scores:
    """Mean over batches of (sum of g w over a filter) squared."""
    gradients = ask.measured.gradients(ask.module)
    tensors = parameters(ask.module)
    total = AtomSums(ask.graph)
    for sample in gradients.samples:
        products = {name: g * tensors[name] for name, g in sample.items()}
        for part in output_slices(ask, products):
            total.add(part.atoms, part.matrix.sum(1).square())
    return total.sum / max(len(gradients.samples), 1)


def _fisher(ask: ScoringContext) -> Scores:
    """Sum over a filter of E[g squared] w squared / 2 (the OBD saliency)."""
    gradients = ask.measured.gradients(ask.module)
    tensors = parameters(ask.module)
    saliency = {
        name: torch.mul(square, tensors[name].square()) / 2
        for name, square in gradients.square.items()
    }
    total = AtomSums(ask.graph)
    for part in output_slices(ask, saliency):
        total.add(part.atoms, part.matrix.sum(1))
    return total.sum


_STATISTICS: frozenset[Need] = frozenset({"statistics"})

TAYLOR = Heuristic(
    "taylor",
    "Taylor",
    "Estimates to first order how much the outputs change when a filter goes; "
    "needs no labels.",
    "Molchanov et al. 2019, arXiv 1906.10771, on the model's own outputs",
    _taylor,
    _STATISTICS,
)
FISHER = Heuristic(
    "fisher",
    "Fisher (OBD)",
    "Estimates to second order, weight by weight, how much the outputs change; "
    "needs no labels.",
    "LeCun et al. 1990 (Optimal Brain Damage); Theis et al. 2018, arXiv 1801.05787",
    _fisher,
    _STATISTICS,
)
