"""From operators and weights of any file to the description of a `GraphNetwork`.

Weights that a layer owns go under the layer's path; operators whose inputs are all
known are computed now, so that shapes and transposed weights are plain numbers later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import ModelError
from core.models.graphs.network import OPERATORS, unknown_operators
from core.models.graphs.values import Node, Value, is_host, to_host

if TYPE_CHECKING:
    from collections.abc import Sequence

_FEW = 4096  # numbers that are kept in the description; more are a tensor
_NAME = re.compile(r"[^0-9A-Za-z_/.\-]+")
_TAKEN = frozenset(dir(nn.Module())) | {
    "constants",
    "run",
    "check_growth",
    "shapes_for",
}
# All but the first input are numbers, not pixels.
_SETTINGS = frozenset(
    ["Resize", "Upsample", "Reshape", "Slice", "Pad", "Expand", "Tile", "Clip", "Split"]
)
_WIDTHS = {"Conv": (1, 0), "ConvTranspose": (0, 1)}


@dataclass
class GraphBuilder:
    """Collects a graph, operator by operator, in the order they run.

    Parameters
    ----------
    input_name
        Of the only input.
    opset
        Version of the operators.
    known
        Name -> weights (`Tensor`) and numbers (`Host`).
    """

    input_name: str
    opset: int
    known: dict[str, Value] = field(default_factory=dict)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    state: dict[str, Tensor] = field(default_factory=dict)
    _layers: dict[Any, str] = field(default_factory=dict)

    def add(self, node: Node) -> None:
        """Add one operator.

        Raises
        ------
        ModelError
            When it is not computed here.
        """
        if node.op == "PRelu" and self._shared_slope(node):
            self._add_layer(node)
        elif node.op in _LAYERS:
            _LAYERS[node.op](self, node)
        elif node.op not in OPERATORS:
            raise unknown_operators({node.op})
        elif all(not name or name in self.known for name in node.inputs):
            self._fold(node)
        else:
            self._put(node)

    def _fold(self, node: Node) -> None:
        given = [self.known[name] if name else None for name in node.inputs]
        with torch.no_grad():
            found = OPERATORS[node.op](node, *given)
        several = isinstance(found, tuple | list)
        for name, value in zip(
            node.outputs, found if several else (found,), strict=False
        ):
            self.known[name] = value

    def _put(self, node: Node, layer: str = "") -> None:
        if node.op in _SETTINGS:
            names = tuple(self._as_numbers(name) for name in node.inputs[1:])
            node = replace(node, inputs=(node.inputs[0], *names))
        self.nodes.append(
            {
                "op": node.op,
                "inputs": list(node.inputs),
                "outputs": list(node.outputs),
                "attributes": {
                    k: v for k, v in node.attributes.items() if v is not None
                },
                "layer": layer,
            }
        )

    def _as_numbers(self, name: str) -> str:
        """Return a name under which small weights are known as numbers."""
        value = self.known.get(name)
        if not isinstance(value, Tensor) or value.numel() > _FEW:
            return name
        self.known[f"{name}:numbers"] = to_host(value.tolist())
        return f"{name}:numbers"

    def tensor(self, node: Node, place: int) -> Tensor | None:
        """Return weights that an operator is given, or None where left out.

        Raises
        ------
        ModelError
            When they are computed from the image.
        """
        name = node.inputs[place] if place < len(node.inputs) else ""
        if not name:
            return None
        value = self.known.get(name)
        if value is None:
            raise node.unsupported("weights that are computed while it runs")
        if is_host(value):
            return torch.tensor(np.asarray(value).tolist(), dtype=torch.float32)
        found: Tensor = value.float()
        return found

    def own(
        self, node: Node, op: str, tensors: dict[str, Tensor], settings: dict[str, Any]
    ) -> None:
        """Add a layer that owns its weights.

        Parameters
        ----------
        node
            Names the input and the output.
        op
            Key of `layers.LAYERS`.
        tensors
            Weights by the names that torch's layer gives them.
        settings
            Attributes of the layer.
        """
        key = (op, node.inputs[1:], repr(sorted(settings.items())))
        path = self._layers.get(key)
        if path is None:
            path = self._path(node, op)
            self._layers[key] = path
            self.state |= {
                f"{path}.{name}": value.detach().clone().contiguous()
                for name, value in tensors.items()
            }
        made = Node(op, node.inputs[:1], node.outputs[:1], settings, self.opset)
        self._put(made, path)

    def _path(self, node: Node, op: str) -> str:
        """Return a free path, from the name of the weights where it tells one."""
        weight = next((n for n in node.inputs[1:] if n), "")
        stem, _, leaf = weight.rpartition(".")
        found = stem if leaf in {"weight", "bias", "running_mean"} and stem else ""
        found = _NAME.sub("_", found)
        for prefix in ("inner.", "module."):
            found = found.removeprefix(prefix)
        parts = found.split(".")
        free = found and all(part and part not in _TAKEN for part in parts)
        taken = set(self._layers.values())
        inside = any(
            found == path
            or found.startswith(f"{path}.")
            or path.startswith(f"{found}.")
            for path in taken
        )
        if free and not inside:
            return found
        number = len(taken)
        while f"{op.lower()}_{number}" in taken:
            number += 1
        return f"{op.lower()}_{number}"

    def _shared_slope(self, node: Node) -> bool:
        slope = self.known.get(node.inputs[1])
        return isinstance(slope, Tensor) and all(s == 1 for s in slope.shape[1:])

    def _add_layer(self, node: Node) -> None:
        slope = self.tensor(node, 1)
        assert slope is not None
        self.own(
            node, "PRelu", {"weight": slope.reshape(-1)}, {"channels": slope.numel()}
        )

    def finish(
        self, outputs: Sequence[tuple[str, str]], example: Sequence[int]
    ) -> dict[str, Any]:
        """Return the description, with all that the operators need.

        Parameters
        ----------
        outputs
            Pairs of a title and the name of a value.
        example
            Shape of an input that the graph runs on.

        Raises
        ------
        ModelError
            When an output does not depend on the image.
        """
        made = {name for node in self.nodes for name in node["outputs"]}
        for title, name in outputs:
            if name not in made:
                raise ModelError(f"the output {title!r} does not depend on the image")
        self._drop_unused({name for _, name in outputs})
        numbers: dict[str, Any] = {}
        weights: dict[str, list[int]] = {}
        for name in dict.fromkeys(n for node in self.nodes for n in node["inputs"]):
            if name == self.input_name or not name or name not in self.known:
                continue
            value = self.known[name]
            if is_host(value) or not value.is_floating_point() or value.numel() <= 1:
                numbers[name] = _numbers(value)
                continue
            self.state[f"constants.w{len(weights)}"] = value.detach().clone().float()
            weights[name] = list(value.shape)
        return {
            "input": self.input_name,
            "outputs": [list(pair) for pair in outputs],
            "nodes": self.nodes,
            "numbers": numbers,
            "weights": weights,
            "opset": self.opset,
            "example": list(example),
        }

    def _drop_unused(self, wanted: set[str]) -> None:
        """Leave out operators that lead to no output."""
        kept: list[dict[str, Any]] = []
        needed = set(wanted)
        for node in reversed(self.nodes):
            if needed & set(node["outputs"]):
                kept.append(node)
                needed |= set(node["inputs"])
        self.nodes = kept[::-1]
        paths = {node["layer"] for node in self.nodes}
        self.state = {
            name: value
            for name, value in self.state.items()
            if name.rpartition(".")[0] in paths
        }


def _numbers(value: Value) -> Any:
    found = value if is_host(value) else to_host(value.tolist())
    if found.size > _FEW:
        raise ModelError(
            f"the graph holds a list of {found.size:,} whole numbers, which this "
            "program does not compute with; open its PyTorch checkpoint"
        )
    return found.tolist()


def _conv(builder: GraphBuilder, node: Node) -> None:
    weight, bias = builder.tensor(node, 1), builder.tensor(node, 2)
    if weight is None or not 3 <= weight.dim() <= 5:
        raise node.unsupported("such weights")
    groups = int(node.get("group", 1))
    read, made = _WIDTHS[node.op]
    widths = [int(weight.shape[read]), int(weight.shape[made])]
    if node.op == "Conv":
        widths[0] *= groups
    else:
        widths[1] *= groups
    settings = dict(node.attributes) | {
        "in_channels": widths[0],
        "out_channels": widths[1],
        "kernel_shape": [int(size) for size in weight.shape[2:]],
        "bias": bias is not None,
        "group": groups,
    }
    tensors = {"weight": weight} | ({} if bias is None else {"bias": bias})
    builder.own(node, node.op, tensors, settings)


def _batch_norm(builder: GraphBuilder, node: Node) -> None:
    names = ("weight", "bias", "running_mean", "running_var")
    found = {name: builder.tensor(node, place) for place, name in enumerate(names, 1)}
    tensors = {name: value for name, value in found.items() if value is not None}
    if len(tensors) != len(names) or node.get("training_mode", 0):
        raise node.unsupported("statistics of the batch")
    settings = {
        "channels": tensors["weight"].numel(),
        "epsilon": float(node.get("epsilon", 1e-5)),
    }
    tensors["num_batches_tracked"] = torch.zeros((), dtype=torch.int64)
    builder.own(node, node.op, tensors, settings)


def _scaled_norm(builder: GraphBuilder, node: Node) -> None:
    """Instance, group and layer norm: a scale and a shift."""
    weight, bias = builder.tensor(node, 1), builder.tensor(node, 2)
    if weight is None:
        raise node.unsupported("no scale")
    settings: dict[str, Any] = {"epsilon": float(node.get("epsilon", 1e-5))}
    if node.op == "LayerNormalization":
        if node.get("axis", -1) not in {-1, -weight.dim()} or any(node.outputs[1:]):
            raise node.unsupported("such axes")
        settings |= {"shape": list(weight.shape), "bias": bias is not None}
    else:
        settings["channels"] = weight.numel()
        bias = torch.zeros(weight.numel()) if bias is None else bias
    if node.op == "GroupNormalization":
        groups = int(node.get("num_groups"))
        settings["num_groups"] = groups
        if builder.opset < 21:
            raise node.unsupported("one scale for each group")
    tensors = {"weight": weight} | ({} if bias is None else {"bias": bias})
    builder.own(node, node.op, tensors, settings)


def _gemm(builder: GraphBuilder, node: Node) -> None:
    weight, bias = builder.tensor(node, 1), builder.tensor(node, 2)
    if weight is None or weight.dim() != 2 or node.get("transA", 0):
        raise node.unsupported("such factors")
    weight = weight if node.get("transB", 0) else weight.t()
    weight = weight * float(node.get("alpha", 1.0))
    settings = {
        "in_channels": int(weight.shape[1]),
        "out_channels": int(weight.shape[0]),
    }
    tensors = {"weight": weight}
    if bias is not None:
        whole = torch.broadcast_to(bias.reshape(-1), (int(weight.shape[0]),))
        tensors["bias"] = whole * float(node.get("beta", 1.0))
    settings["bias"] = bias is not None
    builder.own(node, "Linear", tensors, settings)


def _matmul(builder: GraphBuilder, node: Node) -> None:
    weight = builder.known.get(node.inputs[1])
    if (
        isinstance(weight, Tensor)
        and weight.dim() == 2
        and (node.inputs[0] not in builder.known)
    ):
        _gemm(builder, Node("Gemm", node.inputs, node.outputs, {}, node.opset))
        return
    builder.nodes.append(
        {
            "op": "MatMul",
            "inputs": list(node.inputs),
            "outputs": list(node.outputs),
            "attributes": {},
            "layer": "",
        }
    )


_LAYERS = {
    "Conv": _conv,
    "ConvTranspose": _conv,
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _scaled_norm,
    "GroupNormalization": _scaled_norm,
    "LayerNormalization": _scaled_norm,
    "Gemm": _gemm,
    "MatMul": _matmul,
}
