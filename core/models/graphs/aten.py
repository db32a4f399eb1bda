"""Torch's own operators (aten), as the operators that `GraphNetwork` runs.

An exported program is a list of such calls. Each entry of `TRANSLATORS` writes one of
them in ONNX's words, so that one table of operators serves both kinds of files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.models.graphs.aten_layers import LAYERS
from core.models.graphs.aten_shapes import SHAPES
from core.models.graphs.values import to_host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.models.graphs.aten_call import AtenCall

_CAST = {1: 2, 2: 3, 3: 5, 4: 6, 5: 7, 6: 10, 7: 1, 8: 11, 12: 9, 13: 16}
"""Torch's number of a type -> ONNX's."""


def _one(op: str) -> Callable[[AtenCall], None]:
    def write(call: AtenCall) -> None:
        call.give(op, call.value("self") or call.value("input"))

    return write


def _two(op: str, right: str = "other") -> Callable[[AtenCall], None]:
    def write(call: AtenCall) -> None:
        other = call.value(right)
        if call.get("alpha", 1) != 1:
            other = call.emit("Mul", other, call.constant(to_host(call.get("alpha"))))
        if call.get("rounding_mode") is not None:
            raise call.unsupported("rounding")
        call.give(op, call.value("self"), other)

    return write


def _reversed(call: AtenCall) -> None:
    if call.get("alpha", 1) != 1:
        raise call.unsupported("a factor")
    call.give("Sub", call.value("other"), call.value("self"))


def _drop(call: AtenCall) -> None:
    if call.get("train", False) and call.get("p", 0.5):
        raise call.unsupported("training; call eval() before the export")
    call.give("Identity", call.value("self") or call.value("input"))


def _with(op: str, **names: tuple[str, Any]) -> Callable[[AtenCall], None]:
    """Write an operator whose settings are arguments: attribute = (name, default)."""

    def write(call: AtenCall) -> None:
        settings = {key: call.get(*pair) for key, pair in names.items()}
        call.give(op, call.value("self"), **settings)

    return write


def _elu(call: AtenCall) -> None:
    if call.get("scale", 1) != 1 or call.get("input_scale", 1) != 1:
        call.give("Selu", call.value("self"))
    else:
        call.give("Elu", call.value("self"), alpha=float(call.get("alpha", 1)))


def _softplus(call: AtenCall) -> None:
    if call.get("beta", 1) != 1 or call.get("threshold", 20) != 20:
        raise call.unsupported("another slope")
    call.give("Softplus", call.value("self"))


def _between(low: str, high: str, *defaults: Any) -> Callable[[AtenCall], None]:
    least, most = defaults or (None, None)

    def write(call: AtenCall) -> None:
        settings = {"min": call.get(low, least), "max": call.get(high, most)}
        call.give("Clip", call.value("self"), **settings)

    return write


def _cast(call: AtenCall) -> None:
    kind = call.get("dtype")
    value = call.value("self")
    if kind is None:
        call.give("Identity", value)
    elif kind in _CAST:
        call.give("Cast", value, to=_CAST[kind])
    else:
        raise call.unsupported("such numbers")


def _reduce(op: str) -> Callable[[AtenCall], None]:
    def write(call: AtenCall) -> None:
        dims = call.get("dim", [])
        dims = dims if isinstance(dims, list) else [dims]
        if call.get("ord", 2) != 2:
            raise call.unsupported("another norm")
        keep = int(bool(call.get("keepdim", False)))
        call.give(op, call.value("self"), axes=dims, keepdims=keep)

    return write


def _extreme(op: str, places: str) -> Callable[[AtenCall], None]:
    def write(call: AtenCall) -> None:
        if call.get("other") is not None or "other" in call.arguments:
            call.give({"ReduceMax": "Max", "ReduceMin": "Min"}[op],
                      call.value("self"), call.value("other"))  # fmt: skip
            return
        _reduce(op)(call)
        if len(call.outputs) > 1:
            keep = int(bool(call.get("keepdim", False)))
            call.emit(places, call.value("self"), to=call.outputs[1:2],
                      axis=call.get("dim"), keepdims=keep)  # fmt: skip

    return write


def _arg(op: str) -> Callable[[AtenCall], None]:
    def write(call: AtenCall) -> None:
        if call.get("dim") is None:
            raise call.unsupported("all dimensions")
        keep = int(bool(call.get("keepdim", False)))
        call.give(op, call.value("self"), axis=call.get("dim"), keepdims=keep)

    return write


def _rsqrt(call: AtenCall) -> None:
    call.give("Reciprocal", call.emit("Sqrt", call.value("self")))


def _square(call: AtenCall) -> None:
    call.give("Mul", call.value("self"), call.value("self"))


def _where(call: AtenCall) -> None:
    call.give("Where", *map(call.value, ("condition", "self", "other")))


_SAME = (
    *("clone", "contiguous", "detach", "detach_", "alias", "positive", "type_as"),
    *("lift_fresh_copy", "lift_fresh"),
)
_SIMPLE = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "silu": "Swish",
    "mish": "Mish",
    "selu": "Selu",
    "hardswish": "HardSwish",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "abs": "Abs",
    "neg": "Neg",
    "reciprocal": "Reciprocal",
    "floor": "Floor",
    "ceil": "Ceil",
    "erf": "Erf",
    "sin": "Sin",
    "cos": "Cos",
    "sign": "Sign",
    "logical_not": "Not",
}
_PAIRS = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "div": "Div",
    "eq": "Equal",
    "lt": "Less",
    "le": "LessOrEqual",
    "gt": "Greater",
    "ge": "GreaterOrEqual",
    "remainder": "Mod",
    "maximum": "Max",
    "minimum": "Min",
    "logical_and": "And",
    "logical_or": "Or",
}
TRANSLATORS: Mapping[str, Callable[[AtenCall], None]] = {
    **LAYERS,
    **SHAPES,
    **{name: _one(op) for name, op in _SIMPLE.items()},
    **{name: _two(op) for name, op in _PAIRS.items()},
    **dict.fromkeys(_SAME, _one("Identity")),
    **dict.fromkeys(("dropout", "dropout2d", "feature_dropout"), _drop),
    **dict.fromkeys(("to", "_to_copy"), _cast),
    **dict.fromkeys(("softmax", "_softmax"), _with("Softmax", axis=("dim", -1))),
    **dict.fromkeys(
        ("log_softmax", "_log_softmax"), _with("LogSoftmax", axis=("dim", -1))
    ),
    "pow": _two("Pow", "exponent"),
    "rsub": _reversed,
    "rsqrt": _rsqrt,
    "square": _square,
    "leaky_relu": _with("LeakyRelu", alpha=("negative_slope", 0.01)),
    "elu": _elu,
    "gelu": _with("Gelu", approximate=("approximate", "none")),
    "hardsigmoid": _with("HardSigmoid", alpha=("", 1 / 6), beta=("", 0.5)),
    "softplus": _softplus,
    "prelu": _two("PRelu", "weight"),
    "_prelu_kernel": _two("PRelu", "weight"),
    "hardtanh": _between("min_val", "max_val", -1, 1),
    "relu6": _between("", "", 0, 6),
    "clamp": _between("min", "max"),
    "clamp_min": _between("min", ""),
    "clamp_max": _between("", "max"),
    "mean": _reduce("ReduceMean"),
    "sum": _reduce("ReduceSum"),
    "amax": _reduce("ReduceMax"),
    "amin": _reduce("ReduceMin"),
    "max": _extreme("ReduceMax", "ArgMax"),
    "min": _extreme("ReduceMin", "ArgMin"),
    "linalg_vector_norm": _reduce("ReduceL2"),
    "argmax": _arg("ArgMax"),
    "argmin": _arg("ArgMin"),
    "where": _where,
}
"""By torch's name, without its overload and the mark of a call in place."""
OVERLOADS: Mapping[str, str] = {
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "floordiv": "div",
    "mod": "remainder",
    "neg": "neg",
}
"""Operators of Python on sizes -> entry of `TRANSLATORS`."""
