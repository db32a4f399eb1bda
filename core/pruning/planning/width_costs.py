"""What layers cost on this machine at the widths that a plan leaves.

Time is a staircase: a processor computes so many channels together, and a width just
above a multiple costs as much as the next one. So nothing is interpolated: each
convolution and linear layer is timed on its own at exactly the numbers of channels
that are asked for, when they are asked for, and the times are kept on this computer.
What the rest of the network takes (normalisation, activations, copies) is measured
once and taken as proportional to the values that are left. The sum predicts the time
of any plan without building it (a latency table: Yang et al. 2018, arXiv 1804.03230,
NetAdapt; Kurtic et al. 2023, arXiv 2302.04089, ZipLM).

To read this file, start from `measure_costs`.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.cache import digest, processor_name, read_cached, write_cached
from core.job import Job
from core.pruning.tracing.graph import Alive, ChannelGraph
from core.pruning.tracing.labels import FIXED
from core.pruning.tracing.layer_calls import (
    LayerCall,
    Measure,
    calls_of,
    least_ms,
    without_layers,
)
from core.pruning.tracing.modes import tensors_of

_KIND = "layer-times"
_STEPS = (32, 16, 8, 4)
_REPEATS = 3  # of the time between layers, which is one number for all plans
_FREE = 1.08  # what rounding up to a step may cost, where it is the machine's
_PROBED = 32  # channels read while the step is looked for


class CostTable:
    """Predicts the time of a pruned network; layers are timed when first asked for.

    Parameters
    ----------
    graph
        Of the dense model.
    calls
        Index into ``graph.layers`` to the call of that layer.
    shapes
        Shapes of the inputs it holds for.
    measure
        Returns the milliseconds of a call.
    keep
        Whether times are kept on this computer.
    """

    def __init__(
        self,
        graph: ChannelGraph,
        calls: Mapping[int, LayerCall],
        shapes: tuple[tuple[int, ...], ...],
        measure: Measure,
        *,
        keep: bool = False,
    ) -> None:
        self.graph = graph
        self.keep = keep
        self.shapes = shapes
        self.rest = 0.0
        """Milliseconds of the dense network that are not in its layers."""
        self.step = 1
        """Channels that this machine computes together."""
        self.times: dict[str, float] = {}
        """Milliseconds by name of the layer's call and its widths."""
        self._calls = calls
        self._measure = measure
        self._names = {place: digest(call.key) for place, call in calls.items()}
        self._values = _values_per_atom(graph)
        names = sorted(set(self._names.values()))
        self.key = digest(machine(), torch.get_num_threads(), shapes, *names)
        """Names what is timed: layers, sizes of inputs, threads and the machine."""

    @property
    def places(self) -> tuple[int, ...]:
        """Indices of the layers that are timed, into ``graph.layers``."""
        return tuple(self._calls)

    def at(self, place: int, read: int, made: int) -> float:
        """Return the milliseconds of one layer for channels read and made."""
        if not read or not made:
            return 0.0
        name = f"{self._names[place]}/{read}/{made}"
        if name not in self.times:
            # Layers of the same shape are timed once.
            self.times[name] = self._measure(self._calls[place].narrow(read, made))
        return self.times[name]

    def layer(self, place: int, alive: Alive) -> float:
        """Return the milliseconds of one layer for living atoms, bool (atoms,)."""
        layer = self.graph.layers[place]
        read, made = int(alive[layer.inputs].sum()), int(alive[layer.outputs].sum())
        return self.at(place, read, made)

    def between(self, alive: Alive) -> float:
        """Return the milliseconds that are not in layers, for living atoms."""
        total = float(self._values.sum())
        left = float(self._values[alive].sum())
        return self.rest * (left / total if total else 1.0)

    def predict(self, graph: ChannelGraph, alive: Alive) -> float:
        """Return milliseconds for a set of living atoms, bool (atoms,).

        ``graph`` is the table's own; it is there because plans have one at hand.
        """
        assert graph.atoms == self.graph.atoms
        alive = alive.copy()
        alive[FIXED] = True
        return self.between(alive) + sum(self.layer(p, alive) for p in self._calls)

    def dense(self, graph: ChannelGraph) -> float:
        """Return the predicted milliseconds of the dense network."""
        return self.predict(graph, np.ones(graph.atoms, dtype=bool))

    def save(self) -> None:
        """Keep the times on this computer, where the table may."""
        if not self.keep:
            return
        data = {"rest": self.rest, "step": self.step, "times": self.times}
        write_cached(_KIND, self.key, data)

    def load(self) -> bool:
        """Take the times of an earlier run; returns whether they are complete."""
        data = read_cached(_KIND, self.key)
        try:
            rest, step = float(data["rest"]), int(data["step"])  # type: ignore[index]
            times = {str(k): float(v) for k, v in data["times"].items()}  # type: ignore[index]
        except (LookupError, TypeError, ValueError, AttributeError):
            return False
        sane = all(0 < value < float("inf") for value in times.values())
        if not (sane and 0 <= rest < float("inf") and 1 <= step <= _STEPS[0]):
            return False
        self.rest, self.step = rest, step
        self.times = {**times, **self.times}
        return True


