"""Checkpoints of other programs: what they are, and which network they hold.

What a file is is read from its first bytes, not from its name. Pickles are read by
`core.models.formats`, which builds tensors and plain containers and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from core.errors import ModelError
from core.models.formats.archives import damaged, members, read_content
from core.models.formats.pickles import Placeholder, StoredTensor
from core.models.formats.states import NESTED, clean, find_state, inner_states
from core.models.layouts import (
    canonical,
    is_monai_hovernet,
    is_tiatoolbox_classifier,
)
from core.models.libraries.recognition import library_config, library_network
from core.models.recognition import RECOGNISERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from core.models.loaded import Found

Kind = Literal["safetensors", "torch", "onnx", "program"]
_FROZEN = "its structure is frozen, so nothing can be removed from it"
_LONGEST_NAME = 1000  # characters of a tensor's name
_MOST_TENSORS = 100_000


def kind_of(path: Path) -> Kind:
    """Tell how `path` must be read.

    Raises
    ------
    ModelError
        When there is nothing there, or nothing that can be pruned.
    """
    head = first_bytes(path)
    refuse_text(path, head)
    if head[8:9] == b"{" or path.suffix.lower() == ".safetensors":
        return "safetensors"
    if path.suffix.lower() == ".onnx":
        return "onnx"
    _refuse_keras(path, head)
    if head[:2] == b"PK":
        return _kind_of_zip(path)
    if head[:1] == b"\x80":
        return "torch"
    raise ModelError(
        f"{path.name} is not a file of weights that this program reads; it opens its "
        "own .safetensors, PyTorch checkpoints, exported programs and ONNX files"
    )


def first_bytes(path: Path) -> bytes:
    """Read the start of a file.

    Raises
    ------
    ModelError
        When there is no file, it cannot be read, or it is empty.
    """
    try:
        if path.is_dir():
            raise ModelError(f"{path} is a folder; choose a file with weights in it")
        if path.exists() and not path.is_file():
            raise ModelError(f"{path} is a device, not a file; choose a file")
        with path.open("rb") as file:
            head = file.read(256)
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
    return head


def _short(path: Path) -> str:
    """The path in quotes, its start left out when it would fill the window."""
    text = str(path)
    return repr(text if len(text) <= 200 else f"...{text[-200:]}")


def refuse_text(path: Path, head: bytes) -> None:
    """Say what a file is that only looks like a model by its name.

    Raises
    ------
    ModelError
        When it is a web page, or a pointer to a large file.
    """
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<?xml", b"<script")):
        raise ModelError(
            f"{path.name} is a web page, not a model: the link led to a page about the "
            "file, or asked for a login; download the file itself"
        )
    if start.startswith(b"version https://git-lfs"):
        raise ModelError(
            f"{path.name} is a Git LFS pointer, which only names the model; fetch the "
            "file with 'git lfs pull', or download it from the site"
        )


def _refuse_keras(path: Path, head: bytes) -> None:
    suffix = path.suffix.lower()
    if head[:8] == b"\x89HDF\r\n\x1a\n" or suffix in {".h5", ".hdf5", ".keras"}:
        raise ModelError(
            f"{path.name} is a Keras file, which is not read here; "
            "convert it to a PyTorch checkpoint"
        )


def _kind_of_zip(path: Path) -> Kind:
    names = members(path)
    inner = {member.split("/", 1)[-1] for member in names}
    if "archive_format" in inner or any(
        member.startswith("serialized_exported_program") for member in inner
    ):
        return "program"
    if any(member.split("/")[-1] == "data.pkl" for member in names):
        return "torch"
    first = next(iter(names), "nothing")
    raise ModelError(
        f"{path.name} is a zip archive (with {first[:80]!r} in it), not a file of "
        "weights; unpack it and open the file with the weights"
    )


def read(path: Path, kind: Kind) -> dict[str, Tensor]:
    """The state dict of a PyTorch checkpoint.

    Parameters
    ----------
    path
        The file.
    kind
        What `kind_of` said.

    Returns
    -------
    dict of str to Tensor
        On the CPU, floating point as float32, see `core.models.formats.states.clean`.

    Raises
    ------
    ModelError
        When the file is damaged or holds no state dict.
    """
    assert kind == "torch"
    content = read_content(path)
    state = find_state(content.value)
    if state is None:
        raise _without_state(path, content.value)
    check_names(state, path)
    for name, stored in state.items():
        if not isinstance(stored, StoredTensor):
            raise ModelError(
                f"{path.name}: {name!r} is a tensor that is not read (sparse, "
                "quantised, nested or without values); save plain weights"
            )
    return clean(content.tensors(state))


def check_names(state: Mapping[str, Any], path: Path) -> None:
    """Refuse names that no network has.

    Raises
    ------
    ModelError
        When there are too many, or one is too long.
    """
    if len(state) > _MOST_TENSORS or any(len(name) > _LONGEST_NAME for name in state):
        raise damaged(path)


def _without_state(path: Path, value: Any) -> ModelError:
    usual = ", ".join(repr(key) for key in NESTED[:6])
    if _holds_code(value):
        return ModelError(
            f"{path.name} holds Python code beside its weights, which is not run, and "
            "no weights without it; on a machine where you trust it, save only its "
            "state_dict()"
        )
    return ModelError(
        f"{path.name} holds no state dict (names with tensors), bare or under {usual}; "
        "save the network's state_dict()"
    )


def _holds_code(value: Any) -> bool:
    inner = value.values() if isinstance(value, dict) else (value,)
    return any(isinstance(one, Placeholder) for one in inner)


def recognise(
    state: Mapping[str, Tensor], path: Path, config: Mapping[str, Any]
) -> Found:
    """Which network `state` belongs to, and its tensors under that one's names.

    Parameters
    ----------
    state
        Name -> tensor.
    path
        The file, or the folder around it.
    config
        What its library wrote beside it; empty when there is nothing.

    Raises
    ------
    ModelError
        When none that this program or an installed library can build.
    """
    states = list(inner_states(state))
    found = _by_config(states, path, config) if config else None
    for inner in states if found is None else ():
        found = found or _by_own_names(inner, path) or library_network(inner, path.stem)
    if found is not None:
        return found
    first = ", ".join(repr(name[:80]) for name in list(state)[:3])
    raise ModelError(
        f"the weights in {path.name} (first names: {first}) belong to no network that "
        f"is recognised{_of_whole_module(path)}; docs/formats.md lists which are"
    )


def _by_own_names(inner: Mapping[str, Tensor], path: Path) -> Found | None:
    renamed = canonical(inner)
    for recogniser in RECOGNISERS:
        spec = recogniser(renamed, path.stem)
        if spec is None:
            continue
        if is_tiatoolbox_classifier(inner):  # fed with plain 0 to 1
            spec = replace(spec, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
        if is_monai_hovernet(inner):
            spec = replace(spec, config={**spec.config, "monai": True})
        return spec, renamed
    return None


def _by_config(
    states: Sequence[Mapping[str, Tensor]], path: Path, config: Mapping[str, Any]
) -> Found | None:
    """Build what a config says, with the first of `states` that fits it."""
    problem = None
    for inner in states:
        try:
            found = library_config(config, inner, path.stem)
        except ModelError as error:
            problem = problem or error
            continue
        return found
    if problem is not None:
        raise problem
    return None


def _of_whole_module(path: Path) -> str:
    """Say in brackets that a file is a program, whose code is not run."""
    with path.open("rb") as file:
        start = file.read(2)
    if start == b"PK" and any("/code/" in member for member in members(path)):
        return (
            f" (the file is a TorchScript program: {_FROZEN}, and only its weights are "
            "read)"
        )
    if path.suffix != ".safetensors" and isinstance(
        read_content(path).value, Placeholder
    ):
        return (
            " (the file is a whole module, whose Python code is not run; save its "
            "state_dict())"
        )
    return ""
