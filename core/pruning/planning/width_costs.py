"""What layers cost at several widths on this machine, and plans that aim at time.

Every convolution and linear layer is timed on its own at a few widths; between
them, cost is interpolated. What the rest of the network takes (normalisation,
activations, copies) is measured once and taken as proportional to the values
that are left. The sum predicts the time of any plan without building it
(Yang et al. 2018, arXiv 1804.03230, NetAdapt).

To read this file, start from `measure_costs`, then `make_timed_plan`.
"""

import json
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import PruningError
from core.job import Job
from core.pruning.planning.checks import check_model, check_request
from core.pruning.planning.limits import Limits
from core.pruning.planning.plan import PruningPlan
from core.pruning.planning.selection import Selector, plan_of
from core.pruning.scoring.heuristics import ScoringContext, find_heuristic
from core.pruning.scoring.statistics import Statistics
from core.pruning.tracing.graph import Alive, ChannelGraph, GraphLayer
from core.pruning.tracing.labels import FIXED
from core.pruning.tracing.layer_calls import (
    LayerCall,
    Measure,
    calls_of,
    median_ms,
    whole,
)

WIDTHS = (0.125, 0.25, 0.5, 0.75, 1.0)
"""Shares of the dense width at which layers are timed."""


@dataclass(frozen=True, slots=True)
class LayerCost:
    """Time of one layer call by its widths.

    Parameters
    ----------
    layer
        Index into `ChannelGraph.layers`.
    inputs, outputs
        float64 (i,), (o,): channels read and made, rising.
    ms
        float64 (i, o).
    """

    layer: int
    inputs: NDArray[np.float64]
    outputs: NDArray[np.float64]
    ms: NDArray[np.float64]

    def at(self, inputs: int, outputs: int) -> float:
        """Return interpolated milliseconds; beyond the ends, those of the end."""
        by_output = [np.interp(inputs, self.inputs, column) for column in self.ms.T]
        return float(np.interp(outputs, self.outputs, by_output))


