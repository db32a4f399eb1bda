"""The parts of an exported program: JSON of its graph, and weights as plain bytes.

Two layouts are read: that of torch 2.8 and later (``models/*.json``, ``data/weights``),
and the one before (``serialized_exported_program.json``, ``serialized_state_dict.pt``).
To read this file, start from `read_archive`.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from core.errors import ModelError
from core.models.formats.archives import Content, damaged, read_content, read_member
from core.models.formats.pickles import Storage, StoredTensor
from core.models.graphs.values import Value, to_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

_LARGEST_JSON = 1 << 26  # bytes; that of a network of 1000 layers has 2 MB
_MAJOR = 8  # of the schema, since torch 2.5
_OLD = "serialized_exported_program.json"
_DTYPES: Mapping[int, torch.dtype] = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
"""Torch's number of a type, in a file."""


@dataclass
class Program:
    """What a file holds.

    Parameters
    ----------
    graph
        ``graph_module`` of torch's schema: plain JSON.
    weights
        Name -> tensor.
    about
        What this program wrote into a file of its own, else empty.
    """

    graph: Mapping[str, Any]
    weights: dict[str, Tensor]
    about: Mapping[str, Any] = field(default_factory=dict)

    def tensor(self, name: str) -> Value:
        """Return weights; whole numbers and single ones as numbers."""
        found = self.weights[name]
        if found.is_floating_point() and found.numel() > 1:
            return found
        return to_host(found.tolist()) if found.numel() <= 4096 else found


def read_archive(path: Path) -> Program:
    """Read the parts of a file; nothing of it is run.

    Raises
    ------
    ModelError
        When it holds no graph, several, or one of another version of torch.
    """
    with zipfile.ZipFile(path) as archive:
        places = _places(archive)
        if places.get("byteorder", "") and (
            read_member(archive, places["byteorder"], 16) != b"little"
        ):
            raise ModelError(
                f"{path.name} was written on a machine of another byte order; "
                "export it again on this kind of machine"
            )
        graphs = [n for n in places if n.startswith("models/") and n.endswith(".json")]
        graphs = graphs or [name for name in places if name == _OLD]
        if len(graphs) != 1:
            raise _without_graph(path, places, len(graphs))
        program = _json(archive, places[graphs[0]])
        _check_version(program, path)
        about = places.get("extra/prunescope.json") or places.get(
            "extra_files/prunescope.json"
        )
        found = _json(archive, about) if about else {}
        stem = Path(graphs[0]).stem
        weights = _read_old(archive, places, path) if graphs[0] == _OLD else {}
        for kind in ("weights", "constants"):
            config = places.get(f"data/{kind}/{stem}_{kind}_config.json")
            if config:
                folder = config.rpartition("/")[0]
                listed = _json(archive, config)["config"]
                weights |= _read_raw(archive, path, folder, listed)
    return Program(program["graph_module"], weights, found)


def _places(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return members by their names inside the one folder of the archive."""
    names = archive.namelist()
    heads = {name.partition("/")[0] for name in names}
    if len(heads) == 1 and all("/" in name for name in names):
        return {name.partition("/")[2]: name for name in names}
    return {name: name for name in names}


def _json(archive: zipfile.ZipFile, name: str) -> Any:
    return json.loads(read_member(archive, name, _LARGEST_JSON))


def _without_graph(path: Path, places: Mapping[str, str], count: int) -> ModelError:
    if any(name.startswith("data/aotinductor") for name in places):
        return ModelError(
            f"{path.name} is a compiled program (AOTInductor): machine code, in which "
            "there are no layers; open the exported program or the checkpoint that it "
            "was made from"
        )
    return ModelError(
        f"{path.name} is an exported program with {count} graphs in it; export the "
        "one network with torch.export.save"
    )


def _check_version(program: Mapping[str, Any], path: Path) -> None:
    version = program["schema_version"]["major"]
    if version != _MAJOR:
        raise ModelError(
            f"{path.name} was written by another version of torch.export (schema "
            f"{str(version)[:20]}, {_MAJOR} is read); export it again with torch 2.5 "
            "or later, or export ONNX"
        )


def _read_raw(
    archive: zipfile.ZipFile, path: Path, folder: str, listed: Mapping[str, Any]
) -> dict[str, Tensor]:
    """Read weights that are plain bytes, and those that are files of torch.save."""
    stored: dict[str, StoredTensor] = {}
    found: dict[str, Tensor] = {}
    for name, each in listed.items():
        meta = each["tensor_meta"]
        if each["use_pickle"] or meta is None:
            if meta is not None:
                place = f"{folder}/{each['path_name']}"
                found |= _read_saved(archive, place, path, name)
            continue
        dtype = _DTYPES.get(meta["dtype"])
        if dtype is None:
            raise ModelError(
                f"{path.name}: {name[:80]!r} holds numbers of a kind that is not read; "
                "export the network in float32"
            )
        stored[name] = StoredTensor(
            storage=Storage(each["path_name"], dtype),
            offset=_size(meta["storage_offset"]),
            shape=tuple(map(_size, meta["sizes"])),
            stride=tuple(map(_size, meta["strides"])),
            dtype=dtype,
        )
    return found | Content(path, None, prefix=folder).tensors(stored)


def _size(given: Mapping[str, Any]) -> int:
    size = given["as_int"]
    if type(size) is not int or not 0 <= size < 1 << 40:
        raise ValueError(size)
    return size


def _read_old(
    archive: zipfile.ZipFile, places: Mapping[str, str], path: Path
) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    parts = ("serialized_state_dict", "serialized_constants")
    for name, place in places.items():
        if name.startswith(parts):
            found |= _read_saved(archive, place, path)
    return found


def _read_saved(
    archive: zipfile.ZipFile, place: str, path: Path, name: str = ""
) -> dict[str, Tensor]:
    """Read tensors of a file of torch.save inside, as any checkpoint is read."""
    data = read_member(archive, place)
    if not data:
        return {}
    with tempfile.TemporaryDirectory(prefix="prunescope-") as folder:
        inner = Path(folder) / path.name
        inner.write_bytes(data)
        content = read_content(inner)
        value = {name: content.value} if name else content.value
        if not isinstance(value, dict):
            raise damaged(path)
        tensors = {k: v for k, v in value.items() if isinstance(v, StoredTensor)}
        return content.tensors(tensors)
