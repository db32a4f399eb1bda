"""Heuristics that score single weights, for unstructured pruning."""

import numpy as np
import torch
from torch import Tensor

from core.pruning.scoring.heuristics.protocol import Heuristic, ScoringContext
from core.pruning.tracing.graph import GraphLayer


def _magnitude(ask: ScoringContext, layer: GraphLayer, weight: Tensor) -> Tensor:
    return weight.abs()


def _random(ask: ScoringContext, layer: GraphLayer, weight: Tensor) -> Tensor:
    # Each weight has its own stream, so that scopes do not change the others.
    place = [other.weight for other in ask.graph.producing_layers].index(layer.weight)
    generator = torch.Generator().manual_seed(ask.seed * 1_000_003 + place)
    return torch.rand(weight.shape, generator=generator, dtype=torch.float64)


def _taylor(ask: ScoringContext, layer: GraphLayer, weight: Tensor) -> Tensor:
    """Mean over batches of (g w) squared: the first-order change of the outputs."""
    assert layer.weight is not None
    return weight.square() * ask.measured.gradients(ask.module).square[layer.weight]


def _activation(ask: ScoringContext, layer: GraphLayer, weight: Tensor) -> Tensor:
    """Absolute weight times the root mean square of the input it multiplies."""
    moments = ask.measured.moments.get(layer.weight or "")
    if moments is None:  # inputs too wide for moments: all are taken as equal
        return weight.abs()
    norm = torch.from_numpy(np.sqrt(moments.power)).to(weight)
    rest = [1] * (weight.dim() - 2)
    if layer.kind == "transposed":
        return weight.abs() * norm.reshape(-1, 1, *rest)
    # Output o of a grouped convolution reads the channels of its own group.
    rows = norm.reshape(layer.groups, 1, -1)
    rows = rows.expand(-1, weight.shape[0] // layer.groups, -1)
    return weight.abs() * rows.reshape(weight.shape[0], -1, *rest)


MAGNITUDE = Heuristic(
    "magnitude",
    "Magnitude",
    "Sets the smallest weights to zero.",
    "Han et al. 2015, arXiv 1506.02626; Mahbod et al. 2022, arXiv 2206.07422",
    _magnitude,
    unit="weights",
)
ACTIVATION = Heuristic(
    "activation",
    "Weight x activation",
    "Sets weights to zero that are small or multiply inputs that are.",
    "Sun et al. 2023, arXiv 2306.11695 (Wanda)",
    _activation,
    frozenset({"statistics"}),
    unit="weights",
)
WEIGHT_TAYLOR = Heuristic(
    "taylor",
    "Taylor",
    "Sets weights to zero whose absence moves the outputs least, to first order; needs "
    "no labels.",
    "Molchanov et al. 2019, arXiv 1906.10771, on the model's own outputs",
    _taylor,
    frozenset({"statistics"}),
    unit="weights",
)
RANDOM_WEIGHTS = Heuristic(
    "random",
    "Random",
    "Sets weights to zero by chance: the baseline to beat.",
    "Blalock et al. 2020, arXiv 2003.03033",
    _random,
    unit="weights",
)
