"""Random networks: any graph of the usual layers, always valid, always tiny.

``random_network(seed, steps)`` grows a directed graph step by step; each step
reads values that exist already and adds new ones. Whatever nobody reads in the
end goes to a head, so no layer is inert by construction. A network of ``n``
steps is a prefix of the one of ``n + 1`` with the same seed, which is what lets
hypothesis shrink a failure to few layers.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from tests.core.pruning.architectures.recipe import randomise

_WIDEST = 16
_LARGEST = 16

Function = Callable[..., "Tensor | tuple[Tensor, ...]"]


@dataclass(frozen=True)
class Value:
    """Channels and side of one map; side 0 stands for a vector."""

    channels: int
    side: int


@dataclass
class Step:
    """``function(*inputs)``, or ``layers[layer](*inputs)``; adds to the values."""

    inputs: tuple[int, ...]
    layer: str = ""
    function: Function | None = None


class RandomNetwork(nn.Module):
    """Runs its steps in order and returns the values of its heads."""

    def __init__(self, inputs: int):
        super().__init__()
        self.inputs = inputs
        self.layers = nn.ModuleDict()
        self.steps: list[Step] = []
        self.outputs: list[int] = []

    def forward(self, *images: Tensor) -> tuple[Tensor, ...]:
        values = list(images)
        for step in self.steps:
            arguments = [values[i] for i in step.inputs]
            run = self.layers[step.layer] if step.layer else step.function
            out = run(*arguments)
            values.extend(out if isinstance(out, list | tuple) else [out])
        return tuple(values[i] for i in self.outputs)


@dataclass
class Grower:
    """A network under construction, with the shapes of all its values."""

    draw: random.Random
    network: RandomNetwork
    values: list[Value] = field(default_factory=list)
    read: set[int] = field(default_factory=set)
    # Layers that can be called again: name, value they take, value they make.
    reusable: list[tuple[str, Value, Value]] = field(default_factory=list)

    def layer(self, layer: nn.Module, source: int, made: Value) -> int:
        """Add a step that calls a new layer."""
        name = f"{type(layer).__name__.lower()}_{len(self.network.layers)}"
        self.network.layers[name] = layer
        self.reusable.append((name, self.values[source], made))
        return self._push(Step((source,), layer=name), made)

    def again(self, name: str, source: int, made: Value) -> int:
        """Add a step that calls an earlier layer once more."""
        return self._push(Step((source,), layer=name), made)

    def call(self, function: Function, sources: tuple[int, ...], *made: Value) -> int:
        """Add a step that calls a function of values."""
        return self._push(Step(sources, function=function), *made)

    def _push(self, step: Step, *made: Value) -> int:
        self.network.steps.append(step)
        self.read.update(step.inputs)
        self.values.extend(made)
        return len(self.values) - len(made)

    def any_map(self) -> int:
        """A value with a side; recent ones more often, so graphs grow deep."""
        maps = [i for i, v in enumerate(self.values) if v.side]
        return self.draw.choice(maps if self.draw.random() < 0.3 else maps[-3:])

    def like(self, index: int) -> int:
        """Another value of the same shape; made by a convolution if need be."""
        shape = self.values[index]
        same = [i for i, v in enumerate(self.values) if v == shape]
        if len(same) > 1 or self.draw.random() < 0.2:
            return self.draw.choice(same)
        sized = [i for i, v in enumerate(self.values) if v.side == shape.side]
        source = self.draw.choice(sized)
        made = nn.Conv2d(self.values[source].channels, shape.channels, 1)
        return self.layer(made, source, shape)


def _width(g: Grower) -> int:
    return g.draw.choice((2, 3, 4, 6, 8))


def _conv(g: Grower) -> None:
    i = g.any_map()
    v, kernel = g.values[i], g.draw.choice((1, 3))
    stride = g.draw.choice((1, 1, 2)) if v.side % 2 == 0 and v.side > 2 else 1
    out = _width(g)
    bias = g.draw.random() < 0.5
    made = nn.Conv2d(v.channels, out, kernel, stride, kernel // 2, bias=bias)
    g.layer(made, i, Value(out, v.side // stride))


def _groups(g: Grower, channels: int) -> int:
    return g.draw.choice([n for n in range(1, channels + 1) if channels % n == 0])


def _grouped(g: Grower) -> None:
    i = g.any_map()
    v = g.values[i]
    groups = _groups(g, v.channels)
    out = groups * g.draw.choice((1, 2))
    if out <= _WIDEST:
        made = nn.Conv2d(v.channels, out, 3, padding=1, groups=groups)
        g.layer(made, i, Value(out, v.side))


def _depthwise(g: Grower) -> None:
    i = g.any_map()
    v = g.values[i]
    out = v.channels * g.draw.choice((1, 1, 2))
    if out <= _WIDEST:
        bias = g.draw.random() < 0.5
        made = nn.Conv2d(v.channels, out, 3, 1, 1, groups=v.channels, bias=bias)
        g.layer(made, i, Value(out, v.side))


def _transposed(g: Grower) -> None:
    i = g.any_map()
    v = g.values[i]
    if v.side * 2 > _LARGEST:
        return
    groups = _groups(g, v.channels) if g.draw.random() < 0.4 else 1
    out = groups * g.draw.choice((1, 2, 3))
    if out <= _WIDEST:
        made = nn.ConvTranspose2d(v.channels, out, 2, stride=2, groups=groups)
        g.layer(made, i, Value(out, v.side * 2))


def _norm(g: Grower) -> None:
    i = g.any_map()
    v = g.values[i]
    kinds: list[Callable[[], nn.Module]] = [
        lambda: nn.BatchNorm2d(v.channels),
        lambda: nn.BatchNorm2d(v.channels),
        lambda: nn.GroupNorm(_groups(g, v.channels), v.channels),
    ]
    if v.side > 1:
        kinds.append(lambda: nn.InstanceNorm2d(v.channels, affine=True))
    g.layer(g.draw.choice(kinds)(), i, v)


def _activation(g: Grower) -> None:
    i = g.any_map()
    v = g.values[i]
    kinds: list[Callable[[], nn.Module]] = [
        nn.ReLU,
        nn.ReLU,
        nn.SiLU,
        nn.Sigmoid,
        nn.Softplus,
        nn.Tanh,
        lambda: nn.LeakyReLU(0.2),
        lambda: nn.PReLU(v.channels),
        lambda: nn.Dropout2d(0.2),
        nn.Identity,
    ]
    g.layer(g.draw.choice(kinds)(), i, v)


def _add(g: Grower) -> None:
    i = g.any_map()
    g.call(torch.add, (i, g.like(i)), g.values[i])


def _multiply(g: Grower) -> None:
    i = g.any_map()
    gate = g.like(i)
    g.call(lambda a, b: a * torch.sigmoid(b), (i, gate), g.values[i])


def _channel_gate(g: Grower) -> None:
    i = g.any_map()
    v = g.values[i]
    pooled = g.call(lambda x: x.mean((2, 3), keepdim=True), (i,), Value(v.channels, 1))
    excited = g.layer(
        nn.Conv2d(v.channels, v.channels, 1), pooled, Value(v.channels, 1)
    )
    g.call(lambda a, b: a * torch.sigmoid(b), (i, excited), v)


def _spatial_gate(g: Grower) -> None:
    i = g.any_map()
    v = g.values[i]
    gate = g.layer(nn.Conv2d(v.channels, 1, 1), i, Value(1, v.side))
    g.call(lambda a, b: a * torch.sigmoid(b), (i, gate), v)


def _concatenate(g: Grower) -> None:
    i = g.any_map()
    side = g.values[i].side
    sized = [j for j, v in enumerate(g.values) if v.side == side]
    parts = (i, *(g.draw.choice(sized) for _ in range(g.draw.choice((1, 2)))))
    channels = sum(g.values[j].channels for j in parts)
    if channels <= _WIDEST:
        g.call(lambda *maps: torch.cat(maps, dim=1), parts, Value(channels, side))


def _split(g: Grower) -> None:
    i = g.any_map()
    v = g.values[i]
    if v.channels < 2:
        return
    cut = g.draw.randint(1, v.channels - 1)
    sizes = [cut, v.channels - cut]
    made = [Value(size, v.side) for size in sizes]
    g.call(lambda x: torch.split(x, sizes, dim=1), (i,), *made)


def _slice(g: Grower) -> None:
    i = g.any_map()
    v = g.values[i]
    start, step = g.draw.choice(((0, 2), (1, 1), (1, 2)))
    left = len(range(start, v.channels, step))
    if left:
        g.call(lambda x: x[:, start::step], (i,), Value(left, v.side))


def _resize(g: Grower) -> None:
    i = g.any_map()
    v = g.values[i]
    if v.side % 2 == 0 and g.draw.random() < 0.5:
        pool = g.draw.choice((functional.max_pool2d, functional.avg_pool2d))
        g.call(lambda x: pool(x, 2), (i,), Value(v.channels, v.side // 2))
    elif v.side * 2 <= _LARGEST:
        mode = g.draw.choice(("nearest", "bilinear"))
        made = Value(v.channels, v.side * 2)
        g.layer(nn.Upsample(scale_factor=2.0, mode=mode), i, made)


def _pixel_shuffle(g: Grower) -> None:
    i = g.any_map()
    v = g.values[i]
    if v.side % 2 == 0 and v.channels * 4 <= _WIDEST:
        g.layer(nn.PixelUnshuffle(2), i, Value(v.channels * 4, v.side // 2))
    elif v.channels % 4 == 0 and v.side * 2 <= _LARGEST:
        g.layer(nn.PixelShuffle(2), i, Value(v.channels // 4, v.side * 2))


def _channel_shuffle(g: Grower) -> None:
    i = g.any_map()
    v = g.values[i]
    g.layer(nn.ChannelShuffle(_groups(g, v.channels)), i, v)


def _reuse(g: Grower) -> None:
    """Call a layer that exists once more, on any value that fits."""
    fits = [
        (name, i, made)
        for name, takes, made in g.reusable
        for i, v in enumerate(g.values)
        if v == takes
    ]
    if fits:
        g.again(*g.draw.choice(fits))


_GROW: tuple[Callable[[Grower], None], ...] = (
    _conv,
    _conv,
    _conv,
    _grouped,
    _depthwise,
    _transposed,
    _norm,
    _norm,
    _activation,
    _activation,
    _add,
    _add,
    _multiply,
    _channel_gate,
    _spatial_gate,
    _concatenate,
    _concatenate,
    _split,
    _slice,
    _resize,
    _pixel_shuffle,
    _channel_shuffle,
    _reuse,
)


def _finish(g: Grower, seed: int) -> None:
    """Give every value that nobody reads a head, or make it an output itself."""
    draw = random.Random(seed + 1)
    for i in [i for i in range(len(g.values)) if i not in g.read]:
        v, kind = g.values[i], draw.random()
        if kind < 0.1:
            g.network.outputs.append(i)
        elif kind < 0.4:
            flat = g.call(
                lambda x: x.flatten(1), (i,), Value(v.channels * v.side**2, 0)
            )
            head: nn.Module = nn.Linear(v.channels * v.side**2, 3)
            g.network.outputs.append(g.layer(head, flat, Value(3, 0)))
        elif kind < 0.6:
            pooled = g.call(lambda x: x.mean((2, 3)), (i,), Value(v.channels, 0))
            head = nn.Sequential(nn.Linear(v.channels, 5), nn.ReLU(), nn.Linear(5, 2))
            g.network.outputs.append(g.layer(head, pooled, Value(2, 0)))
        else:
            head = nn.Conv2d(v.channels, 2, draw.choice((1, 3)), padding="same")
            g.network.outputs.append(g.layer(head, i, Value(2, v.side)))


def random_network(
    seed: int, steps: int = 12
) -> tuple[RandomNetwork, tuple[Tensor, ...]]:
    """A random network in eval mode and float64, and inputs for it.

    Parameters
    ----------
    seed
        Decides everything.
    steps
        How many times it grows; a growth that does not fit is skipped.
    """
    draw = random.Random(seed)
    inputs = draw.choice((1, 1, 1, 2))
    shape = Value(draw.choice((1, 3)), draw.choice((4, 8)))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        g = Grower(draw, RandomNetwork(inputs), [shape] * inputs)
        for i in range(inputs):  # nobody prunes an image
            made = Value(_width(g), shape.side)
            g.layer(nn.Conv2d(shape.channels, made.channels, 3, padding=1), i, made)
        for _ in range(steps):
            draw.choice(_GROW)(g)
        _finish(g, seed)
        network = randomise(g.network).double().eval()
        size = (2, shape.channels, shape.side, shape.side)
        images = [torch.randn(size, dtype=torch.float64) for _ in range(inputs)]
    return network, tuple(images)


networks = st.builds(
    random_network,
    st.integers(min_value=0, max_value=2**31 - 1),
    steps=st.integers(min_value=0, max_value=16),
)
"""Hypothesis strategy of ``(module, inputs)``."""
