"""Heuristics that look at the weights alone."""

import numpy as np
import torch
from torch import Tensor

from core.pruning.scoring.heuristics.protocol import (
    AtomSums,
    Heuristic,
    Scores,
    ScoringContext,
    by_group_mean,
    output_slices,
    parameters,
)


def _random(ask: ScoringContext) -> Scores:
    return np.random.default_rng(ask.seed).random(ask.graph.atoms)


def _norms(matrix: Tensor, order: int) -> Tensor:
    """Norm of each row, without a copy of the matrix."""
    norms: Tensor = torch.linalg.vector_norm(matrix, ord=order, dim=1)
    return norms


def _l1(ask: ScoringContext) -> Scores:
    total = AtomSums(ask.graph)
    for part in output_slices(ask):
        total.add(part.atoms, _norms(part.matrix, 1) / part.matrix.shape[1])
    return by_group_mean(ask.graph, total.mean)


def _l2(ask: ScoringContext) -> Scores:
    total = AtomSums(ask.graph)
    for part in output_slices(ask):
        total.add(part.atoms, _norms(part.matrix, 2).square() / part.matrix.shape[1])
    return by_group_mean(ask.graph, np.sqrt(total.mean))


def _fpgm(ask: ScoringContext) -> Scores:
    total = AtomSums(ask.graph)
    for part in output_slices(ask):
        spread = torch.cdist(part.matrix, part.matrix).sum(1)
        total.add(part.atoms, spread)
    return by_group_mean(ask.graph, total.mean)


def _bn_scale(ask: ScoringContext) -> Scores:
    tensors = parameters(ask.module)
    total = AtomSums(ask.graph)
    for layer in ask.graph.layers:
        if layer.kind == "norm" and layer.weight is not None:
            total.add(layer.outputs, tensors[layer.weight].abs())
    scores = total.mean
    bare = total.count == 0
    if bare.any():
        # Channels without a scale of their own rank by norm, around a usual scale.
        usual = float(np.median(scores[~bare])) if (~bare).any() else 1.0
        scores[bare] = (_l2(ask) * usual)[bare]
    return scores


def _lamp(ask: ScoringContext) -> Scores:
    """LAMP on squared filter norms: each over the sum of those at least as large."""
    total = AtomSums(ask.graph)
    for part in output_slices(ask):
        total.add(part.atoms, _norms(part.matrix, 2).square())
    power = total.mean
    scores = np.zeros_like(power)
    for members in ask.graph.groups:
        order = members[np.argsort(power[members], kind="stable")]
        left = np.cumsum(power[order][::-1])[::-1]
        scores[order] = power[order] / np.maximum(left, 1e-300)
    return scores


RANDOM = Heuristic(
    "random",
    "Random",
    "Removes channels by chance: the baseline that every heuristic has to beat.",
    "Blalock et al. 2020, arXiv 2003.03033",
    _random,
)
L1 = Heuristic(
    "l1",
    "L1 norm",
    "Removes channels whose filters have the smallest sum of absolute weights.",
    "Li et al. 2017, arXiv 1608.08710",
    _l1,
)
L2 = Heuristic(
    "l2",
    "L2 norm",
    "Removes channels whose filters have the smallest Euclidean norm.",
    "Li et al. 2017, arXiv 1608.08710; Adnan et al. 2024, arXiv 2404.08831",
    _l2,
)
FPGM = Heuristic(
    "fpgm",
    "Geometric median",
    "Removes filters that lie nearest to all others of their layer, which can "
    "stand in for them.",
    "He et al. 2019, arXiv 1811.00250",
    _fpgm,
)
BN_SCALE = Heuristic(
    "bn_scale",
    "Batch-norm scale",
    "Removes channels that batch normalisation scales down most (network slimming).",
    "Liu et al. 2017, arXiv 1708.06519",
    _bn_scale,
    frozenset({"batch norm"}),
)
LAMP = Heuristic(
    "lamp",
    "LAMP",
    "Compares each filter with the stronger ones of its layer, so one ranking "
    "serves all layers.",
    "Lee et al. 2021, arXiv 2010.07611",
    _lamp,
)
