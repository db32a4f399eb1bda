"""Batch-norm statistics of the pruned model, measured anew."""

import copy
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from core.job import Job
from core.pruning.applying.apply import flush_subnormal
from core.pruning.tracing.modes import evaluating

_NORM = nn.modules.batchnorm._BatchNorm  # noqa: SLF001 - base of 1d, 2d, 3d


def recalibrate_batch_norm(
    module: nn.Module, batches: Iterable[tuple[Tensor, ...]], job: Job | None = None
) -> bool:
    """Replace running means and variances by those over calibration tiles, in place.

    Parameters
    ----------
    module
        A pruned model of our own making: it is changed, but left as it was when
        the job is cancelled or the model fails.
    batches
        Input tuples; every batch weighs the same.
    job
        Progress and cancel.

    Returns
    -------
    bool
        Whether there was any batch norm, and any batch, to recalibrate with.
    """
    norms = [m for m in module.modules() if isinstance(m, _NORM)]
    norms = [m for m in norms if m.track_running_stats and m.running_mean is not None]
    if not norms:
        return False
    job = job or Job()
    momenta = [norm.momentum for norm in norms]
    before = [copy.deepcopy(norm.state_dict()) for norm in norms]
    inputs = list(batches)
    done = False
    try:
        with evaluating(module), torch.no_grad():
            for norm in norms:
                norm.reset_running_stats()
                norm.momentum = None  # a plain average over batches
                norm.train()
            for index, batch in enumerate(inputs):
                job.step(index, len(inputs), "recalibrating batch norm")
                module(*batch)
        done = bool(inputs)
    finally:
        for norm, momentum, state in zip(norms, momenta, before, strict=True):
            norm.momentum = momentum
            if not done:
                norm.load_state_dict(state)
    for norm in norms:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        norm.running_mean.copy_(flush_subnormal(norm.running_mean))
        norm.running_var.copy_(flush_subnormal(norm.running_var))
    return done
