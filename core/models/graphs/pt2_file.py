"""Exported programs (``.pt2``, torch.export). Nothing in one is run or unpickled.

torch's own loader unpickles constants and evaluates the text of sizes, which may run
any code. Here the JSON of the graph is read as data, its calls are looked up in the
table of `core.models.graphs.aten`, and weights are read as plain bytes.
To read this file, start from `read_program`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.models.graphs.aten import OVERLOADS, TRANSLATORS
from core.models.graphs.aten_call import OPSET, AtenCall, Name
from core.models.graphs.aten_shapes import VIEWS
from core.models.graphs.builder import GraphBuilder
from core.models.graphs.file import GraphFile
from core.models.graphs.pt2_archive import Program, read_archive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PLAIN = ("int", "float", "bool", "string", "scalar_type")
_LISTS = ("ints", "floats", "bools", "strings")
_LEFT_OUT = ("none", "memory_format", "layout", "device")
_CHECKS = ("_assert", "sym_constrain_range")  # operators that only compare
_MOST_DEPTH = 16  # of outputs in outputs


def read_program(path: Path) -> GraphFile:
    """Read an exported program.

    Raises
    ------
    ModelError
        When the file is damaged, has several inputs, or uses an operator that this
        program does not compute.
    """
    program = read_archive(path)
    module = program.graph
    reader = _Reader(program, path, module["graph"])
    reader.read_inputs(module["signature"]["input_specs"])
    for node in module["graph"]["nodes"]:
        reader.read_call(node)
    about = program.about
    outputs = list(reader.outputs(module["signature"]["output_specs"]))
    titles = about.get("outputs") or list(_titles(module))
    if len(set(map(str, titles))) != len(outputs):
        titles = [f"output.{place}" for place in range(len(outputs))]
    return GraphFile(
        builder=reader.builder,
        outputs=list(zip(map(str, titles), outputs, strict=True)),
        shape=[side or 0 for side in reader.shapes[reader.builder.input_name]],
        whole=reader.whole,
        about=about,
    )


@dataclass
class _Reader:
    """Follows the calls of a graph in their order."""

    program: Program
    path: Path
    graph: Mapping[str, Any]
    builder: GraphBuilder = field(default_factory=lambda: GraphBuilder("", OPSET))
    whole: bool = False
    shapes: dict[str, list[int | None]] = field(default_factory=dict)
    _now: dict[str, str] = field(default_factory=dict)  # name -> value it has now
    _root: dict[str, str] = field(default_factory=dict)  # view -> what it looks into
    _stale: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for name, meta in self.graph["tensor_values"].items():
            self.shapes[name] = [size.get("as_int") for size in meta["sizes"]]

    def read_inputs(self, specs: list[dict[str, Any]]) -> None:
        """Name weights and numbers, and find the image."""
        images = []
        for spec in specs:
            kind, value = _only(spec)
            if kind in {"parameter", "buffer", "tensor_constant"}:
                title = next(v for k, v in value.items() if k.endswith("_name"))
                name = value["arg"]["name"]
                self.builder.known[title] = self.program.tensor(title)
                self.shapes[title] = self.shapes[name]
                self._now[name] = title
            elif kind == "user_input":
                images.append(_only(value["arg"]))
            else:
                raise ModelError(
                    f"{self.path.name} takes an input of the kind {kind!r}, which is "
                    "not opened here; export the network again without it"
                )
        if len(images) != 1 or images[0][0] != "as_tensor":
            raise ModelError(
                f"{self.path.name} takes {len(images)} inputs; a network that is "
                "opened here takes one image"
            )
        self.builder.input_name = name = images[0][1]["name"]
        self.whole = self.graph["tensor_values"][name]["dtype"] == 1

    def read_call(self, node: Mapping[str, Any]) -> None:
        """Add one call of an operator."""
        place, _, rest = str(node["target"]).removeprefix("torch.ops.").partition(".")
        name = rest.partition(".")[0]
        title = f"{place}.{name}"
        outputs = list(_outputs(node["outputs"]))
        if place == "aten" and name.startswith(_CHECKS) and not outputs:
            return
        inside = name.endswith("_") and not name.endswith("__")
        base = name[:-1] if inside else name
        kept = {"aten": base, "_operator": OVERLOADS.get(base, "")}.get(place, "")
        if kept not in TRANSLATORS or not outputs:
            raise ModelError(
                f"the graph uses {title}, which this program does not compute; export "
                "the network with plain layers, or open its PyTorch checkpoint"
            )
        given = {each["name"]: self._argument(each["arg"]) for each in node["inputs"]}
        if place == "_operator":
            given = dict(zip(("self", "other"), given.values(), strict=True))
        call = AtenCall(self.builder, title, given, outputs, self.shapes)
        TRANSLATORS[kept](call)
        first = next((v.text for v in given.values() if isinstance(v, Name)), "")
        if inside:
            self._write_into(first, outputs[0])
        elif base in VIEWS:
            self._root |= dict.fromkeys(outputs, self._root.get(first, first))

    def _write_into(self, name: str, output: str) -> None:
        """Note that a call has changed a value: its name stands for the output now.

        Parts of it that were taken before have changed, too, which is not followed:
        they are refused where they are used.
        """
        root = self._root.get(name, name)
        group = {n for n, r in self._root.items() if r == root} | {root}
        for old, now in list(self._now.items()):
            if now == name:
                self._now[old] = output
        self._now[name] = output
        self._stale |= group - {name}

    def _argument(self, arg: Mapping[str, Any]) -> Any:
        """Return an argument as `AtenCall` takes it."""
        kind, value = _only(arg)
        kind = kind.removeprefix("as_")
        if kind in _LEFT_OUT:
            return None
        if kind in _PLAIN:
            return float(value) if kind == "float" else value
        if kind in _LISTS:
            return list(map(float, value)) if kind == "floats" else list(value)
        if kind in {"tensor", "sym_int", "sym_float", "sym_bool", "optional_tensor"}:
            return self._named(value)
        if kind in {"tensors", "sym_ints", "sym_floats", "optional_tensors"}:
            return [self._named(each) for each in value]
        raise ModelError(
            f"{self.path.name} gives an operator something of the kind {kind!r}, which "
            "is not computed here; export the network without it"
        )

    def _named(self, value: Mapping[str, Any]) -> Any:
        if "name" not in value:  # of a union: a name or a number
            kind, inner = _only(value)
            if kind == "as_none":
                return None
            if kind != "as_name":
                return self._named(inner) if isinstance(inner, dict) else inner
            value = {"name": inner}
        name = self._now.get(value["name"], value["name"])
        if name in self._stale:
            raise ModelError(
                f"{self.path.name} changes a part of a value in place and uses the "
                "whole afterwards, which is not followed here; export the network "
                "without calls in place"
            )
        return Name(name)

    def outputs(self, specs: list[dict[str, Any]]) -> Iterator[str]:
        """Yield the values that the program returns."""
        for spec in specs:
            kind, value = _only(spec)
            if kind != "user_output":
                continue
            name = self._argument(value["arg"])
            if not isinstance(name, Name):
                raise ModelError(
                    f"{self.path.name} returns something that is no tensor; export a "
                    "network that returns maps"
                )
            yield name.text


def _only(union: Mapping[str, Any]) -> tuple[str, Any]:
    """Return key and value of a union, which is written as an object of one key."""
    given = {k: v for k, v in union.items() if v is not None} or union
    (found,) = given.items()
    return found


def _outputs(outputs: list[dict[str, Any]]) -> Iterator[str]:
    for output in outputs:
        kind, value = _only(output)
        if kind == "as_none":
            continue
        for each in value if isinstance(value, list) else [value]:
            yield str(each.get("name") or each["as_name"])


def _titles(module: Mapping[str, Any]) -> Iterator[str]:
    """Yield titles of the outputs, from how the program returned them."""
    calls = module["module_call_graph"]
    whole = next((each for each in calls if not each["fqn"]), None)
    if whole is None or not whole.get("signature"):
        return
    tree = json.loads(whole["signature"]["out_spec"])
    yield from _leaves(tree[1], "output")


def _leaves(tree: Mapping[str, Any], title: str, depth: int = 0) -> Iterator[str]:
    """Yield titles as `core.models.probe.flatten` gives them."""
    children = tree["children_spec"]
    if tree["type"] is None:
        yield title
        return
    if depth > _MOST_DEPTH:
        raise ModelError("the outputs of a graph are nested too deeply")
    titles = [f"{title}.{place}" for place in range(len(children))]
    if str(tree["type"]).lower().endswith("dict"):
        keys = json.loads(tree["context"])
        if isinstance(keys, list) and len(keys) == len(children):
            titles = list(map(str, keys))
    for inner, child in zip(titles, children, strict=True):
        yield from _leaves(child, inner, depth + 1)
