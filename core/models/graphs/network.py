"""A graph of operators as a torch module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from core.errors import ModelError
from core.models.graphs import arithmetic, layers, resampling, shapes
from core.models.graphs.values import Node, Value, to_host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OPERATORS: Mapping[str, Callable[..., Value]] = {
    **arithmetic.OPERATORS,
    **shapes.OPERATORS,
    "MaxPool": layers.run_max_pool,
    "AveragePool": layers.run_average_pool,
    "GlobalAveragePool": layers.run_global_average,
    "GlobalMaxPool": layers.run_global_max,
    "AdaptiveAveragePool": layers.run_adaptive_average,
    "ScaledDotProductAttention": layers.run_attention,
    "Resize": resampling.run_resize,
    "Upsample": resampling.run_resize,
}
"""Operators without weights, by ONNX's name."""

_MOST_NODES = 50_000
_MOST_VALUES = 1 << 28  # of one tensor
_CONSTANTS = "constants"


class GraphNetwork(nn.Module):
    """Runs a graph; its layers are torch's own, under the names of their weights.

    Parameters
    ----------
    graph
        JSON values: ``input``, a name; ``outputs``, pairs of a title and a name;
        ``nodes``, the fields of `Node`; ``numbers``, name -> numbers that are no
        weights; ``weights``, name -> shape of tensors that no layer owns;
        ``opset``; ``example``, a shape of the input that it runs on.

    Raises
    ------
    ModelError
        When an operator is unknown, or the graph is no such description.
    """

    def __init__(self, graph: Mapping[str, Any]) -> None:
        super().__init__()
        try:
            self._read(graph)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(
                "the graph inside a model file is damaged; copy or export it again"
            ) from error

    def _read(self, graph: Mapping[str, Any]) -> None:
        opset = int(graph["opset"])
        self._input = str(graph["input"])
        self._outputs = [(str(title), str(name)) for title, name in graph["outputs"]]
        self._example = [int(size) for size in graph["example"]]
        self._nodes = [_node(each, opset) for each in graph["nodes"]]
        if len(self._nodes) > _MOST_NODES:
            raise ModelError(f"a graph of {len(self._nodes):,} operators is no network")
        unknown = {n.op for n in self._nodes} - OPERATORS.keys() - layers.LAYERS
        if unknown:
            raise unknown_operators(unknown)
        self._numbers = {
            str(name): to_host(value) for name, value in graph["numbers"].items()
        }
        self._weights = {
            str(name): f"w{place}" for place, name in enumerate(graph["weights"])
        }
        own = nn.Module()
        for name, shape in graph["weights"].items():
            value = torch.empty([int(size) for size in shape])
            own.register_parameter(self._weights[str(name)], nn.Parameter(value))
        self.add_module(_CONSTANTS, own)
        for node in self._nodes:
            if node.layer and not self._has(node.layer):
                place_layer(self, node.layer, layers.build_layer(node))
        self._last = _last_uses(self._nodes, {name for _, name in self._outputs})

    def _has(self, path: str) -> bool:
        try:
            found = self.get_submodule(path)
        except AttributeError:
            return False
        return type(found) is not nn.Module

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return the outputs by title.

        Parameters
        ----------
        image
            float32 (images, channels, height, width).
        """
        return self.run(image)

    def run(
        self, image: Tensor, look: Callable[[Node, Value], None] | None = None
    ) -> dict[str, Tensor]:
        """Run the graph; ``look`` is shown what each operator gives.

        Raises
        ------
        ModelError
            When an operator has settings that are not computed here.
        """
        values: dict[str, Value] = {self._input: image, **self._numbers}
        own = self.get_submodule(_CONSTANTS)
        for name, attribute in self._weights.items():
            values[name] = getattr(own, attribute)
        for node, done in zip(self._nodes, self._last, strict=True):
            given: list[Value] = [values[n] if n else None for n in node.inputs]
            if node.layer:
                layer = self.get_submodule(node.layer)
                found: Value = layers.run_layer(node, layer, given[0])
            else:
                found = OPERATORS[node.op](node, *given)
            if look is not None:
                look(node, found)
            several = isinstance(found, tuple | list)
            made = found if several else (found,)
            values |= dict(zip(node.outputs, made, strict=False))
            for name in done:
                values.pop(name, None)
        return {title: values[name] for title, name in self._outputs}

    def check_growth(self) -> None:
        """Run on shapes alone, and refuse what would fill the memory.

        Raises
        ------
        ModelError
            When the graph does not run on its example, or a tensor is too large.
        """

        def look(node: Node, value: Value) -> None:
            for each in value if isinstance(value, tuple | list) else (value,):
                if isinstance(each, Tensor) and each.numel() > _MOST_VALUES:
                    raise ModelError(
                        f"the operator {node.op} makes a tensor of {each.numel():,} "
                        "values, which no network needs; the file is damaged"
                    )

        self.shapes_for(self._example, look)

    def shapes_for(
        self,
        shape: Sequence[int],
        look: Callable[[Node, Value], None] | None = None,
    ) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the outputs for an input, without computing values.

        The network must be on the meta device.

        Raises
        ------
        ModelError
            When the graph does not run on such an input.
        """
        try:
            with torch.no_grad():
                found = self.run(torch.empty(list(shape), device="meta"), look)
        except ModelError:
            raise
        except Exception as error:  # any operator may raise anything here
            first = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ModelError(
                f"the graph does not run on an input of {list(shape)} ({first[:160]})"
            ) from error
        return {title: tuple(value.shape) for title, value in found.items()}


def unknown_operators(names: set[str]) -> ModelError:
    """Return the error for operators that are not computed here."""
    listed = ", ".join(sorted(names)[:8])
    return ModelError(
        f"the graph uses {listed}, which this program does not compute; export the "
        "network with plain layers, or open its PyTorch checkpoint"
    )


def _node(values: Mapping[str, Any], opset: int) -> Node:
    return Node(
        op=str(values["op"]),
        inputs=tuple(map(str, values["inputs"])),
        outputs=tuple(map(str, values["outputs"])),
        attributes=dict(values.get("attributes", {})),
        opset=opset,
        layer=str(values.get("layer", "")),
    )


def _last_uses(nodes: Sequence[Node], kept: set[str]) -> list[list[str]]:
    """Return which values nobody reads any more after each operator."""
    seen: set[str] = set()
    found: list[list[str]] = []
    for node in reversed(nodes):
        names = {*node.inputs, *node.outputs} - seen - kept - {""}
        seen |= names
        found.append(sorted(names))
    return found[::-1]


def place_layer(root: nn.Module, path: str, layer: nn.Module) -> None:
    """Put a layer into a module under a path with dots.

    Raises
    ------
    ValueError
        When the path is not one.
    """
    *outer, leaf = path.split(".")
    if not leaf or len(outer) > 64:
        raise ValueError(path)
    owner = root
    for name in outer:
        inner = owner._modules.get(name)  # noqa: SLF001 - torch's table of children
        if inner is None:
            inner = nn.Module()
            owner.add_module(name, inner)
        owner = inner
    owner.add_module(leaf, layer)
