"""Strided 1x1 convolutions whose gradient is safe on every processor.

On processors without AVX-512, the input gradient of such a layer in channels-last
layout writes beyond its memory (torch 2.13 with oneDNN: ``double free or
corruption`` for 3 to 16 channels). The same layer without a stride, on every n-th
pixel of its input, computes the same numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def subsampled_pointwise(module: nn.Module) -> Iterator[None]:
    """Let strided 1x1 convolutions read every n-th pixel instead of striding.

    Outputs and gradients are the same. Only the forward pass must run inside: the
    gradient follows what it recorded.

    Parameters
    ----------
    module
        Its layers are put back afterwards.
    """
    strided = [
        layer
        for layer in module.modules()
        if type(layer) is nn.Conv2d
        and layer.kernel_size == (1, 1)
        and layer.padding == (0, 0)
        and layer.stride != (1, 1)
    ]
    steps = [layer.stride for layer in strided]
    hooks = [
        layer.register_forward_pre_hook(_every(*step))
        for layer, step in zip(strided, steps, strict=True)
    ]
    for layer in strided:
        layer.stride = (1, 1)
    try:
        yield
    finally:
        for layer, hook, step in zip(strided, hooks, steps, strict=True):
            hook.remove()
            layer.stride = step


def _every(rows: int, columns: int) -> Any:
    """Return a hook that keeps every n-th row and column of a layer's input."""

    def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (inputs[0][..., ::rows, ::columns], *inputs[1:])

    return hook
