"""Timing one call on each kind of device.

CUDA and MPS work asynchronously, so a host clock around a call measures its
launch. CUDA is timed with events on its own stream, MPS with a synchronisation
on either side.
"""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Inputs = tuple[Any, ...]
Timed = Callable[[], float]


def timed_call(module: nn.Module, inputs: Inputs) -> Timed:
    """Wrap a network so that each call returns its milliseconds.

    Call the result under ``torch.inference_mode``.
    """
    kind = device_of(module, inputs).type
    if kind == "cuda":
        return lambda: _cuda_ms(module, inputs)
    if kind == "mps":
        return lambda: _host_ms(module, inputs, torch.mps.synchronize)
    return lambda: _host_ms(module, inputs, _nothing)


def device_of(module: nn.Module, inputs: Inputs) -> torch.device:
    """Where a network runs: its first parameter's device, else its input's."""
    for parameter in module.parameters():
        return parameter.device
    tensors = [each for each in inputs if isinstance(each, torch.Tensor)]
    return tensors[0].device if tensors else torch.device("cpu")


def _host_ms(module: nn.Module, inputs: Inputs, wait: Callable[[], None]) -> float:
    wait()
    start = time.perf_counter_ns()
    module(*inputs)
    wait()
    return (time.perf_counter_ns() - start) / 1e6


def _cuda_ms(module: nn.Module, inputs: Inputs) -> float:
    start = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    end = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    torch.cuda.synchronize()
    start.record()
    module(*inputs)
    end.record()
    end.synchronize()
    return float(start.elapsed_time(end))


def _nothing() -> None:
    """A processor has nothing to wait for."""
