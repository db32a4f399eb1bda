"""Gradient statistics without labels.

Fisher information with respect to a Gaussian on the outputs needs no ground
truth: the gradient of a random +-1 combination of all outputs, squared and
averaged, is the diagonal of J'J, the Gauss-Newton matrix of the model's own
output (Hutchinson 1990; Martens 2020, section 9). It measures how much the
outputs move, not whether they were right.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from core.errors import PruningError
from core.pruning.tracing.modes import evaluating
from core.strided import subsampled_pointwise


@dataclass(frozen=True, slots=True)
class Gradients:
    """Per-weight gradient statistics.

    Parameters
    ----------
    square
        Parameter name to the mean of g squared, the parameter's shape.
    samples
        Gradients of single batches, a mapping each.
    """

    square: dict[str, Tensor]
    samples: tuple[dict[str, Tensor], ...]


def measure_gradients(
    module: nn.Module, inputs: tuple[tuple[Tensor, ...], ...], seed: int = 0
) -> Gradients:
    """Differentiate a random sign combination of the outputs for each batch."""
    names = [name for name, _ in module.named_parameters()]
    weights = [parameter for _, parameter in module.named_parameters()]
    flags = [weight.requires_grad for weight in weights]
    generator = torch.Generator().manual_seed(seed)
    samples = []
    try:
        for weight in weights:
            weight.requires_grad_(True)
        for batch in inputs[:8]:
            # In training mode batch norms would learn from the tiles.
            with torch.enable_grad(), evaluating(module):
                plain = tuple(t.clone() for t in batch)
                found = _differentiate(module, plain, weights, generator)
            samples.append(
                {
                    name: _detached(g, w)
                    for name, w, g in zip(names, weights, found, strict=True)
                }
            )
    finally:
        for weight, flag in zip(weights, flags, strict=True):
            weight.requires_grad_(flag)
    square = {
        name: torch.stack([s[name].square() for s in samples]).mean(0) for name in names
    }
    return Gradients(square, tuple(samples))


def _differentiate(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    weights: list[nn.Parameter],
    generator: torch.Generator,
) -> tuple[Tensor | None, ...]:
    try:
        with subsampled_pointwise(module):
            total = _sketch(module(*inputs), generator)
        return torch.autograd.grad(total, weights, allow_unused=True)
    except RuntimeError as error:
        reason = str(error).partition(".")[0].splitlines()[0]
        raise PruningError(
            f"This model cannot be differentiated ({reason}): choose a heuristic that "
            "needs no gradients, such as reconstruction or l2."
        ) from error


def _detached(gradient: Tensor | None, weight: Tensor) -> Tensor:
    """Return the gradient, zero for a weight that the outputs do not depend on."""
    return torch.zeros_like(weight) if gradient is None else gradient.detach()


def _sketch(outputs: object, generator: torch.Generator) -> Tensor:
    """Return sum of +-output over all floating-point outputs, scaled by size."""
    parts = []
    for leaf in tree_leaves(outputs):
        if isinstance(leaf, Tensor) and leaf.is_floating_point():
            signs = torch.randint(0, 2, leaf.shape, generator=generator) * 2 - 1
            parts.append((leaf * signs.to(leaf)).sum() / leaf.numel() ** 0.5)
    return torch.stack(parts).sum()
