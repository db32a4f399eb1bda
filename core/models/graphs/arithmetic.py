"""Operators that work value by value, and those that reduce."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.models.graphs.values import (
    Node,
    Value,
    is_host,
    to_host,
    to_operand,
    to_sizes,
    to_tensor,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Operator = "Callable[..., Value]"


def _quotient(one: Any, other: Any) -> Any:
    """Divide as ONNX does: whole numbers towards zero."""
    if isinstance(one, int) and isinstance(other, int):
        return one // other
    return one / other


def _divide(one: Any, other: Any) -> Tensor:
    whole = not any(
        value.is_floating_point() if isinstance(value, Tensor) else type(value) is float
        for value in (one, other)
    )
    if whole:
        return torch.div(one, other, rounding_mode="trunc")
    found: Tensor = one / other
    return found


def _binary(
    on_numbers: Callable[[Any, Any], Any], on_tensors: Callable[[Any, Any], Any]
) -> Callable[..., Value]:
    each = np.frompyfunc(on_numbers, 2, 1)

    def run(node: Node, one: Value, other: Value) -> Value:
        if is_host(one) and is_host(other):
            return to_host(each(one, other))
        if is_host(one):
            return on_tensors(to_operand(one, other), other)
        return on_tensors(one, to_operand(other, one))

    return run


def _extreme(on_numbers: Any, on_tensors: Any) -> Callable[..., Value]:
    def run(node: Node, *values: Value) -> Value:
        found = values[0]
        for value in values[1:]:
            if is_host(found) and is_host(value):
                found = to_host(np.frompyfunc(on_numbers, 2, 1)(found, value))
                continue
            like = value if isinstance(value, Tensor) else found
            one, other = (to_tensor(v, like).to(like.dtype) for v in (found, value))
            found = on_tensors(one, other)
        return found

    return run


def _unary(
    on_tensors: Callable[[Tensor], Tensor], on_numbers: Callable[[Any], Any]
) -> Callable[..., Value]:
    def run(node: Node, value: Value) -> Value:
        if is_host(value):
            return to_host(np.frompyfunc(on_numbers, 1, 1)(value))
        return on_tensors(value)

    return run


def _activation(name: str) -> Callable[..., Value]:
    function = getattr(functional, name)

    def run(node: Node, value: Tensor) -> Value:
        return function(value)

    return run


def _leaky(node: Node, value: Tensor) -> Tensor:
    return functional.leaky_relu(value, node.get("alpha", 0.01))


def _elu(node: Node, value: Tensor) -> Tensor:
    return functional.elu(value, node.get("alpha", 1.0))


def _gelu(node: Node, value: Tensor) -> Tensor:
    return functional.gelu(value, approximate=node.get("approximate", "none"))


def _hard_sigmoid(node: Node, value: Tensor) -> Tensor:
    slope, start = node.get("alpha", 0.2), node.get("beta", 0.5)
    found: Tensor = (value * slope + start).clamp(0, 1)
    return found


def _prelu(node: Node, value: Tensor, slope: Value) -> Tensor:
    return torch.where(value >= 0, value, value * to_operand(slope, value))


def _softmax(function: Any) -> Callable[..., Value]:
    def run(node: Node, value: Tensor) -> Tensor:
        if node.opset >= 13:
            found: Tensor = function(value, dim=node.get("axis", -1))
            return found
        axis = node.get("axis", 1) % value.dim()  # over all dimensions from here on
        flat = function(value.flatten(axis), dim=axis)
        return flat.reshape(value.shape)  # type: ignore[no-any-return]

    return run


def _clip(node: Node, value: Value, low: Value = None, high: Value = None) -> Value:
    low = node.get("min") if low is None else np.asarray(low).item()
    high = node.get("max") if high is None else np.asarray(high).item()
    if is_host(value):
        least, most = (
            -math.inf if low is None else low,
            math.inf if high is None else high,
        )
        return to_host(np.frompyfunc(lambda v: min(max(v, least), most), 1, 1)(value))
    return value.clamp(low, high) if low is not None or high is not None else value


_TYPES: Mapping[int, torch.dtype] = {
    1: torch.float32,
    10: torch.float32,  # half precision is computed in single here
    11: torch.float32,
    16: torch.float32,
    2: torch.uint8,
    3: torch.int8,
    5: torch.int16,
    6: torch.int32,
    7: torch.int64,
    9: torch.bool,
}


def _cast(node: Node, value: Value) -> Value:
    dtype = _TYPES.get(node.get("to", 1))
    if dtype is None:
        raise node.unsupported(f"the type {node.get('to')}")
    if not is_host(value):
        return value.to(dtype)
    if dtype.is_floating_point:
        return to_host(np.frompyfunc(float, 1, 1)(value))
    if dtype is torch.bool:
        return to_host(np.frompyfunc(bool, 1, 1)(value))
    whole = np.frompyfunc(lambda v: v if type(v) is not float else int(v), 1, 1)
    return to_host(whole(value))


def _where(node: Node, chosen: Value, one: Value, other: Value) -> Value:
    if all(map(is_host, (chosen, one, other))):
        pick = np.frompyfunc(lambda c, a, b: a if c else b, 3, 1)
        return to_host(pick(chosen, one, other))
    like = next(v for v in (one, other, chosen) if isinstance(v, Tensor))
    one, other = (to_operand(v, like) for v in (one, other))
    return torch.where(to_tensor(chosen, like).bool(), one, other)


def _reduce(name: str) -> Callable[..., Value]:
    def run(node: Node, value: Value, axes: Value = None) -> Value:
        dims = to_sizes(axes) if axes is not None else list(node.get("axes", []))
        keep = bool(node.get("keepdims", 1))
        if not dims and node.get("noop_with_empty_axes", 0):
            return value
        if is_host(value):
            return _reduced_numbers(node, value, name)
        dims = dims or list(range(value.dim()))
        return _REDUCTIONS[name](value, dims, keep)

    return run


def _reduced_numbers(node: Node, value: Any, name: str) -> Value:
    if name not in _OF_NUMBERS:
        raise node.unsupported("numbers that are no pixels")
    keep = bool(node.get("keepdims", 1))
    found: Any = _OF_NUMBERS[name](list(value.reshape(-1)))
    return to_host([found] if keep and value.ndim else found)


_OF_NUMBERS: Mapping[str, Callable[[list[Any]], Any]] = {
    "prod": math.prod,
    "sum": sum,
    "max": max,
    "min": min,
}
_REDUCTIONS: Mapping[str, Callable[[Tensor, list[int], bool], Tensor]] = {
    "mean": lambda x, d, k: x.mean(d, keepdim=k),
    "sum": lambda x, d, k: x.sum(d, keepdim=k),
    "max": lambda x, d, k: x.amax(d, keepdim=k),
    "min": lambda x, d, k: x.amin(d, keepdim=k),
    "l2": lambda x, d, k: (x * x).sum(d, keepdim=k).sqrt(),
    "l1": lambda x, d, k: x.abs().sum(d, keepdim=k),
    "squares": lambda x, d, k: (x * x).sum(d, keepdim=k),
}


def _arg(function: Any) -> Callable[..., Value]:
    def run(node: Node, value: Tensor) -> Tensor:
        keep = bool(node.get("keepdims", 1))
        found: Tensor = function(value, dim=node.get("axis", 0), keepdim=keep)
        return found

    return run


def _sum(node: Node, *values: Tensor) -> Value:
    found = values[0]
    for value in values[1:]:
        found = OPERATORS["Add"](node, found, value)
    return found


def _product(node: Node, one: Value, other: Value) -> Value:
    like = one if isinstance(one, Tensor) else other
    return torch.matmul(to_tensor(one, like), to_tensor(other, like))


def _same(node: Node, value: Value, *_: Value) -> Value:
    return value


def _power(one: Any, other: Any) -> Any:
    return torch.pow(one, other)


_BINARY: Mapping[str, tuple[Any, Any]] = {
    "Add": (operator.add, operator.add),
    "Sub": (operator.sub, operator.sub),
    "Mul": (operator.mul, operator.mul),
    "Div": (_quotient, _divide),
    "Mod": (operator.mod, torch.remainder),
    "Pow": (operator.pow, _power),
    "Equal": (operator.eq, operator.eq),
    "Less": (operator.lt, operator.lt),
    "LessOrEqual": (operator.le, operator.le),
    "Greater": (operator.gt, operator.gt),
    "GreaterOrEqual": (operator.ge, operator.ge),
    "And": (lambda a, b: bool(a) and bool(b), torch.logical_and),
    "Or": (lambda a, b: bool(a) or bool(b), torch.logical_or),
}
_UNARY: Mapping[str, tuple[Any, Any]] = {
    "Exp": (torch.exp, math.exp),
    "Log": (torch.log, math.log),
    "Sqrt": (torch.sqrt, math.sqrt),
    "Abs": (torch.abs, abs),
    "Neg": (torch.neg, operator.neg),
    "Reciprocal": (torch.reciprocal, lambda v: 1 / v),
    "Floor": (torch.floor, lambda v: float(math.floor(v))),
    "Ceil": (torch.ceil, lambda v: float(math.ceil(v))),
    "Round": (torch.round, lambda v: float(round(v))),
    "Erf": (torch.erf, math.erf),
    "Sin": (torch.sin, math.sin),
    "Cos": (torch.cos, math.cos),
    "Not": (torch.logical_not, operator.not_),
    "Sign": (torch.sign, lambda v: (v > 0) - (v < 0)),
}
_ACTIVATIONS = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "HardSwish": "hardswish",
    "Softplus": "softplus",
    "Softsign": "softsign",
    "Selu": "selu",
    "Mish": "mish",
    "Swish": "silu",
    "Silu": "silu",
}
OPERATORS: dict[str, Callable[..., Value]] = {
    **{name: _binary(*pair) for name, pair in _BINARY.items()},
    **{name: _unary(*pair) for name, pair in _UNARY.items()},
    **{name: _activation(function) for name, function in _ACTIVATIONS.items()},
    "LeakyRelu": _leaky,
    "Elu": _elu,
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "PRelu": _prelu,
    "Softmax": _softmax(torch.softmax),
    "LogSoftmax": _softmax(torch.log_softmax),
    "Clip": _clip,
    "Cast": _cast,
    "CastLike": _same,
    "Where": _where,
    "Max": _extreme(max, torch.maximum),
    "Min": _extreme(min, torch.minimum),
    "Sum": _sum,
    "ReduceMean": _reduce("mean"),
    "ReduceSum": _reduce("sum"),
    "ReduceMax": _reduce("max"),
    "ReduceMin": _reduce("min"),
    "ReduceProd": _reduce("prod"),
    "ReduceL2": _reduce("l2"),
    "ReduceL1": _reduce("l1"),
    "ReduceSumSquare": _reduce("squares"),
    "ArgMax": _arg(torch.argmax),
    "ArgMin": _arg(torch.argmin),
    "MatMul": _product,
    "Identity": _same,
    "Dropout": _same,
}
"""Operators by ONNX's name."""
