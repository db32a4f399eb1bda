"""Where a network's time goes, and why a smaller one is not faster.

Start with `profile_layers`, then `why_not_faster`.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from core.latency.clocks import device_of
from core.results.latency import Comparison

_LANES = 16  # float32 numbers in the widest CPU register, and in a channel block
_MEMORY_BOUND = 8.0  # multiply-adds for each number moved, below which memory rules
_SMALL_GAIN = 1.25
_DOMINANT = 0.5


@dataclass(frozen=True, slots=True)
class LayerTime:
    """Time of one layer.

    Parameters
    ----------
    name
        Path in the network; ``"(outside layers)"`` for functions called
        between layers.
    kind
        Class of the layer.
    ms
        Median milliseconds.
    share
        Of the whole network's time, 0 to 1.
    macs
        Multiply-adds; 0 for layers without weights.
    intensity
        Multiply-adds for each number read or written.
    channels
        Output channels; 0 when unknown.
    """

    name: str
    kind: str
    ms: float
    share: float
    macs: int
    intensity: float
    channels: int


@torch.inference_mode()
def profile_layers(
    module: nn.Module, example: Any, *, repeats: int = 5
) -> tuple[LayerTime, ...]:
    """Time each layer of a network.

    Parameters
    ----------
    module
        In evaluation mode; hooks are added and removed.
    example
        Tensor or tuple of tensors.
    repeats
        Runs, after one for warming up; the median counts.

    Returns
    -------
    layers
        In the order of their first call; a layer that is used twice has one
        entry with both times. Measuring costs a little time for each layer:
        shares are right, the sum is not the network's latency.
    """
    inputs = example if isinstance(example, tuple) else (example,)
    wait = _waiting(device_of(module, inputs))
    recorder = _Recorder(wait)
    with recorder.attached(module):
        for turn in range(repeats + 1):
            recorder.begin(keep=turn > 0)
            start = time.perf_counter()
            module(*inputs)
            wait()
            recorder.end((time.perf_counter() - start) * 1e3)
    return recorder.table()


def why_not_faster(
    comparison: Comparison,
    pruned_layers: tuple[LayerTime, ...] = (),
    *,
    network_share: float | None = None,
) -> tuple[str, ...]:
    """Explain in sentences why a pruned network gains little.

    Parameters
    ----------
    comparison
        What was measured.
    pruned_layers
        `profile_layers` of the pruned network.
    network_share
        Share of the end-to-end time that the network takes, 0 to 1.

    Returns
    -------
    reasons
        Most telling first; empty when it is clearly faster.
    """
    if comparison.speedup >= _SMALL_GAIN and comparison.verdict == "faster":
        return _share_reason(network_share)
    reasons = []
    if comparison.dense.noisy or comparison.pruned.noisy:
        reasons.append(
            "The times vary by more than a tenth: something else keeps the machine "
            "busy. Close it and measure again."
        )
    reasons += _layer_reasons(pruned_layers)
    if comparison.dense.median < 1.0:
        reasons.append(
            "A call takes less than a millisecond: starting each operation costs more "
            "than computing it. A larger tile shows more of the gain."
        )
    reasons += _share_reason(network_share)
    return tuple(reasons)


def _layer_reasons(layers: tuple[LayerTime, ...]) -> list[str]:
    odd = sum(each.share for each in layers if each.macs and each.channels % _LANES)
    bound = sum(
        each.share for each in layers if each.macs and each.intensity < _MEMORY_BOUND
    )
    other = sum(each.share for each in layers if not each.macs)
    reasons = []
    if odd > 0.2:
        reasons.append(
            f"Layers that take {odd:.0%} of the time have widths that are no multiple "
            f"of {_LANES}: the processor pads them. Round widths to {_LANES}."
        )
    if other > _DOMINANT:
        reasons.append(
            f"{other:.0%} of the time is spent outside convolutions and linear "
            "layers, on which pruning acts least."
        )
    if bound > 0.2:
        reasons.append(
            f"Layers that take {bound:.0%} of the time move more numbers than they "
            "compute with: memory limits them, not arithmetic."
        )
    return reasons


def _share_reason(network_share: float | None) -> tuple[str, ...]:
    if network_share is None or network_share >= _DOMINANT:
        return ()
    return (
        f"The network takes only {network_share:.0%} of the whole time: reading and "
        "finding instances take the rest, whatever the network.",
    )


class _Recorder:
    """Hooks that add up the time between entering and leaving each leaf layer."""

    def __init__(self, wait: Any) -> None:
        self._wait = wait
        self._starts: dict[str, float] = {}
        self._run: dict[str, float] = {}
        self._runs: list[dict[str, float]] = []
        self._facts: dict[str, tuple[str, int, float, int]] = {}
        self._keep = False

    def begin(self, *, keep: bool) -> None:
        self._keep, self._run = keep, {}

    def end(self, total: float) -> None:
        inside = sum(self._run.values())
        self._run["(outside layers)"] = max(total - inside, 0.0)
        if self._keep:
            self._runs.append(self._run)

    @contextmanager
    def attached(self, module: nn.Module) -> Iterator[None]:
        """Put hooks on every layer without layers of its own."""
        handles: list[RemovableHandle] = []
        for name, layer in module.named_modules():
            if next(layer.children(), None) is None and layer is not module:
                handles += self._watch(name, layer)
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _watch(self, name: str, layer: nn.Module) -> tuple[RemovableHandle, ...]:
        def enter(*_: Any) -> None:
            self._wait()
            self._starts[name] = time.perf_counter()

        def leave(layer: nn.Module, inputs: Any, output: Any) -> None:
            self._wait()
            spent = (time.perf_counter() - self._starts[name]) * 1e3
            self._run[name] = self._run.get(name, 0.0) + spent
            if name not in self._facts:
                self._facts[name] = _facts(layer, inputs, output)

        return (
            layer.register_forward_pre_hook(enter),
            layer.register_forward_hook(leave),
        )

    def table(self) -> tuple[LayerTime, ...]:
        """Median of each layer over the runs kept."""
        medians = {
            name: float(np.median([run.get(name, 0.0) for run in self._runs]))
            for name in self._runs[0]
        }
        total = sum(medians.values()) or 1.0
        unknown = ("functions", 0, 0.0, 0)
        return tuple(
            LayerTime(name, kind, ms, ms / total, macs, intensity, channels)
            for name, ms in medians.items()
            for kind, macs, intensity, channels in (self._facts.get(name, unknown),)
        )


def _facts(layer: nn.Module, inputs: Any, output: Any) -> tuple[str, int, float, int]:
    """Class, multiply-adds, multiply-adds per number moved, output channels."""
    kind = type(layer).__name__
    weight = getattr(layer, "weight", None)
    tensors = [each for each in inputs if isinstance(each, torch.Tensor)]
    if not isinstance(output, torch.Tensor) or not tensors:
        return kind, 0, 0.0, 0
    channels = output.shape[1] if output.dim() > 1 else 0
    if not isinstance(weight, torch.Tensor) or weight.dim() < 2:
        return kind, 0, 0.0, channels
    if isinstance(layer, nn.modules.conv._ConvTransposeNd):  # noqa: SLF001
        macs = weight.numel() * tensors[0][0, 0].numel() * tensors[0].shape[0]
    elif isinstance(layer, nn.modules.conv._ConvNd):  # noqa: SLF001
        macs = weight.numel() * output[0, 0].numel() * output.shape[0]
    else:
        macs = weight.numel() * (output.numel() // weight.shape[0])
    moved = weight.numel() + output.numel() + sum(each.numel() for each in tensors)
    return kind, macs, macs / moved, channels


def _waiting(device: torch.device) -> Any:
    if device.type == "cuda":
        return torch.cuda.synchronize
    if device.type == "mps":
        return torch.mps.synchronize
    return lambda: None
