"""One comparison in this very process and thread.

`core.latency.process` runs this in a process of its own; call it directly only
where nothing else is going on.
"""

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from core.arithmetic import flushing
from core.latency.clocks import device_of, timed_call
from core.latency.environment import describe, load_average
from core.latency.results import Comparison, Layout, Settings, Timing
from core.latency.sampling import (
    Call,
    Watch,
    pick_best,
    take_blocks,
    warm_up,
)
from core.latency.statistics import judge

Step = Callable[[int, int], None]
Pair = tuple[nn.Module, nn.Module]
Until = tuple[Watch, float]

_TUNING = 0.3  # share of the time for finding threads and layout

_FORMATS: dict[Layout, torch.memory_format] = {
    "contiguous": torch.contiguous_format,
    "channels_last": torch.channels_last,
}


def measure(
    pair: Pair,
    inputs: tuple[Any, ...],
    settings: Settings,
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
        See `Settings`.
    step
        Called between blocks with (done, expected); may raise to stop.
    isolated
        Recorded.
    """
    watch = Watch(time.monotonic, step)
    load, start = load_average(), watch.now()
    with quiet(), torch.inference_mode():
        device = device_of(pair[0], inputs)
        limit = start + _TUNING * settings.seconds
        tried = _set_threads(pair[0], inputs, settings, (watch, limit))
        layout, layouts = _choose_layout(pair, inputs, settings, (watch, limit))
        calls = _calls(pair, inputs, layout)
        warm_up(calls, settings.warmup)
        deadline = start + settings.seconds
        dense, pruned = take_blocks(*calls, settings, watch, deadline)
        place = describe(device, inputs, layout, load, isolated=isolated)
    ratios = np.log(dense / pruned)
    speedup, interval, verdict = judge(ratios, settings.confidence)
    return Comparison(
        Timing(dense.ravel()),
        Timing(pruned.ravel()),
        speedup,
        interval,
        verdict,
        settings.confidence,
        ratios,
        place,
        watch.now() - start,
        {**tried, **layouts},
    )


@contextmanager
def quiet() -> Iterator[None]:
    """Set this thread up for timing and put back what can be put back."""
    before, collecting = torch.get_num_threads(), gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        # numbers near 0 slow a processor 30-fold; the flag holds for this thread
        # and for the pool threads that it starts from now on
        with flushing():
            yield
    finally:
        if collecting:
            gc.enable()
        torch.set_num_threads(before)


def _set_threads(
    dense: nn.Module, inputs: tuple[Any, ...], settings: Settings, until: Until
) -> dict[str, tuple[float, ...]]:
    """Set the number given, or the better of one and torch's default."""
    usual = torch.get_num_threads()
    if settings.threads:
        torch.set_num_threads(settings.threads)
        return {}
    if usual == 1 or device_of(dense, inputs).type != "cpu":
        return {}
    timed = timed_call(dense, inputs)

    def call(threads: int) -> float:
        torch.set_num_threads(threads)
        return timed()

    best, table = pick_best(
        {number: (partial(call, number),) for number in (usual, 1)}, *until
    )
    torch.set_num_threads(best)
    return {f"threads={number}": each for number, each in table.items()}


def _choose_layout(
    pair: Pair, inputs: tuple[Any, ...], settings: Settings, until: Until
) -> tuple[Layout, dict[str, tuple[float, ...]]]:
    if settings.layout != "auto":
        return settings.layout, {}
    if not any(isinstance(each, torch.Tensor) and each.dim() == 4 for each in inputs):
        return "contiguous", {}
    tries = {name: _switching(pair, inputs, name) for name in _FORMATS}
    best, table = pick_best(tries, *until)
    return best, {str(name): each for name, each in table.items()}


def _switching(
    pair: Pair, inputs: tuple[Any, ...], layout: Layout
) -> tuple[Call, Call]:
    """Calls that first bring weights into a layout, outside the timed part."""

    def call(module: nn.Module) -> float:
        _lay_out(module, layout)
        return timed_call(module, _laid_out(inputs, layout))()

    return (lambda: call(pair[0])), (lambda: call(pair[1]))


def _calls(pair: Pair, inputs: tuple[Any, ...], layout: Layout) -> tuple[Call, Call]:
    laid = _laid_out(inputs, layout)
    for module in pair:
        _lay_out(module, layout)
    return timed_call(pair[0], laid), timed_call(pair[1], laid)


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
