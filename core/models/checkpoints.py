"""Checkpoints of other programs: what they are, and which network they hold.

What a file is is read from its first bytes, not from its name. Pickles are
opened with torch's restricted unpickler, which builds tensors and plain
containers and nothing else.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import torch

from core.errors import ModelError
from core.models.layouts import canonical, is_tiatoolbox_classifier
from core.models.recognition import RECOGNISERS

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from core.types import ModelSpec

Kind = Literal["safetensors", "torch"]
_NESTED = ("desc", "state_dict", "model_state_dict", "model", "net")
_PREFIXES = ("module.", "_orig_mod.", "model.")
_FROZEN = "its structure is frozen, so nothing can be removed from it"
_WANTED = "open the checkpoint with the state dict instead"


def kind_of(path: Path) -> Kind:
    """Tell how `path` must be read.

    Raises
    ------
    ModelError
        When there is nothing there, or nothing that can be pruned.
    """
    try:
        if path.is_dir():
            raise ModelError(f"{path} is a folder; choose a file with weights in it")
        if path.exists() and not path.is_file():
            raise ModelError(f"{path} is a device, not a file; choose a file")
        with path.open("rb") as file:
            head = file.read(16)
    except FileNotFoundError as error:
        raise ModelError(
            f"there is no model named {_short(path)} in the catalogue "
            "and no such file; check the name"
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a usable path"
        raise ModelError(
            f"{_short(path)} cannot be read ({reason}); choose another file"
        ) from error
    if not head:
        raise ModelError(f"{path.name} is empty; copy or export it again")
    if head[8:9] == b"{" or path.suffix.lower() == ".safetensors":
        return "safetensors"
    _refuse_frozen(path, head)
    if head[:2] == b"PK" or head[:1] == b"\x80":
        return "torch"
    raise ModelError(
        f"{path.name} is not a file of weights that this program reads; it opens its "
        "own .safetensors and PyTorch checkpoints of HoVer-Net and ResNet-18"
    )


def _short(path: Path) -> str:
    """The path in quotes, its start left out when it would fill the window."""
    text = str(path)
    return repr(text if len(text) <= 200 else f"...{text[-200:]}")


def _refuse_frozen(path: Path, head: bytes) -> None:
    name, suffix = path.name, path.suffix.lower()
    if head[:8] == b"\x89HDF\r\n\x1a\n" or suffix in {".h5", ".hdf5", ".keras"}:
        raise ModelError(
            f"{name} is a Keras file, which is not read here; "
            "convert it to a PyTorch checkpoint"
        )
    if suffix == ".onnx":
        raise ModelError(f"{name} is an ONNX file: {_FROZEN}; {_WANTED}")
    if head[:2] != b"PK":
        return
    members = {member.split("/", 1)[-1] for member in _members(path)}
    if any(member.startswith("code/") for member in members):
        raise ModelError(f"{name} is a TorchScript file: {_FROZEN}; {_WANTED}")
    if suffix == ".pt2" or any(
        member.startswith(("models/", "serialized_exported_program"))
        for member in members
    ):
        raise ModelError(f"{name} is an exported program: {_FROZEN}; {_WANTED}")


def _members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise _truncated(path) from error


def _truncated(path: Path) -> ModelError:
    return ModelError(
        f"{path.name} is damaged or was not copied completely; copy it again"
    )


def read(path: Path, kind: Kind) -> dict[str, Tensor]:
    """The state dict of a PyTorch checkpoint, with plain names.

    Parameters
    ----------
    path
        The file.
    kind
        What `kind_of` said.

    Returns
    -------
    dict of str to Tensor
        On the CPU, floating point as float32; prefixes of wrappers such as
        ``module.`` removed.

    Raises
    ------
    ModelError
        When the file is damaged, would need to run code, or holds no state dict.
    """
    assert kind == "torch"
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "Weights only load failed" not in str(error):
            raise _truncated(path) from error
        raise ModelError(
            f"{path.name} holds Python code beside its weights and is not opened, for "
            "safety; on a machine where you trust it, save only its state_dict()"
        ) from error
    except Exception as error:  # a damaged pickle raises anything
        raise _truncated(path) from error
    state = _find_state(content)
    if state is None:
        raise ModelError(
            f"{path.name} holds no state dict (names with tensors), bare or under "
            + ", ".join(repr(key) for key in _NESTED)
            + "; save the network's state_dict()"
        )
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in _plain_names(state).items()
    }


def _find_state(content: Any) -> dict[str, Tensor] | None:
    if not isinstance(content, Mapping):
        return None
    for key in _NESTED:
        found = _find_state(content[key]) if key in content else None
        if found is not None:
            return found
    if content and all(
        isinstance(key, str) and isinstance(value, torch.Tensor)
        for key, value in content.items()
    ):
        return dict(content)
    return None


def _plain_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in _PREFIXES:
        if all(name.startswith(prefix) for name in state):
            return _plain_names({k.removeprefix(prefix): v for k, v in state.items()})
    return state


def recognise(
    state: Mapping[str, Tensor], path: Path
) -> tuple[ModelSpec, dict[str, Tensor]]:
    """Which network `state` belongs to, and its tensors under that one's names.

    Raises
    ------
    ModelError
        When none that this program can build.
    """
    renamed = canonical(state)
    for recogniser in RECOGNISERS:
        spec = recogniser(renamed, path.stem)
        if spec is None:
            continue
        if is_tiatoolbox_classifier(state):  # fed with plain 0 to 1
            spec = replace(spec, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
        return spec, renamed
    first = ", ".join(repr(name) for name in list(state)[:3])
    raise ModelError(
        f"the weights in {path.name} (first names: {first}) belong to no network that "
        "this program builds; it recognises HoVer-Net and ResNet-18"
    )
