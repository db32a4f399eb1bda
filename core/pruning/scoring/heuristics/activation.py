"""Heuristics that look at activations on unlabelled tiles."""

import numpy as np

from core.pruning.scoring.heuristics.protocol import (
    AtomSums,
    Heuristic,
    Need,
    Scores,
    ScoringContext,
    by_group_mean,
    input_slices,
)


def _over_readers(ask: ScoringContext, what: str) -> Scores:
    """Mean over the layers that read a channel of one of its moments."""
    total = AtomSums(ask.graph)
    for weight, layer in ask.measured.readers.items():
        total.add(layer.inputs, getattr(ask.measured.moments[weight], what))
    return total.mean


def _mean_activation(ask: ScoringContext) -> Scores:
    return by_group_mean(ask.graph, _over_readers(ask, "magnitude"))


def _apoz(ask: ScoringContext) -> Scores:
    return 1.0 - _over_readers(ask, "zeros")


def _activation_magnitude(ask: ScoringContext) -> Scores:
    """Sum over readers of the norm of W[:, c] times the norm of x_c."""
    total = AtomSums(ask.graph)
    for part in input_slices(ask):
        weight = part.layer.weight or ""
        if weight not in ask.measured.moments:
            continue
        norm = part.matrix.norm(dim=1).double().cpu().numpy()
        power = ask.measured.moments[weight].power
        if power.size != norm.size:  # grouped: all groups share a position
            power = power.reshape(-1, norm.size).mean(0)
        total.add(part.atoms, norm * np.sqrt(power))
    return by_group_mean(ask.graph, total.sum)


_STATISTICS: frozenset[Need] = frozenset({"statistics"})

MEAN_ACTIVATION = Heuristic(
    "mean_activation",
    "Mean activation",
    "Removes channels that are least active on the calibration tiles.",
    "Molchanov et al. 2017, arXiv 1611.06440",
    _mean_activation,
    _STATISTICS,
)
APOZ = Heuristic(
    "apoz",
    "Share of zeros (APoZ)",
    "Removes channels that are zero most often on the calibration tiles.",
    "Hu et al. 2016, arXiv 1607.03250",
    _apoz,
    _STATISTICS,
)
ACTIVATION_MAGNITUDE = Heuristic(
    "activation_magnitude",
    "Activation x weight",
    "Weighs how strongly the next layers read a channel by how active it is.",
    "Sun et al. 2023, arXiv 2306.11695, summed over channels",
    _activation_magnitude,
    _STATISTICS,
)
