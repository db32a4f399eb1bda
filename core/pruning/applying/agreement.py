"""Whether cutting a model gives what masking it gives: a check for models of one's own.

A trace sees what torch functions do and what Python does with widths. It cannot see
a width that C code takes for a plain number, as ``range(x.shape[1])`` does; running
both ways shows it.
"""

import torch
from torch import Tensor, nn

from core.pruning.applying.apply import apply_plan
from core.pruning.applying.masked import mask_plan
from core.pruning.planning.plan import PruningPlan
from core.pruning.tracing.graph import ChannelGraph
from core.pruning.tracing.modes import evaluating
from core.pruning.tracing.nested import tensors_within


def disagreement(
    module: nn.Module,
    graph: ChannelGraph,
    plan: PruningPlan,
    inputs: tuple[Tensor, ...],
) -> float:
    """Return the largest relative difference between cut and masked outputs.

    Parameters
    ----------
    module, graph
        A model and its trace; the module is not changed.
    plan
        What is kept.
    inputs
        Values that matter: random ones or a tile, not zeros.

    Returns
    -------
    float
        About 1e-6 for float32 and 1e-15 for float64 where both ways agree.
    """
    found = [0.0]
    cut, masked = apply_plan(module, plan), mask_plan(module, graph, plan)
    with torch.inference_mode(), evaluating(cut), evaluating(masked):
        # Some models write into what they are given.
        outputs = [
            tensors_within(network(*(tensor.clone() for tensor in inputs)))
            for network in (cut, masked)
        ]
        for one, other in zip(*outputs, strict=True):
            if one.numel():
                size = float(other.abs().max()) or 1.0
                found.append(float((one - other).abs().max()) / size)
    return max(found)
