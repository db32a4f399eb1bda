"""The error that each layer makes when it reads fewer channels.

A channel that the other channels of its tensor predict well can go, because the
refit (``core.pruning.applying.refit``) puts the prediction in its place. What is
lost is the part that they cannot predict, weighed by what each reader does with it:
the saliency of the optimal brain surgeon (Hassibi & Stork 1993) for whole
columns, with the second moments of the input as the Hessian of a layer's error.

To read this file, start from `Reader`, then `build_readers`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from core.pruning.scoring.heuristics.protocol import (
    Scores,
    ScoringContext,
    Weighing,
    parameters,
)
from core.pruning.scoring.statistics import Statistics
from core.pruning.tracing.graph import AtomArray, GraphLayer
from core.pruning.tracing.labels import FIXED

Matrix = NDArray[np.float64]


@dataclass(slots=True)
class Reader:
    """The error of one layer (one group of it) as a function of its inputs.

    Parameters
    ----------
    atoms
        int64 (C,): atom of each input channel.
    gram
        float64 (C, C): what an error of the inputs costs, W'FW summed over kernel
        positions, with F the weight of an error of the outputs.
    inverse
        float64 (C, C): inverse of the ridged second moments.
    """

    atoms: AtomArray
    gram: Matrix
    inverse: Matrix

    def saliency(self) -> Scores:
        """float64 (C,): error when one channel goes and the rest is refitted."""
        spread = np.diagonal(self.inverse)
        return np.asarray(np.diagonal(self.gram) / np.maximum(spread, 1e-300))

    def error(self, gone: NDArray[np.bool_]) -> float:
        """Return the error that is added when channels go, refitted."""
        block = self.inverse[np.ix_(gone, gone)]
        cost = self.gram[np.ix_(gone, gone)]
        return float(np.trace(np.linalg.solve(block, cost)))

    def drop(self, gone: NDArray[np.bool_]) -> None:
        """Eliminate channels and refit the rest: a block step of the surgeon."""
        out, stay = np.flatnonzero(gone), np.flatnonzero(~gone)
        rows, costs = self.inverse[out], self.gram[out]
        weight = np.linalg.solve(rows[:, out], rows[:, stay])
        # G - G_sc P - P'G_cs + P'G_cc P, as one product and its transpose.
        half = (costs[:, stay] - 0.5 * costs[:, out] @ weight).T @ weight
        gram = self.gram.take(stay, 0).take(stay, 1)
        gram -= half
        gram -= half.T
        inverse = self.inverse.take(stay, 0).take(stay, 1)
        inverse -= rows[:, stay].T @ weight
        self.gram, self.inverse, self.atoms = gram, inverse, self.atoms[stay]

    def part(self, inside: NDArray[np.bool_]) -> "Reader":
        """Return the part of some channels, while all others stay.

        Steps of the surgeon that take only these channels never look outside of it.
        """
        block = np.ix_(inside, inside)
        return Reader(self.atoms[inside], self.gram[block], self.inverse[block])


def build_readers(ask: ScoringContext, weighing: Weighing) -> list[Reader]:
    """Return every layer that reads prunable channels.

    Parameters
    ----------
    ask
        With statistics.
    weighing
        How errors of layers are compared; ``"gradients"`` falls back to
        ``"outputs"`` where the model cannot be differentiated.
    """
    statistics, tensors = ask.measured, parameters(ask.module)
    tensors.update(dict(ask.module.named_buffers()))
    factors: dict[str, Matrix] = {}
    if weighing == "gradients":
        factors = dict(statistics.curvature(ask.module).factors)
    found: list[Reader] = []
    for weight, layer in statistics.readers.items():
        if layer.depthwise or not (layer.inputs != FIXED).any():
            continue
        rows = _rows(layer, tensors[weight])
        if factors:
            factor = factors.get(weight)
            # An output that no run has asked for is worth nothing.
            grams = _grams(rows, factor) if factor is not None else _grams(0 * rows)
        else:
            scale = _output_scale(layer, statistics, tensors, rows)
            if weighing != "positions":
                scale = scale * np.sqrt(layer.positions)
            grams = _grams(rows * scale[:, :, None, None])
        inverse = statistics.inverse(weight).numpy()[:, :-1, :-1]
        atoms = layer.inputs.reshape(layer.groups, -1)
        found.extend(
            Reader(a, g, j.copy())
            for a, g, j in zip(atoms, grams, inverse, strict=True)
        )
    return found


def _grams(rows: Matrix, factor: Matrix | None = None) -> Matrix:
    """Return the sum over kernel positions of W'FW, float64 (groups, I, I)."""
    groups, outputs, inputs, taps = rows.shape
    apart = rows.transpose(0, 1, 3, 2)  # groups, O, k, I
    flat = apart.reshape(groups, outputs * taps, inputs)
    if factor is None:
        weighed = flat
    else:
        wide = apart.reshape(groups, outputs, taps * inputs)
        weighed = (factor @ wide).reshape(groups, outputs * taps, inputs)
    return np.asarray(flat.transpose(0, 2, 1) @ weighed)


def _rows(layer: GraphLayer, weight: Tensor) -> Matrix:
    """Return a weight as float64 (groups, outputs, inputs, kernel)."""
    flat = weight.detach().flatten(2) if weight.dim() > 2 else weight[:, :, None]
    split = flat.reshape(layer.groups, -1, flat.shape[1], flat.shape[2])
    if layer.kind == "transposed":
        split = split.transpose(1, 2)
    return np.asarray(split.double().cpu().numpy())


def _output_scale(
    layer: GraphLayer, statistics: Statistics, tensors: dict[str, Tensor], rows: Matrix
) -> Matrix:
    """Return gains that make errors of different layers comparable.

    Behind a batch norm the gain is its own (units of its output); elsewhere one
    over the root mean square of the layer's output.
    """
    groups, outputs = rows.shape[:2]
    if layer.norm is not None:
        norm = statistics.graph.layers[layer.norm]
        var = norm.settings.get("var")
        if var is not None and norm.weight is not None:
            spread = (tensors[var] + norm.settings["eps"]).sqrt()
            gain = (tensors[norm.weight].abs() / spread).double().cpu().numpy()
            return np.asarray(gain.reshape(groups, outputs))
    second = statistics.moments[layer.weight or ""].second
    power = 0.0
    for index in range(groups):
        mean = second[index, :-1, -1]
        covariance = second[index, :-1, :-1] - np.outer(mean, mean)
        flat = rows[index].transpose(1, 0, 2).reshape(rows.shape[2], -1)
        power += float(np.einsum("io,ij,jo->", flat, covariance, flat, optimize=True))
    rms = np.sqrt(max(power, 1e-30) / (groups * outputs))
    return np.full((groups, outputs), 1.0 / rms)
