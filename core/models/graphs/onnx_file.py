"""ONNX files. Nothing in one is run: operators are looked up in this program's table.

The ``onnx`` package parses the file. Weights may lie in a second file, as torch's
exporter writes them: only in the same folder, and only within that file's own bytes.
"""

from __future__ import annotations

import json
from importlib import util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from core.errors import ModelError
from core.models.graphs.builder import GraphBuilder
from core.models.graphs.file import GraphFile
from core.models.graphs.values import Node, Value, to_host
from core.tables.extras import to_install_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    import onnx

_MISSING = (
    "{name} is an ONNX file, which needs the package onnx; run: {command}, then open "
    "it again"
)
_FREE = 0  # a side that the file leaves open


def read_onnx(path: Path) -> GraphFile:
    """Read an ONNX file.

    Raises
    ------
    ModelError
        When a package is missing, the file is damaged, has several inputs, or uses an
        operator that this program does not compute.
    """
    if util.find_spec("onnx") is None:
        raise ModelError(
            _MISSING.format(name=path.name, command=to_install_command("onnx"))
        )
    model = _parse(path)
    graph = model.graph
    builder = GraphBuilder("", _opset(model, path))
    for tensor in graph.initializer:
        builder.known[tensor.name] = _to_value(tensor, path)
    inputs = [each for each in graph.input if each.name not in builder.known]
    if len(inputs) != 1:
        raise ModelError(
            f"{path.name} takes {len(inputs)} inputs; a network that is opened here "
            "takes one image"
        )
    builder.input_name = inputs[0].name
    for each in graph.node:
        builder.add(_node(each, builder.opset, path))
    metadata = {each.key: each.value for each in model.metadata_props}
    return GraphFile(
        builder=builder,
        outputs=[(each.name, each.name) for each in graph.output],
        shape=_shape(inputs[0]),
        whole=_is_bytes(inputs[0]),
        about=_about(metadata.get("prunescope", "")),
    )


def _parse(path: Path) -> onnx.ModelProto:
    import onnx
    import onnx.inliner

    try:
        model = onnx.load(path, load_external_data=False)
        if model.functions:
            model = onnx.inliner.inline_local_functions(model)
    except Exception as error:  # the parser raises kinds of its own
        raise ModelError(
            f"{path.name} is not a readable ONNX file, it is damaged or was not copied "
            "completely; copy or export it again"
        ) from error
    if not model.graph.node:
        raise ModelError(
            f"{path.name} is not a readable ONNX file: there is no network in it"
        )
    return model


def _opset(model: onnx.ModelProto, path: Path) -> int:
    versions = {each.domain: each.version for each in model.opset_import}
    version = versions.get("", versions.get("ai.onnx", 0))
    if not 7 <= version <= 100:
        raise ModelError(
            f"{path.name} is written in version {version} of ONNX's operators; export "
            "it again in version 11 or later"
        )
    return int(version)


def _to_value(tensor: onnx.TensorProto, path: Path) -> Value:
    """Return weights as a tensor, and everything else as numbers."""
    import onnx
    from onnx import numpy_helper

    try:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            tensor = _with_data(tensor, path)
        array = numpy_helper.to_array(tensor)
    except (ValueError, TypeError, RuntimeError, OverflowError, KeyError) as error:
        raise ModelError(
            f"{path.name}: the weights {tensor.name[:80]!r} cannot be read; copy or "
            "export the file again"
        ) from error
    kind = array.dtype.kind
    if kind in "SUO":
        raise ModelError(f"{path.name} holds text where numbers are expected")
    if kind not in "iub":  # also bfloat16, whose kind numpy does not know
        array = np.asarray(array, np.float32)
        if array.size > 1:
            return torch.from_numpy(np.array(array))
    if array.size > 4096:
        return torch.from_numpy(np.array(array, np.int64))
    return to_host(array.tolist())


def _with_data(tensor: onnx.TensorProto, path: Path) -> onnx.TensorProto:
    """Return a tensor with the bytes that lie in a file beside it."""
    import onnx

    named = {each.key: each.value for each in tensor.external_data}
    name = named.get("location", "")
    place = path.parent / name
    if not name or Path(name).name != name or not place.is_file() or place.is_symlink():
        raise ModelError(
            f"{path.name} keeps its weights in {name[:80]!r}, which is not a file "
            "beside it; copy both files into one folder"
        )
    start, length = int(named.get("offset", 0)), int(named.get("length", -1))
    size = place.stat().st_size
    length = size - start if length < 0 else length
    if start < 0 or start + length > size:
        raise ModelError(f"{name} is not complete; copy it again")
    with place.open("rb") as file:
        file.seek(start)
        data = file.read(length)
    whole = onnx.TensorProto()
    whole.CopyFrom(tensor)
    whole.ClearField("external_data")
    whole.data_location = onnx.TensorProto.DEFAULT
    whole.raw_data = data
    return whole


def _node(node: onnx.NodeProto, opset: int, path: Path) -> Node:
    if node.domain not in {"", "ai.onnx"}:
        raise ModelError(
            f"{path.name} uses {node.op_type} of {node.domain!r}, an operator of one "
            "runtime only; export the network with standard operators"
        )
    attributes = dict(_attributes(node, path))
    if node.op_type == "Constant":
        attributes = {"value": next(iter(attributes.values()), 0.0)}
    return Node(node.op_type, tuple(node.input), tuple(node.output), attributes, opset)


def _attributes(node: onnx.NodeProto, path: Path) -> Iterator[tuple[str, Any]]:
    from onnx import AttributeProto as Kind

    for each in node.attribute:
        if each.type == Kind.TENSOR:
            yield each.name, _to_value(each.t, path)
        elif each.type == Kind.FLOAT:
            yield each.name, float(each.f)
        elif each.type == Kind.INT:
            yield each.name, int(each.i)
        elif each.type == Kind.STRING:
            yield each.name, each.s.decode("utf-8", "replace")
        elif each.type == Kind.FLOATS:
            yield each.name, [float(value) for value in each.floats]
        elif each.type == Kind.INTS:
            yield each.name, [int(value) for value in each.ints]
        else:
            raise ModelError(
                f"{path.name}: the operator {node.op_type} holds a graph or a list "
                "of text, which is not computed here; export the network without it"
            )


def _shape(value: onnx.ValueInfoProto) -> list[int]:
    sides = value.type.tensor_type.shape.dim
    return [int(side.dim_value) if side.dim_value > 0 else _FREE for side in sides]


def _is_bytes(value: onnx.ValueInfoProto) -> bool:
    import onnx

    return bool(value.type.tensor_type.elem_type == onnx.TensorProto.UINT8)


def _about(text: str) -> dict[str, Any]:
    """Return what this program wrote into a file of its own."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
