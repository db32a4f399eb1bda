"""Products of matrices: what is summed over lives or dies together.

Attention is made of these: channels of queries and keys are summed over, those of
values pass.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from core.pruning.tracing.recording import (
    DimLabels,
    LayerRecord,
    Recorder,
    Summed,
    tensors_in,
)
from core.pruning.tracing.rules.layers import none_as_fixed
from core.pruning.tracing.rules.protocol import Call, Rule, UnhandledError, axis, keep

if TYPE_CHECKING:
    from core.pruning.tracing.labels import LabelArray


def _matmul(recorder: Recorder, call: Call) -> None:
    """Batched product of (..., N, K) and (..., K, M)."""
    left, right = _operands(call)
    if call.name == "rmatmul":
        left, right = right, left
    if left.dim() < 2 or right.dim() < 2 or not isinstance(call.out, Tensor):
        raise UnhandledError
    first, second = recorder.labels(left), recorder.labels(right)
    recorder.bind(first[-1], second[-2])
    _sums(recorder, call, (left, left.dim() - 1), (right, right.dim() - 2))
    out: DimLabels = [None] * call.out.dim()
    for dim in range(call.out.dim() - 2):
        entries = [
            labels[own]
            for tensor, labels in ((left, first), (right, second))
            if (own := tensor.dim() - call.out.dim() + dim) >= 0
            and tensor.shape[own] == call.out.shape[dim] > 1
        ]
        for entry in entries[1:]:
            recorder.bind(entries[0], entry)
        if entries and all(entry is not None for entry in entries):
            out[dim] = entries[0]
    out[-2], out[-1] = first[-2], second[-1]
    keep(recorder, call, out)


def _sums(recorder: Recorder, call: Call, *places: tuple[Tensor, int]) -> None:
    """Note what a product sums over: removed channels must not be in it.

    What a removed channel holds may be anything, as an activation of nothing is
    something (a sigmoid's is a half).
    """
    given = list(tensors_in((call.args, call.kwargs)))
    found = [
        Summed(_index(given, tensor), dim, entry)
        for tensor, dim in places
        if (entry := recorder.labels(tensor)[dim]) is not None
    ]
    recorder.sums.append(tuple(found))


def _index(given: list[Tensor], tensor: Tensor) -> int:
    return next(place for place, one in enumerate(given) if one is tensor)


def _operands(call: Call) -> tuple[Tensor, Tensor]:
    left = call.get(0, "input")
    right = call.get(1, "other", call.kwargs.get("mat2"))
    if not isinstance(left, Tensor) or not isinstance(right, Tensor):
        raise UnhandledError
    return left, right


def _baddbmm(recorder: Recorder, call: Call) -> None:
    """A sum and a batched product, (B, N, K) times (B, K, M)."""
    start = call.get(0, "input")
    batches = call.get(1, "batch1"), call.get(2, "batch2")
    if not all(isinstance(each, Tensor) for each in (start, *batches)):
        raise UnhandledError
    _matmul(recorder, Call("bmm", batches, {}, call.out))
    moved = [replace(each, operand=each.operand + 1) for each in recorder.sums.pop()]
    recorder.sums.append(tuple(moved))
    _join(recorder, call, start)


def _join(recorder: Recorder, call: Call, start: Tensor) -> None:
    """Tie a summand to the labels of the sum."""
    labels = recorder.labels(call.out)
    for back in range(1, start.dim() + 1):
        if start.shape[-back] > 1:
            recorder.bind(recorder.labels(start)[-back], labels[-back])


def _addmm(recorder: Recorder, call: Call) -> None:
    """A bias and a product with a weight of (inputs, outputs)."""
    bias, tensor, weight = (
        call.get(place, name) for place, name in enumerate(("input", "mat1", "mat2"))
    )
    if tensor.dim() != 2 or weight.dim() != 2 or bias.dim() != 1:
        raise UnhandledError
    dims = recorder.labels(weight)
    recorder.bind(dims[0], recorder.labels(tensor)[-1])
    recorder.bind(recorder.labels(bias)[0], dims[1])
    _sums(recorder, call, (tensor, 1), (weight, 0))
    recorder.layers.append(
        LayerRecord(
            kind="transposed",
            weight=recorder.parameter(weight),
            bias=recorder.parameter(bias),
            inputs=none_as_fixed(recorder, dims[0], weight.shape[0]),
            outputs=none_as_fixed(recorder, dims[1], weight.shape[1]),
            positions=tensor.shape[0],
            reads=id(tensor),
            makes=id(call.out),
            settings={"stride": 1, "sides": 0},
        )
    )
    keep(recorder, call, [*recorder.labels(tensor)[:-1], dims[1]])


def _tensordot(recorder: Recorder, call: Call) -> None:
    """Sum over the last dimensions of one and the first of the other."""
    left, right = call.get(0, "a"), call.get(1, "b")
    dims = call.get(2, "dims", 2)
    first, second = recorder.labels(left), recorder.labels(right)
    if isinstance(dims, int):
        ours = list(range(left.dim() - dims, left.dim()))
        theirs = list(range(dims))
    elif isinstance(dims, tuple | list) and len(dims) == 2:
        ours = [axis(left, d) for d in _listed(dims[0])]
        theirs = [axis(right, d) for d in _listed(dims[1])]
    else:
        raise UnhandledError
    for one, other in zip(ours, theirs, strict=True):
        recorder.bind(first[one], second[other])
    _sums(recorder, call, *((left, d) for d in ours), *((right, d) for d in theirs))
    rest = [e for d, e in enumerate(first) if d not in ours]
    rest += [e for d, e in enumerate(second) if d not in theirs]
    keep(recorder, call, rest)


def _listed(dims: Any) -> list[Any]:
    return list(dims) if isinstance(dims, tuple | list) else [dims]


def _einsum(recorder: Recorder, call: Call) -> None:
    """Letters written out: dimensions of one letter are one set of channels."""
    equation, *operands = call.args
    if not isinstance(equation, str) or "..." in equation or "->" not in equation:
        raise UnhandledError
    if len(operands) == 1 and isinstance(operands[0], tuple | list):
        operands = list(operands[0])
    inputs, output = equation.replace(" ", "").split("->")
    entries: dict[str, list[LabelArray | None]] = {}
    for names, tensor in zip(inputs.split(","), operands, strict=True):
        if len(set(names)) < len(names):
            raise UnhandledError  # a diagonal
        for name, entry, size in zip(
            names, recorder.labels(tensor), tensor.shape, strict=True
        ):
            if size > 1:
                entries.setdefault(name, []).append(entry)
    for same in entries.values():
        for entry in same[1:]:
            recorder.bind(same[0], entry)
    _sums(
        recorder,
        call,
        *(
            (tensor, dim)
            for names, tensor in zip(inputs.split(","), operands, strict=True)
            for dim, name in enumerate(names)
            if name not in output
        ),
    )
    free = {
        name: same[0]
        for name, same in entries.items()
        if all(entry is not None for entry in same)
    }
    keep(recorder, call, [free.get(name) for name in output])


def _attention(recorder: Recorder, call: Call) -> None:
    """Scaled dot product of (..., tokens, channels)."""
    query, key, value = (
        call.get(place, name) for place, name in enumerate(("query", "key", "value"))
    )
    mask, scale = call.get(3, "attn_mask"), call.kwargs.get("scale")
    if query.shape[:-2] != value.shape[:-2] or call.kwargs.get("enable_gqa"):
        raise UnhandledError
    asked, keys, values = (recorder.labels(t) for t in (query, key, value))
    if mask is not None:
        recorder.fix(mask, "a mask of attention")
    recorder.bind(asked[-1], keys[-1])
    _sums(recorder, call, (query, query.dim() - 1), (key, key.dim() - 1))
    if scale is None and asked[-1] is not None:
        recorder.book.fix(asked[-1], "attention is scaled by this width")
    for dim in range(query.dim() - 2):
        recorder.bind(asked[dim], keys[dim])
        recorder.bind(asked[dim], values[dim])
    for labels in (asked, keys, values):
        if labels[-2] is not None:
            recorder.book.fix(labels[-2], "attended to")
    keep(recorder, call, [*asked[:-2], None, values[-1]])


def _multi_head(recorder: Recorder, call: Call) -> None:
    """Leave torch's own attention module alone, which cannot run with fewer channels.

    Its heads, its one weight for queries, keys and values, and the scale of their
    products are all computed from the width of its inputs.
    """
    given = list(tensors_in((call.args, call.kwargs)))
    recorder.fix(given, "MultiheadAttention ties this width to its heads and its scale")
    for tensor in tensors_in(call.out):
        recorder.set(tensor, [None] * tensor.dim())


def _embedding(recorder: Recorder, call: Call) -> None:
    """Rows of a table: their channels pass."""
    index, table = call.get(0, "input"), call.get(1, "weight")
    recorder.fix(index, "used as an index")
    rows, channels = recorder.labels(table)
    if rows is not None:
        recorder.book.fix(rows, "picked by index")
    labels: DimLabels = [None] * call.out.dim()
    labels[-1] = channels
    keep(recorder, call, labels)


PRODUCTS = frozenset(
    [
        *("matmul", "rmatmul", "bmm", "mm", "baddbmm", "addmm"),
        *("tensordot", "einsum", "scaled_dot_product_attention", "normalize"),
    ]
)
"""Names of calls whose operands are summed over."""


def _normalize(recorder: Recorder, call: Call) -> None:
    """Divide by a norm over one dimension, which is one of what is left."""
    tensor = call.get(0, "input")
    if not isinstance(tensor, Tensor) or call.kwargs.get("out") is not None:
        raise UnhandledError
    dim = axis(tensor, call.get(2, "dim", 1))
    _sums(recorder, call, (tensor, dim))
    keep(recorder, call, recorder.labels(tensor))


RULES: dict[str, Rule] = {
    "normalize": _normalize,
    "matmul": _matmul,
    "rmatmul": _matmul,
    "bmm": _matmul,
    "mm": _matmul,
    "baddbmm": _baddbmm,
    "addmm": _addmm,
    "tensordot": _tensordot,
    "einsum": _einsum,
    "scaled_dot_product_attention": _attention,
    "embedding": _embedding,
    "multi_head_attention_forward": _multi_head,
}