@dataclass(frozen=True, slots=True)
class CostTable:
    """Predicts the time of a pruned network.

    Parameters
    ----------
    layers
        One entry for each timed layer call.
    rest
        Milliseconds of the dense network that are not in its layers.
    shapes
        Shapes of the inputs it was measured on.
    """

    layers: tuple[LayerCost, ...]
    rest: float
    shapes: tuple[tuple[int, ...], ...]

    def predict(self, graph: ChannelGraph, alive: Alive) -> float:
        """Return milliseconds for a set of living atoms, bool (atoms,)."""
        alive = alive.copy()
        alive[FIXED] = True
        time = 0.0
        for cost in self.layers:
            layer = graph.layers[cost.layer]
            left = int(alive[layer.inputs].sum()), int(alive[layer.outputs].sum())
            time += cost.at(*left)
        dense = left_over = 0.0
        for layer in graph.producing_layers:
            dense += layer.positions * layer.outputs.size
            left_over += layer.positions * float(alive[layer.outputs].sum())
        return time + self.rest * (left_over / dense if dense else 1.0)

    def dense(self, graph: ChannelGraph) -> float:
        """Return the predicted milliseconds of the dense network."""
        return self.predict(graph, np.ones(graph.atoms, dtype=bool))

    def to_json(self) -> str:
        """Return the table as JSON; `from_json` reads it back."""
        layers = [
            [c.layer, c.inputs.tolist(), c.outputs.tolist(), c.ms.tolist()]
            for c in self.layers
        ]
        return json.dumps({"rest": self.rest, "shapes": self.shapes, "layers": layers})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a table written by `to_json`.

        Raises
        ------
        PruningError
            When the text is not such a table.
        """
        try:
            data = json.loads(text)
            layers = []
            for layer, *rest in data["layers"]:
                inputs, outputs, ms = (
                    np.array(part, dtype=np.float64) for part in rest
                )
                if ms.shape != (inputs.size, outputs.size) or not ms.size:
                    raise ValueError(ms.shape)
                layers.append(LayerCost(int(layer), inputs, outputs, ms))
            shapes = tuple(tuple(map(int, shape)) for shape in data["shapes"])
            return cls(tuple(layers), float(data["rest"]), shapes)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise PruningError(
                "This text is not a cost table: pass what CostTable.to_json wrote."
            ) from error


def measure_costs(
    module: nn.Module,
    graph: ChannelGraph,
    example: Tensor | tuple[Tensor, ...],
    *,
    measure: Measure = median_ms,
    job: Job | None = None,
) -> CostTable:
    """Time every layer of a model at several widths, on this machine.

    Parameters
    ----------
    module, graph
        A model and its trace; the module is not changed.
    example
        Inputs of the shape that matters.
    measure
        Returns the milliseconds of a call; replaced in tests.
    job
        Progress and cancel, one step a layer.

    Returns
    -------
    CostTable
    """
    inputs = (example,) if isinstance(example, Tensor) else tuple(example)
    job = job or Job()
    calls = calls_of(module, graph, inputs)
    known: dict[tuple[Any, ...], LayerCost] = {}
    found: list[LayerCost] = []
    for done, (place, call) in enumerate(calls.items()):
        job.step(done, len(calls), f"timing {graph.layers[place].name}")
        # Layers of the same shape are timed once.
        cost = known.get(call.key) or _time(place, graph.layers[place], call, measure)
        known[call.key] = cost
        found.append(LayerCost(place, cost.inputs, cost.outputs, cost.ms))
    total = measure(whole(module, inputs))
    rest = max(total - sum(float(cost.ms[-1, -1]) for cost in found), 0.0)
    return CostTable(tuple(found), rest, tuple(tuple(x.shape) for x in inputs))


def _time(
    place: int, layer: GraphLayer, call: LayerCall, measure: Measure
) -> LayerCost:
    widths = [call.widths(share) for share in WIDTHS]
    inputs = sorted({i for i, _ in widths})
    # Inputs and outputs of a depthwise layer are one width.
    outputs = [call.outputs] if layer.depthwise else sorted({o for _, o in widths})
    ms = [[measure(call.narrow(i, o)) for o in outputs] for i in inputs]
    return LayerCost(
        place, np.array(inputs, float), np.array(outputs, float), np.array(ms, float)
    )


def make_timed_plan(  # noqa: PLR0913 - mirrors make_plan
    module: nn.Module,
    graph: ChannelGraph,
    heuristic: str,
    milliseconds: float,
    table: CostTable,
    *,
    scope: str = "network",
    statistics: Statistics | None = None,
    limits: Limits | None = None,
    seed: int = 0,
) -> PruningPlan:
    """Decide what to remove so that the network takes no longer than asked.

    Parameters
    ----------
    module, graph, heuristic, scope, statistics, seed
        As for `make_plan`.
    milliseconds
        Predicted time of the pruned network, at most.
    table
        From `measure_costs`.
    limits
        Rounding, floors, locks and ratios.

    Returns
    -------
    PruningPlan
        Its request holds the target and the predicted times.

    Raises
    ------
    PruningError
        What `make_plan` refuses, or a time out of reach.
    """
    limits = limits or Limits()
    check_model(module, graph)
    check_request(graph, 0.0, "macs", limits)
    _check_table(graph, table)
    if not milliseconds > 0:
        raise PruningError(f"{milliseconds} ms is no time: give a positive number.")
    scores = find_heuristic(heuristic).score(
        ScoringContext(module, graph, statistics, seed, "macs")
    )
    alive = Selector(graph, limits).select_below(
        scores, milliseconds, scope, lambda left: table.predict(graph, left)
    )
    request = {
        "heuristic": heuristic,
        "scope": scope,
        "seed": seed,
        "round_to": limits.round_to,
        "min_channels": limits.min_channels,
        "milliseconds": milliseconds,
        "predicted_ms": table.predict(graph, alive),
        "predicted_dense_ms": table.dense(graph),
    }
    return plan_of(graph, alive, request)


def _check_table(graph: ChannelGraph, table: CostTable) -> None:
    layers = graph.layers
    fits = all(
        cost.layer < len(layers) and layers[cost.layer].inputs.size == cost.inputs[-1]
        for cost in table.layers
    )
    if not fits:
        raise PruningError(
            "This cost table was measured on another model: measure it on this one."
        )
