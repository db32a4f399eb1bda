"""Operators of torch (aten) that move values, in ONNX's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.models.graphs.values import to_host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.models.graphs.aten_call import AtenCall


def _cat(call: AtenCall) -> None:
    call.give("Concat", *_tensors(call), axis=call.get("dim", 0))


def _stack(call: AtenCall) -> None:
    dim = call.get("dim", 0)
    axes = call.constant(to_host([dim]))
    parts = [call.emit("Unsqueeze", name, axes) for name in _tensors(call)]
    call.give("Concat", *parts, axis=dim)


def _tensors(call: AtenCall) -> list[str]:
    return [call.named(each) for each in call.arguments["tensors"]]


def _view(call: AtenCall) -> None:
    wanted = call.value("size") or call.value("shape")
    call.give("Reshape", call.value("self"), wanted, allowzero=1)


def _flatten(call: AtenCall) -> None:
    first, last = call.get("start_dim", 0), call.get("end_dim", -1)
    rank = call.rank("self")
    if first % rank == 1 and last % rank == rank - 1:
        call.give("Flatten", call.value("self"), axis=1)
        return
    ahead = [call.emit("Shape", call.value("self"), start=d, end=d + 1)
             for d in range(first % rank)]  # fmt: skip
    behind = [call.emit("Shape", call.value("self"), start=d, end=d + 1)
              for d in range(last % rank + 1, rank)]  # fmt: skip
    flat = call.constant(to_host([-1]))
    shape = call.emit("Concat", *ahead, flat, *behind, axis=0)
    call.give("Reshape", call.value("self"), shape)


def _permute(call: AtenCall) -> None:
    rank = call.rank("self")
    order = [dim % rank for dim in call.get("dims")]
    call.give("Transpose", call.value("self"), perm=order)


def _swap(call: AtenCall) -> None:
    rank = call.rank("self")
    one, other = call.get("dim0", 0) % rank, call.get("dim1", 1) % rank
    order = list(range(rank))
    order[one], order[other] = other, one
    call.give("Transpose", call.value("self"), perm=order)


def _axes(op: str) -> Callable[[AtenCall], None]:
    def write(call: AtenCall) -> None:
        dims = call.get("dim")
        dims = dims if isinstance(dims, list) else [dims]
        if dims == [None]:
            raise call.unsupported("no dimension")
        if op == "Squeeze":  # torch leaves sides that are longer than one
            shape = call.shape("self")
            dims = [d for d in dims if shape[d] == 1]
            if not dims:
                call.give("Identity", call.value("self"))
                return
        call.give(op, call.value("self"), call.constant(to_host(dims)))

    return write


def _expand(call: AtenCall) -> None:
    call.give("Expand", call.value("self"), call.value("size"))


def _repeat(call: AtenCall) -> None:
    times = call.value("repeats")
    ahead = len(call.arguments["repeats"]) - call.rank("self")
    axes = call.constant(to_host(list(range(ahead))))
    value = call.value("self")
    call.give("Tile", call.emit("Unsqueeze", value, axes) if ahead else value, times)


def _slice(call: AtenCall) -> None:
    end = call.arguments.get("end")
    first = call.named([call.arguments.get("start") or 0])
    last = call.named([1 << 62 if end is None else end])
    rest = [call.constant(to_host([call.get(*p)])) for p in (("dim", 0), ("step", 1))]
    call.give("Slice", call.value("self"), first, last, *rest)


def _select(call: AtenCall) -> None:
    place = call.constant(to_host(call.get("index")))
    call.give("Gather", call.value("self"), place, axis=call.get("dim"))


def _index(call: AtenCall) -> None:
    places = call.arguments["indices"]
    given = [dim for dim, each in enumerate(places) if each is not None]
    if len(given) != 1 or call.named(places[given[0]]) not in call.builder.known:
        raise call.unsupported("computed places")
    call.give("Gather", call.value("self"), call.named(places[given[0]]), axis=given[0])


def _split(call: AtenCall) -> None:
    dim = call.get("dim", 0)
    count = len(call.outputs)
    sizes = call.get("split_sizes", call.get("split_size"))
    if not isinstance(sizes, list):  # equal parts, the last one may be smaller
        whole = call.shape("self")[dim]
        if sizes is None:
            sizes = -(-(whole or 0) // call.get("chunks"))
        if whole is None:
            raise call.unsupported("a free number of parts")
        sizes = [sizes] * (count - 1) + [whole - sizes * (count - 1)]
    names = (call.value("self"), call.constant(to_host(sizes)))
    call.emit("Split", *names, to=call.outputs, axis=dim)


def _unbind(call: AtenCall) -> None:
    for place, output in enumerate(call.outputs):
        names = (call.value("self"), call.constant(to_host(place)))
        call.emit("Gather", *names, to=[output], axis=call.get("dim", 0))


def _pad(call: AtenCall) -> None:
    given = call.arguments.get("pad") or call.arguments.get("padding") or []
    sides = len(given) // 2
    before = [given[2 * s] for s in reversed(range(sides))]
    after = [given[2 * s + 1] for s in reversed(range(sides))]
    rank = call.rank("self")
    mode = {"replicate": "edge"}.get(*[call.get("mode", "constant")] * 2)
    mode = _PAD_MODES.get(call.title, mode)
    fill = call.constant(to_host(call.get("value", 0)))
    axes = call.constant(to_host(list(range(rank - sides, rank))))
    pads = call.named([*before, *after])
    call.give("Pad", call.value("self"), pads, fill, axes, mode=mode)


_PAD_MODES = {"aten.reflection_pad2d": "reflect", "aten.replication_pad2d": "edge"}


def _shuffle(call: AtenCall) -> None:
    size = call.get("upscale_factor")
    call.give("DepthToSpace", call.value("self"), mode="CRD", blocksize=size)


def _side(call: AtenCall) -> None:
    dim = call.get("dim")
    one = call.emit("Shape", call.value("self"), start=dim, end=dim + 1 or None)
    call.give("Gather", one, call.constant(to_host(0)))


SHAPES: Mapping[str, Callable[[AtenCall], None]] = {
    **dict.fromkeys(("view", "reshape", "_unsafe_view"), _view),
    **dict.fromkeys(("pad", "constant_pad_nd"), _pad),
    **dict.fromkeys(("reflection_pad2d", "replication_pad2d"), _pad),
    **dict.fromkeys(("transpose", "t"), _swap),
    **dict.fromkeys(("split", "split_with_sizes", "chunk"), _split),
    "cat": _cat,
    "stack": _stack,
    "flatten": _flatten,
    "permute": _permute,
    "squeeze": _axes("Squeeze"),
    "unsqueeze": _axes("Unsqueeze"),
    "expand": _expand,
    "repeat": _repeat,
    "slice": _slice,
    "select": _select,
    "index": _index,
    "unbind": _unbind,
    "pixel_shuffle": _shuffle,
    "sym_size": _side,
}
"""By torch's name."""
VIEWS = frozenset(
    ("view", "reshape", "flatten", "permute", "transpose", "t", "squeeze", "unsqueeze",
     "expand", "slice", "select", "split", "split_with_sizes", "chunk", "unbind",
     "detach", "alias", "contiguous", "to")
)  # fmt: skip
"""Operators whose output may share its values with their input."""
