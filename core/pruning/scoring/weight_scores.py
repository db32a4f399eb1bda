"""Heuristics that score single weights, for unstructured pruning.

To read this file, start from `WEIGHT_HEURISTICS`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from core.errors import PruningError
from core.pruning.scoring.heuristics.protocol import Need, ScoringContext, parameters
from core.pruning.tracing.graph import Layer

WeightScores = dict[str, Tensor]
"""Weight name to scores of the weight's shape, higher is worth more."""


@dataclass(frozen=True, slots=True)
class WeightHeuristic:
    """A rule that scores single weights.

    Parameters
    ----------
    name
        Key in `WEIGHT_HEURISTICS`.
    title, sentence, paper
        For a list, a tooltip, and where it comes from.
    rule
        ``ScoringContext, Layer, weight -> scores`` of the weight's shape.
    needs
        What the call must have.
    """

    name: str
    title: str
    sentence: str
    paper: str
    rule: Callable[[ScoringContext, Layer, Tensor], Tensor]
    needs: frozenset[Need] = field(default_factory=frozenset)

    def score(self, ask: ScoringContext, layers: Mapping[str, Layer]) -> WeightScores:
        """Return scores of the weights of some layers.

        Raises
        ------
        PruningError
            When statistics are needed and missing.
        """
        if "statistics" in self.needs:
            _ = ask.measured
        tensors = parameters(ask.module)
        with torch.no_grad():
            return {
                name: self.rule(ask, layer, tensors[name])
                for name, layer in layers.items()
            }


def find_weight_heuristic(name: str) -> WeightHeuristic:
    """Return a heuristic by name.

    Raises
    ------
    PruningError
        When there is none, naming those there are.
    """
    if name not in WEIGHT_HEURISTICS:
        raise PruningError(
            f"There is no heuristic '{name}' for single weights: choose one of "
            f"{', '.join(WEIGHT_HEURISTICS)}."
        )
    return WEIGHT_HEURISTICS[name]


def _magnitude(ask: ScoringContext, layer: Layer, weight: Tensor) -> Tensor:
    return weight.abs()


def _random(ask: ScoringContext, layer: Layer, weight: Tensor) -> Tensor:
    # Each weight has its own stream, so that scopes do not change the others.
    place = [other.weight for other in ask.graph.producing_layers].index(layer.weight)
    generator = torch.Generator().manual_seed(ask.seed * 1_000_003 + place)
    return torch.rand(weight.shape, generator=generator, dtype=torch.float64)


def _taylor(ask: ScoringContext, layer: Layer, weight: Tensor) -> Tensor:
    """Mean over batches of (g w) squared: the first-order change of the outputs."""
    assert layer.weight is not None
    return weight.square() * ask.measured.gradients(ask.module).square[layer.weight]


def _activation(ask: ScoringContext, layer: Layer, weight: Tensor) -> Tensor:
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


_STATISTICS: frozenset[Need] = frozenset({"statistics"})

WEIGHT_HEURISTICS: Mapping[str, WeightHeuristic] = MappingProxyType(
    {
        heuristic.name: heuristic
        for heuristic in (
            WeightHeuristic(
                "magnitude",
                "Magnitude",
                "Sets the smallest weights to zero.",
                "Han et al. 2015, arXiv 1506.02626; Mahbod et al. 2022, "
                "arXiv 2206.07422",
                _magnitude,
            ),
            WeightHeuristic(
                "activation",
                "Weight x activation",
                "Sets weights to zero that are small or multiply inputs that are.",
                "Sun et al. 2023, arXiv 2306.11695 (Wanda)",
                _activation,
                _STATISTICS,
            ),
            WeightHeuristic(
                "taylor",
                "Taylor",
                "Sets weights to zero whose absence moves the outputs least, to first "
                "order; needs no labels.",
                "Molchanov et al. 2019, arXiv 1906.10771, on the model's own outputs",
                _taylor,
                _STATISTICS,
            ),
            WeightHeuristic(
                "random",
                "Random",
                "Sets weights to zero by chance: the baseline to beat.",
                "Blalock et al. 2020, arXiv 2003.03033",
                _random,
            ),
        )
    }
)
"""Name to heuristic, in the order a list shows them."""
