"""One comparison in this very process and thread.

`core.latency.process` runs this in a process of its own; call it directly only
where nothing else is going on.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.arithmetic import flush_denormals
from core.latency.clocks import Stopwatch, device_of, one_thread_counts
from core.latency.environment import describe, load_average
from core.latency.sampling import (
    Call,
    Watch,
    pick_best,
    take_blocks,
    warm_up,
)
from core.latency.settings import Layout, TimingSettings
from core.latency.statistics import compare_times
from core.results.latency import Clock, Comparison, Timing

Step = Callable[[int, int], None]
Pair = tuple[nn.Module, nn.Module]
Until = tuple[Watch, float]
Floats = NDArray[np.float64]

_TUNING = 0.3  # share of the time for finding threads and layout
_PAYS = 0.8  # of the time with one thread: what more threads must get it down to

_FORMATS: dict[Layout, torch.memory_format] = {
    "contiguous": torch.contiguous_format,
    "channels_last": torch.channels_last,
}


def measure(
    pair: Pair,
    inputs: tuple[Any, ...],
    settings: TimingSettings,
    step: Step,
    *,
    isolated: bool,
) -> Comparison:
    """Compare two networks here and now.

    Parameters
    ----------
    pair
        Dense and pruned, in evaluation mode, on one device; their memory
        format is changed.
    inputs
        Positional arguments of both.
    settings
        See `TimingSettings`.
    step
        Called between blocks with (done, expected); may raise to stop.
    isolated
        Recorded.
    """
    watch = Watch(time.monotonic, step)
    load, start = load_average(), watch.now()
    with quiet(), torch.inference_mode():
        device = device_of(pair[0], inputs)
        until = watch, start + _TUNING * settings.seconds
        tried = _set_threads(pair[0], inputs, settings, until)
        clock = _choose_clock(pair, inputs, isolated=isolated)
        layout, layouts = _choose_layout(pair, inputs, settings, until, clock)
        sides = _stopwatches(pair, inputs, layout, clock)
        warm_up(sides, settings.warmup)
        for side in sides:
            side.readings.clear()
        deadline = start + settings.seconds
        dense, pruned = take_blocks(*sides, settings, watch, deadline)
        place = describe(device, inputs, layout, load, isolated=isolated)
    spent = watch.now() - start
    found = compare_times(dense, pruned, settings.confidence, seconds=spent)
    return replace(
        found,
        dense=_timing(sides[0], dense),
        pruned=_timing(sides[1], pruned),
        environment=place,
        tried={**tried, **layouts},
        clock=clock,
    )


def _timing(side: Stopwatch, times: Floats) -> Timing:
    """Both clocks of one network; its calls were timed in the order of blocks."""
    return Timing(times.ravel(), np.array([each.wall for each in side.readings]))


@contextmanager
def quiet() -> Iterator[None]:
    """Set this thread up for timing and put back what can be put back."""
    before, collecting = torch.get_num_threads(), gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        # numbers near 0 slow a processor 30-fold; the flag holds for this thread
        # and for the pool threads that it starts from now on
        with flush_denormals():
            yield
    finally:
        if collecting:
            gc.enable()
        torch.set_num_threads(before)


def _set_threads(
    dense: nn.Module, inputs: tuple[Any, ...], settings: TimingSettings, until: Until
) -> dict[str, tuple[float, ...]]:
    """Set the number given, or torch's default where that pays, else one.

    On a busy machine threads wait for each other, and what little they gain
    there is not worth the noise.
    """
    usual = torch.get_num_threads()
    if settings.threads:
        torch.set_num_threads(settings.threads)
        return {}
    if usual == 1 or device_of(dense, inputs).type != "cpu":
        return {}
    timed = Stopwatch(dense, inputs)

    def with_threads(threads: int) -> Call:
        def call() -> float:
            torch.set_num_threads(threads)
            return timed()

        return call

    _, table = pick_best(
        {number: (with_threads(number),) for number in (usual, 1)}, *until
    )
    torch.set_num_threads(usual if table[usual][0] <= _PAYS * table[1][0] else 1)
    return {f"threads={number}": each for number, each in table.items()}


def _choose_clock(pair: Pair, inputs: tuple[Any, ...], *, isolated: bool) -> Clock:
    """See `core.latency.clocks`; runs both networks once."""
    if not isolated or device_of(pair[0], inputs).type != "cpu":
        return "wall"
    sides = [Stopwatch(module, inputs) for module in pair]
    for side in sides:
        side()
    probes = [side.readings for side in sides]
    fits = one_thread_counts(probes, torch.get_num_threads())
    return "processor" if fits else "wall"


def _choose_layout(
    pair: Pair,
    inputs: tuple[Any, ...],
    settings: TimingSettings,
    until: Until,
    clock: Clock,
) -> tuple[Layout, dict[str, tuple[float, ...]]]:
    if settings.layout != "auto":
        return settings.layout, {}
    if not any(isinstance(each, torch.Tensor) and each.dim() == 4 for each in inputs):
        return "contiguous", {}
    tries = {name: _switching(pair, inputs, name, clock) for name in _FORMATS}
    best, table = pick_best(tries, *until)
    return best, {str(name): each for name, each in table.items()}


def _switching(
    pair: Pair, inputs: tuple[Any, ...], layout: Layout, clock: Clock
) -> tuple[Call, Call]:
    """Calls that first bring weights into a layout, outside the timed part."""

    def call(module: nn.Module) -> float:
        _lay_out(module, layout)
        return Stopwatch(module, _laid_out(inputs, layout), clock)()

    return (lambda: call(pair[0])), (lambda: call(pair[1]))


def _stopwatches(
    pair: Pair, inputs: tuple[Any, ...], layout: Layout, clock: Clock
) -> tuple[Stopwatch, Stopwatch]:
    laid = _laid_out(inputs, layout)
    for module in pair:
        _lay_out(module, layout)
    return Stopwatch(pair[0], laid, clock), Stopwatch(pair[1], laid, clock)


def _lay_out(module: nn.Module, layout: Layout) -> None:
    # made in inference mode, the weights could never be trained again
    with torch.inference_mode(mode=False), torch.no_grad():
        module.to(memory_format=_FORMATS[layout])  # type: ignore[call-overload]


def _laid_out(inputs: tuple[Any, ...], layout: Layout) -> tuple[Any, ...]:
    return tuple(
        each.contiguous(memory_format=_FORMATS[layout])
        if isinstance(each, torch.Tensor) and each.dim() == 4
        else each
        for each in inputs
    )
