"""Single calls of layers, made narrower and timed on their own.

To read this file, start from `calls_of`.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from core.pruning.tracing.graph import ChannelGraph, GraphLayer
from core.pruning.tracing.modes import LayerCalls, evaluating, tensors_of

_FEWEST, _MOST = 2, 9  # calls that are timed
_ENOUGH = 0.012  # seconds of calls, after which the least no longer falls much


@dataclass(frozen=True, slots=True)
class Probe:
    """Something to time.

    Parameters
    ----------
    run
        The call.
    inputs, outputs
        Channels read and made; 0 for what is not one layer.
    macs
        Multiply-accumulates; 0 for what is not one layer.
    """

    run: Callable[[], object]
    inputs: int = 0
    outputs: int = 0
    macs: int = 0


Measure = Callable[[Probe], float]


def least_ms(probe: Probe) -> float:
    """Return the least milliseconds of a few calls.

    With one thread it is the processor time of this thread, which other programs
    hardly touch; with several, or on another device, the time on the wall.
    """
    with torch.inference_mode():
        alone = torch.get_num_threads() == 1 and sys.platform != "win32"
        now = time.thread_time if alone else time.perf_counter
        least, spent, calls = float("inf"), 0.0, 0
        while calls < _FEWEST or (spent < _ENOUGH and calls < _MOST):
            start = now()
            if _finish(probe.run()):  # not this thread's work
                now = time.perf_counter
                start = now() if not calls else start
            taken = now() - start
            least, spent, calls = min(least, taken), spent + taken, calls + 1
    return least * 1e3


def _finish(out: object) -> bool:
    """Wait for a device; returns whether there was one to wait for."""
    tensor = next((t for t in tree_leaves(out) if isinstance(t, Tensor)), None)
    if tensor is None or tensor.device.type == "cpu":
        return False
    if tensor.device.type == "cuda":
        torch.cuda.synchronize()
    elif tensor.device.type == "mps":
        torch.mps.synchronize()
    return True


@dataclass(frozen=True, slots=True)
class LayerCall:
    """One call of a convolution or linear layer: shapes and settings, no values.

    Parameters
    ----------
    layer
        Of the trace.
    function
        The torch function.
    x, weight
        Dense shapes.
    bias
        Whether there is one.
    settings
        Remaining positional arguments; groups are the fourth of a convolution.
    dtype, device
        Of the input.
    channels_last
        Whether the input and the weight lie in memory channel by channel.
    """

    layer: GraphLayer
    function: Callable[..., Tensor]
    x: tuple[int, ...]
    weight: tuple[int, ...]
    bias: bool
    settings: tuple[Any, ...]
    dtype: torch.dtype
    device: torch.device
    channels_last: tuple[bool, bool] = (False, False)

    @property
    def key(self) -> tuple[Any, ...]:
        """What decides its time."""
        kind = (self.layer.kind, self.layer.depthwise, self.bias, self.dtype)
        memory = (str(self.device), self.channels_last)
        return (*kind, *memory, self.x, self.weight, str(self.settings))

    def widths(self, share: float) -> tuple[int, int]:
        """Return channels read and made at a share of the dense widths."""
        groups = 1 if self.layer.depthwise else self.layer.groups
        sizes = (self.layer.inputs.size, self.layer.outputs.size)
        read, made = (max(round(share * size / groups), 1) * groups for size in sizes)
        return read, made

    def narrow(self, read: int, made: int) -> Probe:
        """Return the same call with fewer channels, on values made up."""
        layer, shape = self.layer, list(self.x)
        groups = layer.groups
        if layer.depthwise:
            groups, made = read, read * (layer.outputs.size // layer.inputs.size)
        kernel = self.weight[2:]
        if layer.kind == "linear":
            shape[-1] = read
            weight: tuple[int, ...] = (made, read)
        else:
            shape[len(shape) - len(self.weight) + 1] = read
            inner = (read, made // groups), (made, read // groups)
            weight = (*inner[layer.kind == "conv"], *kernel)
        x = self._values(tuple(shape), last=self.channels_last[0])
        w = self._values(weight, last=self.channels_last[1])
        bias = self._values((made,)) if self.bias else None
        settings = list(self.settings)
        if layer.kind != "linear" and len(settings) > 3:
            settings[3] = groups
        macs = layer.positions * w.numel()
        return Probe(lambda: self.function(x, w, bias, *settings), read, made, macs)

    def _values(self, shape: tuple[int, ...], *, last: bool = False) -> Tensor:
        """Return a tensor of one value: kernels take as long whatever they read."""
        memory = torch.channels_last if last else torch.contiguous_format
        made = torch.empty(
            shape, dtype=self.dtype, device=self.device, memory_format=memory
        )
        return made.fill_(0.5)


def calls_of(
    module: nn.Module, graph: ChannelGraph, inputs: tuple[Tensor, ...]
) -> dict[int, LayerCall]:
    """Return the calls of layers in one run, by index into ``graph.layers``."""
    places: dict[str, list[int]] = {}
    for index, layer in enumerate(graph.layers):
        if layer.kind != "norm" and layer.weight is not None:
            places.setdefault(layer.weight, []).append(index)
    found: dict[int, LayerCall] = {}

    def note(
        name: str, func: Callable[..., Any], args: tuple[Any, ...], more: dict[str, Any]
    ) -> Any:
        # Settings given by name are rare; such a layer counts as part of the rest.
        if places.get(name) and not more:
            place = places[name].pop(0)
            found[place] = _call(graph.layers[place], func, args)
        return func(*args, **more)

    names = {id(t): name for name, t in reversed(tensors_of(module).items())}
    with torch.inference_mode(), evaluating(module), LayerCalls(names, note):
        module(*inputs)
    return found


def _call(
    layer: GraphLayer, func: Callable[..., Any], args: tuple[Any, ...]
) -> LayerCall:
    x, weight = args[0], args[1]
    return LayerCall(
        layer,
        func,
        tuple(x.shape),
        tuple(weight.shape),
        len(args) > 2 and args[2] is not None,
        tuple(args[3:]),
        x.dtype,
        x.device,
        (_is_channels_last(x), _is_channels_last(weight)),
    )


def _is_channels_last(tensor: Tensor) -> bool:
    last = tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    return last and not tensor.is_contiguous()


def without_layers(
    module: nn.Module, graph: ChannelGraph, inputs: tuple[Tensor, ...]
) -> Probe:
    """Return a run of a model in which layers cost nothing, as something to time.

    Convolutions and linear layers give what they gave in a run before. (The time of
    the whole less that of its layers would be the small difference of two large
    numbers, each with its own noise.)
    """
    made: list[Any] = []
    position = [0]
    names = {id(t): name for name, t in reversed(tensors_of(module).items())}
    layers = {layer.weight for layer in graph.producing_layers}
    weights = {key: name for key, name in names.items() if name in layers}

    def keep(
        _: str, func: Callable[..., Any], args: tuple[Any, ...], more: dict[str, Any]
    ) -> Any:
        made.append(func(*args, **more))
        return made[-1]

    def replay(
        _: str, func: Callable[..., Any], args: tuple[Any, ...], more: dict[str, Any]
    ) -> Any:
        position[0] += 1
        return made[position[0] - 1]

    def run() -> object:
        position[0] = 0
        with torch.inference_mode(), evaluating(module), LayerCalls(weights, replay):
            return module(*inputs)

    with torch.inference_mode(), evaluating(module), LayerCalls(weights, keep):
        module(*inputs)
    return Probe(run)
