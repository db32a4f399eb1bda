"""The file format: safetensors, with one JSON text in the metadata of its header.

The JSON object under the metadata key ``prunescope`` holds

- ``format``: version of this layout, an integer,
- ``spec``: the fields of `core.types.ModelSpec`,
- ``plan``: JSON text of the pruning plan relative to the dense architecture, or null,
- ``plan_sha256``: of that text, or null,
- ``weights_sha256``: of all tensors (`core.models.weights.digest`),
- ``probe``: expected outputs for a fixed input (`core.models.probe`), or null,
- ``sha256``: of the other entries, as JSON with sorted keys.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch

from core.errors import ModelError
from core.models.specs import spec_from_json, spec_to_json
from core.models.weights import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from core.types import ModelSpec

FORMAT = 1
_KEY = "prunescope"


@dataclass(frozen=True, slots=True)
class Container:
    """Everything that one file holds, before it becomes a network.

    Parameters
    ----------
    spec
        The network's description.
    plan
        JSON text of the plan, or None.
    probe
        What `core.models.probe.probe` returned, or None.
    state
        State-dict name -> tensor.
    """

    spec: ModelSpec
    plan: str | None
    probe: dict[str, Any] | None
    state: Mapping[str, Tensor]


def _sha(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def checksum(header: Mapping[str, Any]) -> str:
    """Return the checksum of a description, which holds for what JSON gives back."""
    rest = {key: value for key, value in header.items() if key != "sha256"}
    text = json.dumps(json.loads(json.dumps(rest)), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def encode(container: Container) -> bytes:
    """The bytes of a file."""
    header = {
        "format": FORMAT,
        "spec": spec_to_json(container.spec),
        "plan": container.plan,
        "plan_sha256": _sha(container.plan),
        "weights_sha256": digest(container.state),
        "probe": container.probe,
    }
    header["sha256"] = checksum(header)
    metadata = {"format": "pt", _KEY: json.dumps(header, allow_nan=False)}
    return safetensors.torch.save(dict(container.state), metadata)


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` so that `path` is either the old file or the whole new one.

    Raises
    ------
    ModelError
        When the disk is full, read-only or not there.
    """
    temporary = None
    try:
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=".part"
        )
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private; a model is as readable as any other file.
        temporary.chmod(0o644)
        temporary.replace(path)
    except (OSError, ValueError) as error:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()
        reason = getattr(error, "strerror", None) or str(error)
        raise ModelError(
            f"the model cannot be written to {path} ({reason}); "
            "choose another folder or make room"
        ) from error


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Read any safetensors file.

    Returns
    -------
    tuple
        Text of its header by key, and tensors by name.

    Raises
    ------
    ModelError
        When it is not one, or is damaged.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError) as error:
        raise ModelError(
            f"{path.name} is not a readable safetensors file, it is damaged or was "
            "not copied completely; copy or export it again"
        ) from error
    return metadata, state


def is_own(metadata: Mapping[str, str]) -> bool:
    """Tell whether the header of a safetensors file is one of `encode`."""
    return _KEY in metadata


def read(path: Path, *, checked: bool = True) -> Container:
    """Read a file that `encode` made.

    Parameters
    ----------
    path
        The file.
    checked
        Whether its description must have a checksum.

    Raises
    ------
    ModelError
        When it is not one, is damaged, or comes from a newer version.
    """
    metadata, state = read_tensors(path)
    if _KEY not in metadata:
        raise ModelError(
            f"{path.name} is a safetensors file without a PruneScope description "
            f"(metadata key {_KEY!r}), so its network is unknown; open the original "
            "checkpoint, or a file saved by this program"
        )
    header = _header(path, metadata[_KEY], checked)
    if header.get("weights_sha256") != digest(state):
        raise ModelError(
            f"the weights in {path.name} do not match their checksum; "
            "the file is damaged, copy or export it again"
        )
    return Container(
        spec=spec_from_json(header["spec"]),
        plan=_plan(path, header),
        probe=_probe(path, header),
        state=state,
    )


def _damaged(path: Path) -> ModelError:
    return ModelError(
        f"the description inside {path.name} is damaged; copy or export it again"
    )


def _header(path: Path, text: str, checked: bool) -> dict[str, Any]:
    try:
        header = json.loads(text)
        version = header["format"]
        newer = version > FORMAT
        sound = isinstance(header["spec"], dict)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _damaged(path) from error
    if newer:
        raise ModelError(
            f"{path.name} was saved by a newer version (format {version}, this one "
            f"reads up to {FORMAT}); update this program"
        )
    if sound and checked and "sha256" not in header:
        raise ModelError(
            f"{path.name} has no checksum of its description, as files of earlier "
            "versions: its thresholds cannot be trusted. Save the model again from "
            "its checkpoint, or repeat the pruning"
        )
    if not sound or (checked and header["sha256"] != checksum(header)):
        raise _damaged(path)
    return dict(header)


def _plan(path: Path, header: Mapping[str, Any]) -> str | None:
    plan = header.get("plan")
    if plan is None:
        return None
    if not isinstance(plan, str) or header.get("plan_sha256") != _sha(plan):
        raise _damaged(path)
    return plan


def _probe(path: Path, header: Mapping[str, Any]) -> dict[str, Any] | None:
    found = header.get("probe")
    if found is None:
        return None
    try:
        return {
            "seed": abs(int(found["seed"])),
            "outputs": {
                str(name): {
                    "shape": [int(side) for side in output["shape"]],
                    "values": [float(value) for value in output["values"]],
                }
                for name, output in found["outputs"].items()
            },
        }
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise _damaged(path) from error
