"""Operators that move values: reshapes, slices, joins and padding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.models.graphs.values import (
    Node,
    Value,
    check_count,
    is_host,
    to_host,
    to_list,
    to_sizes,
    to_tensor,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_FAR = 1 << 31  # an end that means "to the end"


def _shape(node: Node, value: Value) -> Value:
    sizes = list(value.shape)
    return to_host(sizes[node.get("start", 0) : node.get("end")])


def _size(node: Node, value: Value) -> Value:
    total: Any = 1
    for size in value.shape:
        total = total * size
    return to_host(total)


def _reshape(node: Node, value: Value, shape: Value) -> Value:
    wanted = to_sizes(shape)
    if not node.get("allowzero", 0):
        wanted = [
            value.shape[place] if type(size) is int and size == 0 else size
            for place, size in enumerate(wanted)
        ]
    return value.reshape(wanted)


def _flatten(node: Node, value: Value) -> Value:
    axis = node.get("axis", 1)
    if axis == 1 and not is_host(value):
        return value.flatten(1)
    axis = axis % (len(value.shape) + 1)
    rows = int(np.prod(value.shape[:axis], dtype=int)) if axis else 1
    return value.reshape(rows, -1)


def _transpose(node: Node, value: Value) -> Value:
    order = node.get("perm") or list(range(len(value.shape)))[::-1]
    return value.transpose(order) if is_host(value) else value.permute(*order)


def _axes(node: Node, axes: Value) -> list[int]:
    return to_sizes(axes) if axes is not None else list(node.get("axes") or [])


def _squeeze(node: Node, value: Value, axes: Value = None) -> Value:
    dims = _axes(node, axes)
    if is_host(value):
        return value.squeeze(tuple(dims) if dims else None)
    for dim in sorted((d % value.dim() for d in dims), reverse=True):
        value = value.squeeze(dim)
    return value if dims else value.squeeze()


def _unsqueeze(node: Node, value: Value, axes: Value = None) -> Value:
    dims = _axes(node, axes)
    rank = len(value.shape) + len(dims)
    for dim in sorted(d % rank for d in dims):
        value = np.expand_dims(value, dim) if is_host(value) else value.unsqueeze(dim)
    return value


def _concat(node: Node, *values: Value) -> Value:
    axis = node.get("axis", 0)
    if all(map(is_host, values)):
        return np.concatenate(values, axis)
    like = next(value for value in values if isinstance(value, Tensor))
    return torch.cat([to_tensor(value, like) for value in values], dim=axis)


def _gather(node: Node, value: Value, index: Value) -> Value:
    axis = node.get("axis", 0)
    if is_host(value):
        return np.asarray(np.take(value, np.asarray(index).astype(int), axis), object)
    if is_host(index) and index.ndim == 0:
        return value.select(axis, int(index.item()))
    places = to_tensor(index, value).long()
    places = torch.where(places < 0, places + int(value.shape[axis]), places)
    found = torch.index_select(value, axis, places.reshape(-1))
    if places.dim() == 1:
        return found
    dim = axis % value.dim()
    return found.reshape(*value.shape[:dim], *places.shape, *value.shape[dim + 1 :])


def _slice(
    node: Node,
    value: Value,
    starts: Value = None,
    ends: Value = None,
    axes: Value = None,
    steps: Value = None,
) -> Value:
    first = to_sizes(starts) if starts is not None else list(node.get("starts"))
    last = to_sizes(ends) if ends is not None else list(node.get("ends"))
    dims = _axes(node, axes) or list(range(len(first)))
    stride = to_sizes(steps) or [1] * len(first)
    parts: list[Any] = [slice(None)] * len(value.shape)
    for dim, begin, end, step in zip(dims, first, last, stride, strict=True):
        if step < 0:
            if (step, begin) != (-1, -1) and not (type(begin) is int and begin > _FAR):
                raise node.unsupported("a step backwards from the middle")
            value = value[::-1] if is_host(value) else value.flip(dim)
            continue
        stop = None if type(end) is int and end >= _FAR else end
        begin = None if type(begin) is int and begin == 0 else begin
        parts[dim % len(value.shape)] = slice(begin, stop, None if step == 1 else step)
    return value[tuple(parts)]


def _split(node: Node, value: Value, sizes: Value = None) -> Value:
    axis = node.get("axis", 0)
    parts = to_sizes(sizes) if sizes is not None else list(node.get("split") or [])
    if is_host(value):
        ends = np.cumsum(parts[:-1]) if parts else len(node.outputs)
        return tuple(np.split(value, ends, axis))
    if parts and len(set(map(int, parts))) > 1:
        return torch.split(value, parts, dim=axis)
    return torch.chunk(value, len(parts) or len(node.outputs), dim=axis)


def _expand(node: Node, value: Value, shape: Value) -> Value:
    wanted = to_sizes(shape)
    if is_host(value):
        check_count(wanted, node)
        return to_host(np.broadcast_to(value, np.broadcast_shapes(value.shape, wanted)))
    ahead = [1] * (value.dim() - len(wanted))
    sizes = [
        -1 if type(size) is int and size == 1 else size for size in (*ahead, *wanted)
    ]
    lead = len(sizes) - value.dim()
    sizes[:lead] = [1 if type(s) is int and s == -1 else s for s in sizes[:lead]]
    check_count([s for s in sizes if s != -1], node)
    return value.expand(*sizes)


def _tile(node: Node, value: Value, repeats: Value) -> Value:
    times = to_sizes(repeats)
    check_count([*value.shape, *times], node)
    return to_host(np.tile(value, times)) if is_host(value) else value.repeat(*times)


def _range(node: Node, start: Value, end: Value, step: Value) -> Value:
    begin, stop, by = (np.asarray(v).item() for v in (start, end, step))
    check_count([abs((stop - begin) // by) if by else 1 << 40], node)
    return to_host(np.arange(begin, stop, by).tolist())


def _filled(node: Node, shape: Value) -> Value:
    value = to_list(node.get("value", [0.0]))[0]
    sizes = to_sizes(shape)
    check_count(sizes, node)
    found = np.empty(tuple(map(int, sizes)), object)
    found[...] = value
    return found


def _constant(node: Node) -> Value:
    value = node.get("value")
    return value if isinstance(value, Tensor) else to_host(value)


_PADS = {"constant": "constant", "reflect": "reflect", "edge": "replicate"}


def _pad(
    node: Node,
    value: Tensor,
    pads: Value = None,
    fill: Value = None,
    axes: Value = None,
) -> Tensor:
    given = to_sizes(pads) if pads is not None else list(node.get("pads") or [])
    mode = node.get("mode", "constant")
    dims = [d % value.dim() for d in _axes(node, axes)] or list(range(value.dim()))
    amounts = {d: (given[i], given[i + len(dims)]) for i, d in enumerate(dims)}
    first = min((d for d, pair in amounts.items() if any(pair)), default=None)
    if first is None:
        return value
    if mode not in _PADS:
        raise node.unsupported(f"mode {mode!r}")
    flat = [
        size
        for dim in range(value.dim() - 1, first - 1, -1)
        for size in amounts.get(dim, (0, 0))
    ]
    check_count([*value.shape[:first], *(abs(size) + 1 for size in flat)], node)
    if mode != "constant":
        return functional.pad(value, flat, _PADS[mode])
    number = 0.0 if fill is None or not np.size(fill) else np.asarray(fill).item()
    number = node.get("value", number)
    return functional.pad(value, flat, "constant", number)


def _to_space(node: Node, value: Tensor) -> Tensor:
    size = node.get("blocksize")
    if node.get("mode", "DCR") == "CRD":
        return functional.pixel_shuffle(value, size)
    batch, channels, height, width = value.shape
    deep = value.reshape(batch, size, size, channels // (size * size), height, width)
    deep = deep.permute(0, 3, 4, 1, 5, 2)
    return deep.reshape(batch, channels // (size * size), height * size, width * size)


def _to_depth(node: Node, value: Tensor) -> Tensor:
    size = node.get("blocksize")
    batch, channels, height, width = value.shape
    deep = value.reshape(batch, channels, height // size, size, width // size, size)
    deep = deep.permute(0, 3, 5, 1, 2, 4)
    return deep.reshape(batch, channels * size * size, height // size, width // size)


OPERATORS: dict[str, Callable[..., Value]] = {
    "Shape": _shape,
    "Size": _size,
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Transpose": _transpose,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Concat": _concat,
    "Gather": _gather,
    "Slice": _slice,
    "Split": _split,
    "Expand": _expand,
    "Tile": _tile,
    "Range": _range,
    "ConstantOfShape": _filled,
    "Constant": _constant,
    "Pad": _pad,
    "DepthToSpace": _to_space,
    "SpaceToDepth": _to_depth,
}
"""Operators by ONNX's name."""