def machine() -> str:
    """Return what decides the times of layers, beside the layers and the threads."""
    build = f"{torch.__version__} {torch.backends.cpu.get_cpu_capability()}"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return f"{processor_name()} x{os.cpu_count()} {device} torch {build}"


def measure_costs(
    module: nn.Module,
    graph: ChannelGraph,
    example: Tensor | tuple[Tensor, ...],
    *,
    measure: Measure = least_ms,
    keep: bool | None = None,
    job: Job | None = None,
) -> CostTable:
    """Return a table of what layers cost, timed on this machine.

    The dense layers, what is between them and the machine's step are timed at once,
    other widths when they are asked for.

    Parameters
    ----------
    module, graph
        A model and its trace; the module is not changed.
    example
        Inputs of the shape that matters.
    measure
        Returns the milliseconds of a call; replaced in tests.
    keep
        Whether times of earlier runs are read, and new ones kept on this computer;
        when left out, those that this machine took.
    job
        Progress and cancel, one step a layer.

    Returns
    -------
    CostTable
    """
    inputs = (example,) if isinstance(example, Tensor) else tuple(example)
    job = job or Job()
    calls = calls_of(module, graph, inputs)
    shapes = tuple(tuple(x.shape) for x in inputs)
    keep = measure is least_ms if keep is None else keep
    table = CostTable(graph, calls, shapes, measure, keep=keep)
    if keep and table.load():
        return table
    alive = np.ones(graph.atoms, dtype=bool)
    times: dict[int, float] = {}
    for done, place in enumerate(calls):
        job.step(done, len(calls), f"timing {graph.layers[place].name}")
        times[place] = table.layer(place, alive)
    job.step(len(calls), len(calls), "timing what is between the layers")
    between = without_layers(module, graph, inputs)
    table.rest = min(measure(between) for _ in range(_REPEATS))
    table.step = _find_step(calls, times, measure)
    table.save()
    return table


def example_for(
    module: nn.Module, graph: ChannelGraph, batches: Iterable[tuple[Tensor, ...]] = ()
) -> tuple[Tensor, ...]:
    """Return inputs of the traced shape: one of the batches where it has it."""
    for batch in batches:
        if tuple(tuple(x.shape) for x in batch) == graph.example:
            return batch
    some = next((t for t in tensors_of(module).values() if t.is_floating_point()), None)
    like = torch.zeros(()) if some is None else some
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand(s, generator=generator).to(like) for s in graph.example)


def _find_step(
    calls: Mapping[int, LayerCall], times: Mapping[int, float], measure: Measure
) -> int:
    """Return the largest step for which rounding a width up costs nothing.

    The costliest convolution is timed at widths just above a multiple of each step,
    and at the next multiple: a processor that computes eight channels together takes
    as long for 17 as for 24, and not as long as for 32.
    """
    dense = [p for p in times if calls[p].layer.groups == 1]
    if not dense:
        return 1
    call = calls[max(dense, key=lambda place: times[place])]
    known: dict[int, float] = {}

    def at(width: int) -> float:
        if width not in known:
            known[width] = measure(call.narrow(_PROBED, width))
        return known[width]

    for step in _STEPS:
        starts = range(max(step, 16), 65, step)[:3]
        ratios = [at(n + step) / max(at(n + 1), 1e-9) for n in starts]
        if float(np.exp(np.mean(np.log(ratios)))) <= _FREE:
            return step
    return 1


def _values_per_atom(graph: ChannelGraph) -> Any:
    """Return values that layers make for one input, float64 (atoms,) by atom."""
    found = np.zeros(graph.atoms)
    for layer in graph.producing_layers:
        np.add.at(found, layer.outputs, float(layer.positions))
    return found
