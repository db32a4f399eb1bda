"""Timing one call on each kind of device, with the clock that fits it.

CUDA and MPS work asynchronously, so a host clock around a call measures its
launch. CUDA is timed with events on its own stream, MPS with a synchronisation
on either side.

On a processor there are two clocks. The clock on the wall also counts the time
in which the scheduler gave the core to other programs: with three of them on two
cores a network of 22 ms took 85, and ratios of neighbouring calls scattered by
17 %, against 2 % on the processor's own clock (30 comparisons of 7 s: 10 % fewer
multiply-adds were found 21 times on the wall, 30 times on the processor; a copy
was never called different by either). So the processor's clock decides where it
says the same as the wall would on a machine of one's own: with one thread, in a
process that does nothing else, for a network that waits for nothing but its turn
(`one_thread_counts`). With several threads it would count those that only wait
for each other; there the wall decides.
"""

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import nn

from core.results.latency import Clock

Inputs = tuple[Any, ...]

_PARALLEL = 1.05  # processor time over wall time, above which threads are hidden


class ClockReading(NamedTuple):
    """One call.

    Parameters
    ----------
    wall, processor
        Milliseconds; ``processor`` is nan on other devices.
    waits
        How often the call gave up the core by itself (sleeping, reading a file).
    """

    wall: float
    processor: float
    waits: int


@dataclass(slots=True)
class Stopwatch:
    """A network whose calls are timed and kept.

    Call it under ``torch.inference_mode``.

    Parameters
    ----------
    module, inputs
        What is run.
    clock
        Whose milliseconds a call returns.
    readings
        All calls so far, by both clocks.
    """

    module: nn.Module
    inputs: Inputs
    clock: Clock = "wall"
    readings: list[ClockReading] = field(default_factory=list)

    def __call__(self) -> float:
        """Run once; returns milliseconds of the chosen clock."""
        kind = device_of(self.module, self.inputs).type
        if kind == "cuda":
            found = ClockReading(_cuda_ms(self.module, self.inputs), float("nan"), 0)
        elif kind == "mps":
            wait = torch.mps.synchronize
            found = ClockReading(
                _host_ms(self.module, self.inputs, wait), float("nan"), 0
            )
        else:
            found = _processor(self.module, self.inputs)
        self.readings.append(found)
        return found.processor if self.clock == "processor" else found.wall


def one_thread_counts(probes: Sequence[Sequence[ClockReading]], threads: int) -> bool:
    """Whether the processor's clock may stand for the wall's.

    Parameters
    ----------
    probes
        Some calls of each network.
    threads
        Of torch, within an operation.

    Returns
    -------
    fits
        False with several threads, whether torch's or others' (more processor
        time than time), for a network that waits by itself in every call, on
        other devices, and on Windows, whose clock ticks 64 times a second.
    """
    if threads != 1 or sys.platform == "win32":
        return False
    return all(
        min(each.waits for each in calls) == 0
        and min(each.processor / max(each.wall, 1e-9) for each in calls) <= _PARALLEL
        and min(each.processor for each in calls) > 0
        for calls in probes
    )


def device_of(module: nn.Module, inputs: Inputs) -> torch.device:
    """Where a network runs: its first parameter's device, else its input's."""
    for parameter in module.parameters():
        return parameter.device
    tensors = [each for each in inputs if isinstance(each, torch.Tensor)]
    return tensors[0].device if tensors else torch.device("cpu")


def _processor(module: nn.Module, inputs: Inputs) -> ClockReading:
    waits = _own_waits()
    # the wall's clock is read inside of the processor's, or a call that nobody
    # disturbs would seem to take more processor time than time
    spent = time.process_time_ns()
    start = time.perf_counter_ns()
    module(*inputs)
    end = time.perf_counter_ns()
    spent = time.process_time_ns() - spent
    return ClockReading((end - start) / 1e6, spent / 1e6, _own_waits() - waits)


def _own_waits() -> int:
    """Voluntary context switches of this thread, where the system counts them."""
    if sys.platform == "win32":
        return 0
    import resource  # not on Windows

    who = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)  # Linux only
    return resource.getrusage(who).ru_nvcsw


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
