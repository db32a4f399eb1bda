"""Names and files into networks; nothing that is read is ever executed."""

from __future__ import annotations

import os
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from core.errors import ModelError
from core.files import is_folder
from core.models import checkpoints, container
from core.models.architectures import build
from core.models.bioimageio import find_description, open_package
from core.models.bundles import name_channels, read_config
from core.models.catalogue import DEMO, entries
from core.models.class_names import name_classes
from core.models.folders import find_weights, unpacked
from core.models.formats.archives import damaged
from core.models.formats.states import clean
from core.models.installed import recognise_installed
from core.models.loaded import LoadedModel, remember_origin
from core.models.outputs import with_reader
from core.models.probe import check_probe
from core.models.python_file import open_network, relocate
from core.models.rebuilding import plan_from_json, rebuild
from core.options import ModelOptions, split_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from core.models.loaded import Found
    from core.pruning import PruningPlan
    from core.types import ModelSpec


def load_model(
    source: str | os.PathLike[str], *, device: str | torch.device = "cpu"
) -> LoadedModel:
    """Open a network.

    Parameters
    ----------
    source
        May end with the text form of `core.options.ModelOptions`. Else a name
        of `core.models.catalogue`, a file of `save_model`, or a checkpoint or
        folder of a network that is recognised by its config, or by the names and
        shapes of its weights, see ``docs/formats.md``.
    device
        Where the weights go.

    Returns
    -------
    LoadedModel
        In eval mode.

    Raises
    ------
    ModelError
        When there is no such name or file, or it cannot be used; says why.
    ConsentNeededError
        When the network's code is a Python file that nobody has agreed to run.
    """
    target = _device(device)
    name, options = split_model(os.fspath(source))
    model = _named(name, options, target)
    return with_reader(model, options.reader, options.threshold)


def _named(name: str, options: ModelOptions, device: torch.device) -> LoadedModel:
    if options.network and not name:
        spec, state = open_network(None, {}, options.network, options.arguments)
        return _ready(rebuild(spec, None, state, spec.name), spec, None, device)
    entry = entries().get(name)
    if entry is None:
        return _from_path(Path(name), device, options)
    if entry.spec is None:
        return _shipped(f"{name}.safetensors", device)
    module = build(entry.spec.architecture, entry.spec.config)
    return replace(_ready(module, entry.spec, None, device), trained=False)


def _device(device: str | torch.device) -> torch.device:
    try:
        target = torch.device(device)
        torch.empty(0, device=target)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ModelError(
            f"the device {str(device)!r} is not available here; use 'cpu'"
        ) from error
    return target


def _shipped(name: str, device: torch.device) -> LoadedModel:
    with resources.as_file(resources.files("resources") / name) as path:
        if not path.is_file():
            raise ModelError(
                f"the weights {name} were not installed; install the program again, "
                f"or open a file instead of {DEMO!r}"
            )
        return _saved(path, device, checked=False)  # pip has compared its checksum


def _from_path(path: Path, device: torch.device, options: ModelOptions) -> LoadedModel:
    if is_folder(path):
        return _from_folder(path, path, device, options)
    with unpacked(path) as found:  # a bundle may be a zip file
        if found is path:
            return _from_file(path, path, device, options)
        return _from_folder(found, path, device, options)


def _from_folder(
    folder: Path, named: Path, device: torch.device, options: ModelOptions
) -> LoadedModel:
    """Open a folder of a model; `named` is what the user chose."""
    if find_description(folder) is None:
        return _from_file(find_weights(folder), named, device, options)

    def open_weights(path: Path) -> Found:
        return _describe(path, path, ModelOptions())

    def open_code(path: Path, network: str, arguments: Mapping[str, Any]) -> Found:
        if folder is not named:
            raise ModelError(
                f"{named.name} brings its network as Python code; unpack it, so that "
                "the code can be read, and open the folder"
            )
        plain = _plain_state(path)
        return open_network(path, plain, network, arguments, fitted=False)

    spec, state, said = open_package(folder, open_weights, open_code)
    model = _ready(rebuild(spec, None, state, named.name), spec, None, device)
    return replace(model, notes=(said,))


def _from_file(
    path: Path, named: Path, device: torch.device, options: ModelOptions
) -> LoadedModel:
    """Open a file of weights; `named` is what the user chose."""
    if checkpoints.kind_of(path) == "safetensors":
        metadata, _ = container.read_tensors(path)
        if container.is_own(metadata):
            found = _saved(path, device, network=options.network)
            return replace(found, spec=name_classes(found.spec, path, alone=True))
    spec, state = _describe(path, named, options)
    return _ready(rebuild(spec, None, state, path.name), spec, None, device)


def _describe(path: Path, named: Path, options: ModelOptions) -> Found:
    """Return what a file of weights holds that this program did not write."""
    if checkpoints.kind_of(path) in {"onnx", "program"}:
        spec, state = _read_graph(path)
        return name_classes(spec, path), state
    state = _plain_state(path)
    if options.network:
        spec, state = open_network(path, state, options.network, options.arguments)
    else:
        spec, state = _recognised(state, named, path)
    return name_classes(name_channels(spec, path), path), state


def _plain_state(path: Path) -> dict[str, Tensor]:
    kind = checkpoints.kind_of(path)
    if kind == "torch":
        return checkpoints.read(path, kind)
    _, plain = container.read_tensors(path)
    checkpoints.check_names(plain, path)
    return clean(plain)


def _recognised(state: Mapping[str, Tensor], named: Path, path: Path) -> Found:
    try:
        return checkpoints.recognise(state, named, read_config(path))
    except ModelError:
        found = recognise_installed(state, path)
        if found is None:
            raise
        return found


def _read_graph(path: Path) -> Found:
    from core.models.graphs.onnx_file import read_onnx
    from core.models.graphs.opening import describe_graph
    from core.models.graphs.pt2_file import read_program

    read = read_onnx if checkpoints.kind_of(path) == "onnx" else read_program
    try:
        return describe_graph(read(path), path)
    except ModelError:
        raise
    except Exception as error:  # a damaged graph makes its operators raise anything
        raise damaged(path) from error


def _saved(
    path: Path, device: torch.device, *, checked: bool = True, network: str = ""
) -> LoadedModel:
    parts = container.read(path, checked=checked)
    spec = relocate(parts.spec, network) if network else parts.spec
    plan = None if parts.plan is None else plan_from_json(parts.plan, path.name)
    module = rebuild(spec, plan, parts.state, path.name)
    if parts.probe is not None:
        check_probe(module, spec, parts.probe)
    return _ready(module, spec, plan, device)


def _ready(
    module: nn.Module, spec: ModelSpec, plan: PruningPlan | None, device: torch.device
) -> LoadedModel:
    module = module.to(device).eval()
    remember_origin(module, spec, plan)
    return LoadedModel(module=module, spec=spec, plan=plan)
