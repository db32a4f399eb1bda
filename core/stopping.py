"""A network that can be cancelled within a pass. Start with `stoppable`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.job import Cancelled, Job

_MOST_MACS = 2_000_000_000
"""Multiply-accumulates of one step: about 0.1 s of a processor core."""

_STEP = 64
"""Output channels of a step are multiples of this, whole blocks of the kernels."""


@contextmanager
def stoppable(
    module: nn.Module, job: Job | None, *, divide: bool = True
) -> Iterator[None]:
    """Let a job be cancelled between two layers of a network, or within a large one.

    A convolution that takes long is computed in parts of its output channels. Each
    channel is the same sum as before.

    Parameters
    ----------
    module
        In this thread only.
    job
        None never stops.
    divide
        Whether large layers are computed in parts; not where others look at the calls
        of layers.
    """
    if job is None:
        yield
        return

    def look(*_: object) -> None:
        if job.cancelled:
            raise Cancelled

    layers = [
        one
        for one in module.modules()
        if not any(one.children()) and not isinstance(one, torch.jit.ScriptModule)
    ]
    hooks = [one.register_forward_pre_hook(look) for one in layers]
    divided = [one for one in layers if divide and _may_be_divided(one)]
    try:
        for one in divided:
            vars(one)["forward"] = partial(_convolve, one, look)
        yield
    finally:
        for one in divided:
            vars(one).pop("forward", None)
        for hook in hooks:
            hook.remove()


def _may_be_divided(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Whether a layer is a plain convolution of more channels than one step has."""
    return (
        type(layer) is nn.Conv2d
        and layer.groups == 1
        and layer.padding_mode == "zeros"
        and layer.out_channels > _STEP
        and "forward" not in vars(layer)
    )


def _convolve(layer: nn.Conv2d, look: Callable[[], None], x: Tensor) -> Tensor:
    """Compute a convolution, in steps where it takes long."""
    macs = layer.weight.numel() * x[..., 0, :, :].numel() // _area(layer.stride)
    steps = min(-(-macs // _MOST_MACS), -(-layer.out_channels // _STEP))
    if steps < 2 or x.device.type != "cpu":
        return nn.Conv2d.forward(layer, x)
    width = -(-layer.out_channels // (steps * _STEP)) * _STEP
    found = []
    for start in range(0, layer.out_channels, width):
        look()
        own = slice(start, start + width)
        bias = None if layer.bias is None else layer.bias[own]
        found.append(
            functional.conv2d(
                x, layer.weight[own], bias, layer.stride, layer.padding, layer.dilation
            )
        )
    return torch.cat(found, dim=1)


def _area(sides: tuple[int, ...]) -> int:
    return sides[0] * sides[-1]
