"""What a heuristic is, and the sums over slices that all of them share."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import PruningError
from core.pruning.scoring.statistics import Statistics
from core.pruning.tracing.graph import AtomArray, ChannelGraph, GraphLayer
from core.pruning.tracing.labels import FIXED
from core.pruning.tracing.modes import tensors_of
from core.types import Count

Scores = NDArray[np.float64]
Need = Literal["batch norm", "statistics"]
Unit = Literal["channels", "weights"]
WeightScores = dict[str, Tensor]
"""Weight name to scores of the weight's shape, higher is worth more."""
Weighing = Literal["gradients", "outputs", "positions"]
"""How errors of different layers are made comparable.

``"gradients"``: by how far they move the outputs of the model (`Curvature`).
``"outputs"``: relative to the spread of the layer's output, summed over positions.
``"positions"``: the same for one position, whatever the size of the map.
"""


@dataclass(frozen=True, slots=True)
class ScoringContext:
    """All that a heuristic may look at.

    Parameters
    ----------
    module, graph
        The dense model and its trace.
    statistics
        From calibration tiles, or None.
    seed
        For random choices.
    count
        What the sparsity is a share of; a heuristic may weigh cost by it.
    """

    module: nn.Module
    graph: ChannelGraph
    statistics: Statistics | None = None
    seed: int = 0
    count: Count = "params"

    @property
    def measured(self) -> Statistics:
        """Return the statistics.

        Raises
        ------
        PruningError
            When there are none.
        """
        if self.statistics is None:
            raise PruningError(
                "This heuristic looks at activations: calibrate on a few unlabelled "
                "tiles first and pass the statistics."
            )
        return self.statistics


def _no_notes(_: ScoringContext) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Heuristic:
    """A rule that scores what may be removed.

    Parameters
    ----------
    name
        Key in `HEURISTICS`, or in `WEIGHT_HEURISTICS`.
    title
        Shown in the window.
    sentence
        What it does, for a tooltip.
    paper
        Where it comes from.
    rule
        Of channels: ``ScoringContext -> float64 (atoms,)``, higher is worth more;
        the entry of the fixed atom is ignored. Of weights: ``ScoringContext, Layer,
        weight -> scores`` of the weight's shape.
    needs
        What the model or the call must have.
    weighs_cost
        Whether scores are per cost already.
    unit
        What is scored: ``"channels"`` or single ``"weights"``.
    weighing
        How the errors of layers are compared, for heuristics that eliminate channels
        and refit the rest; None for all others. With it, plans that aim at time are
        found block by block (`core.pruning.planning.block_order`).
    notes
        Sentences about what the rule could not do on a model, for the plan's warnings.
    """

    name: str
    title: str
    sentence: str
    paper: str
    rule: Callable[..., Any]
    needs: frozenset[Need] = field(default_factory=frozenset)
    weighs_cost: bool = False
    unit: Unit = "channels"
    weighing: Weighing | None = None
    notes: Callable[[ScoringContext], tuple[str, ...]] = _no_notes

    def score(self, ask: ScoringContext) -> Scores:
        """Return a score for every atom.

        Raises
        ------
        PruningError
            When the model or the call lacks what the heuristic needs.
        """
        reason = self.unavailable(ask.graph)
        if reason:
            raise PruningError(reason)
        if "statistics" in self.needs:
            _ = ask.measured
        scores: Scores = self.rule(ask)
        if scores.shape != (ask.graph.atoms,) or not np.isfinite(scores[1:]).all():
            raise PruningError(
                f"{self.title} did not give one finite score for each atom: choose "
                "another heuristic, or mend it if it is your own."
            )
        return scores

    def score_weights(
        self, ask: ScoringContext, layers: Mapping[str, GraphLayer]
    ) -> WeightScores:
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

    def unavailable(self, graph: ChannelGraph) -> str:
        """Return why it cannot be used on a model, or an empty string."""
        if "batch norm" in self.needs and not any(
            layer.kind == "norm" and layer.weight for layer in graph.layers
        ):
            return (
                f"{self.title} needs batch-norm scales and this model has none: choose "
                "another heuristic."
            )
        return ""


def parameters(module: nn.Module) -> dict[str, Tensor]:
    """Return detached parameters by name, shared ones under each name."""
    named = tensors_of(module)
    return {n: t.detach() for n, t in named.items() if isinstance(t, nn.Parameter)}


@dataclass(frozen=True, slots=True)
class Slices:
    """A weight seen along one of its channel dimensions.

    Parameters
    ----------
    layer
        Where it is used.
    matrix
        (slices, values), float.
    atoms
        int64 (slices,).
    """

    layer: GraphLayer
    matrix: Tensor
    atoms: AtomArray


def _along(
    module: nn.Module, graph: ChannelGraph, values: dict[str, Tensor] | None, made: bool
) -> Iterator[Slices]:
    tensors = parameters(module) if values is None else values
    seen: set[str] = set()
    for layer in graph.producing_layers:
        if layer.weight is None or layer.weight in seen:
            continue
        seen.add(layer.weight)
        first = 0 if (layer.kind == "transposed") != made else 1
        dim = first if not layer.depthwise else 0
        entry = graph.dims[layer.weight][dim]
        if entry is None or (layer.depthwise and not made):
            continue
        matrix = tensors[layer.weight].movedim(dim, 0).flatten(1)
        yield Slices(layer, matrix, entry)


def output_slices(
    ask: ScoringContext, values: dict[str, Tensor] | None = None
) -> Iterator[Slices]:
    """Yield weights by the channels that they make."""
    return _along(ask.module, ask.graph, values, made=True)


def input_slices(
    ask: ScoringContext, values: dict[str, Tensor] | None = None
) -> Iterator[Slices]:
    """Yield weights by the channels that they read."""
    return _along(ask.module, ask.graph, values, made=False)


class AtomSums:
    """Sums (and means) of per-slice values by atom."""

    def __init__(self, graph: ChannelGraph) -> None:
        self._graph = graph
        self.sum = np.zeros(graph.atoms)
        self.count = np.zeros(graph.atoms)

    def add(self, atoms: AtomArray, values: Tensor | Scores) -> None:
        """Add one value for each slice."""
        if isinstance(values, Tensor):
            values = values.to(torch.float64).cpu().numpy()
        size = self._graph.atoms
        self.sum += np.bincount(atoms, weights=values, minlength=size)
        self.count += np.bincount(atoms, minlength=size)

    @property
    def mean(self) -> Scores:
        """float64 (atoms,): mean over slices, 0 where there is none."""
        return self.sum / np.maximum(self.count, 1)


def by_group_mean(graph: ChannelGraph, scores: Scores) -> Scores:
    """Divide by the mean of each width group, so that layers can be ranked together.

    Raw norms depend on a layer's fan-in; without this a network-wide ranking
    removes whole layers (Fang et al. 2023 normalise in the same way).
    """
    owner = graph.group_of
    free = np.arange(graph.atoms) != FIXED
    sums = np.bincount(owner[free], weights=scores[free], minlength=len(graph.groups))
    sizes = np.bincount(owner[free], minlength=len(graph.groups))
    means = sums / np.maximum(sizes, 1)
    out = scores.copy()
    out[free] = scores[free] / np.maximum(means[owner[free]], 1e-30)
    return out
