"""Packages of bioimage.io: a description, weights, and tensors to test them with.

The description (``rdf.yaml``) is read as plain values. Of its weights, ONNX comes
first; a state dict is opened where its network is recognised, or after a consent by
the Python file that the package brings. TorchScript is code and is not run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from core.errors import ModelError
from core.files import DESCRIPTIONS
from core.models.architectures import build, build_empty, needs_values
from core.models.outputs import fit_reader
from core.models.processed import ProcessedNetwork
from core.models.weights import adopt
from core.types import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from torch import Tensor

    from core.models.loaded import Found

ARCHITECTURE = "processed"
_LARGEST = 1 << 20  # bytes of a description
_TOLERANCE = 1e-3  # of the largest output
_MOST = 512  # pixels of a window whose size is free


def find_description(folder: Path) -> Path | None:
    """Return the description of a package, or None when a folder is none."""
    found = [folder / name for name in DESCRIPTIONS]
    found += sorted(folder.glob("*.bioimageio.yaml"))[:1]
    return next((path for path in found if path.is_file()), None)


def open_package(
    folder: Path,
    open_weights: Callable[[Path], Found],
    open_code: Callable[[Path, str, Mapping[str, Any]], Found],
) -> tuple[ModelSpec, dict[str, Tensor], str]:
    """Describe the network of a package.

    Parameters
    ----------
    folder
        Unpacked.
    open_weights
        Opens a file of weights of a network that is known.
    open_code
        Opens weights by a class ``FILE.py:CLASS`` and its arguments; asks for consent.

    Returns
    -------
    tuple
        Description, weights, and a sentence on its test tensors.

    Raises
    ------
    ModelError
        When a part is missing or not understood, or the network gives something else
        than the package says.
    """
    path = find_description(folder)
    assert path is not None
    try:
        values = _read(path)
        entry, wanted = _only(values, "inputs"), _only(values, "outputs")
        sizes, channels = _axes(entry), _channels(entry)
        inner, state = _weights(values, folder, open_weights, open_code)
        config = {
            "architecture": inner.architecture,
            "config": {k: v for k, v in inner.config.items() if k != "channels"},
            "before": _steps(entry.get("preprocessing")),
            "after": _steps(wanted.get("postprocessing")),
            "channels": channels,
        }
        halo = _halo(wanted)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ModelError(
            f"the description {path.name} of the package {folder.name} is not "
            f"understood ({type(error).__name__}: {str(error)[:80]}); validate it with "
            "bioimage.io's own tools"
        ) from error
    stride, side = sizes
    spec = ModelSpec(
        name=str(values.get("name") or folder.name)[:100],
        task="nuclei",
        architecture=ARCHITECTURE,
        config=config,
        stride=stride,
        window=(side, max(side - 2 * halo, 16)),
        input_range=(0.0, 255.0),
    )
    state = {f"network.{name}": value for name, value in state.items()}
    module = build_processed(spec)
    adopt(module, state, folder.name)
    module.eval()
    said = _verify(module, values, folder)
    return fit_reader(spec, module), state, said


def build_processed(spec: ModelSpec) -> ProcessedNetwork:
    """Return the network of a package, without weights where it can be."""
    inner = str(spec.config["architecture"])
    make = build if needs_values(inner) else build_empty
    found = make(spec.architecture, spec.config)
    assert isinstance(found, ProcessedNetwork)
    return found


def _read(path: Path) -> Mapping[str, Any]:
    import yaml

    if path.stat().st_size > _LARGEST:
        raise ValueError("too large")
    text = path.read_text(encoding="utf-8")
    if text.count("&") > 100:  # aliases of aliases would fill the memory
        raise ValueError("too many anchors")
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError("no YAML") from error
    if not isinstance(found, dict) or found.get("type", "model") != "model":
        raise ValueError("not of a model")
    return found


def _only(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values[name]
    if len(found) != 1 and name == "inputs":
        raise ValueError(f"{len(found)} {name}")
    first: Mapping[str, Any] = found[0]
    return first


def _letters(entry: Mapping[str, Any]) -> list[str]:
    """Return the axes of a tensor in order: b, c, y, x."""
    axes = entry["axes"]
    if isinstance(axes, str):
        return list(axes)
    names = {"batch": "b", "channel": "c"}
    return [names.get(str(axis["type"]), str(axis.get("id", "x"))[:1]) for axis in axes]


def _axes(entry: Mapping[str, Any]) -> tuple[int, int]:
    """Return the step of sizes that is taken, and the side of a window."""
    letters = _letters(entry)
    if letters != ["b", "c", "y", "x"]:
        raise ValueError(f"axes {''.join(letters)}, not bcyx")
    axes = entry["axes"]
    if isinstance(axes, str):
        shape = entry["shape"]
        if isinstance(shape, list):
            sides = [int(size) for size in shape[2:]]
            return _fixed(sides)
        low, step = (int(shape[name][3]) for name in ("min", "step"))
        return _free(low, step)
    size = axes[3].get("size", axes[2].get("size"))
    if isinstance(size, dict):
        return _free(int(size["min"]), int(size["step"]))
    return _fixed([int(axes[place].get("size", size)) for place in (2, 3)])


def _fixed(sides: Sequence[int]) -> tuple[int, int]:
    if sides[0] != sides[1] or not 16 <= sides[0] <= 4096:
        raise ValueError(f"pictures of {sides[0]} x {sides[1]} pixels")
    return sides[0], sides[0]


def _free(low: int, step: int) -> tuple[int, int]:
    step = step or low
    if low % step or not 0 < step <= 4096:
        raise ValueError(f"sizes from {low} in steps of {step}")
    return max(step, 1), max(_MOST // step * step, low)


def _channels(entry: Mapping[str, Any]) -> int:
    axes = entry["axes"]
    if isinstance(axes, str):
        shape = entry["shape"]
        count = int((shape if isinstance(shape, list) else shape["min"])[1])
    else:
        count = len(axes[1].get("channel_names", ("",)))
    if count not in {1, 3}:
        raise ValueError(f"{count} channels")
    return count


def _halo(entry: Mapping[str, Any]) -> int:
    axes = entry["axes"]
    if isinstance(axes, str):
        return max(int(size) for size in entry.get("halo") or [0])
    return max((int(axis.get("halo", 0)) for axis in axes), default=0)


def _steps(given: Any) -> list[list[Any]]:
    found = []
    for each in given or ():
        settings = dict(each.get("kwargs") or {})
        found.append([str(each.get("id") or each["name"]), settings])
    return found


def _local(entry: Mapping[str, Any], folder: Path) -> Path | None:
    """Return a file that the package holds; others are not fetched."""
    source = entry.get("source")
    if isinstance(source, dict):
        source = source.get("source")
    if not isinstance(source, str) or "://" in source:
        return None
    place = folder / source
    inside = place.resolve().is_relative_to(folder.resolve())
    return place if inside and place.is_file() else None


def _weights(
    values: Mapping[str, Any],
    folder: Path,
    open_weights: Callable[[Path], Found],
    open_code: Callable[[Path, str, Mapping[str, Any]], Found],
) -> Found:
    formats: Mapping[str, Any] = values["weights"]
    graph = formats.get("onnx")
    path = _local(graph, folder) if graph else None
    if path is not None:
        return open_weights(path)
    entry = formats.get("pytorch_state_dict")
    path = _local(entry, folder) if entry else None
    if entry is None or path is None:
        raise ModelError(
            f"the package {folder.name} holds {', '.join(map(str, formats)) or 'none'} "
            "as weights; TorchScript and TensorFlow are not opened here: download one "
            "with ONNX weights or a PyTorch state dict"
        )
    try:
        return open_weights(path)
    except ModelError:
        code = _code(entry, folder)
        if code is None:
            raise
    return open_code(path, *code)


def _code(
    entry: Mapping[str, Any], folder: Path
) -> tuple[str, Mapping[str, Any]] | None:
    """Return the class that weights belong to, and its arguments."""
    given = entry.get("architecture")
    if isinstance(given, str):  # up to version 0.4: FILE.py:CLASS
        source, _, name = given.rpartition(":")
        arguments = entry.get("kwargs") or {}
    elif isinstance(given, dict):
        source, name = str(given.get("source", "")), str(given.get("callable", ""))
        arguments = given.get("kwargs") or {}
    else:
        return None
    path = _local({"source": source}, folder)
    return None if path is None else (f"{path}:{name}", dict(arguments))


def _tests(values: Mapping[str, Any], side: str) -> Iterator[str]:
    for each in values.get(f"test_{side}") or ():
        yield str(each)
    for each in values[side]:
        tensor = each.get("test_tensor")
        if tensor:
            yield str(tensor["source"] if isinstance(tensor, dict) else tensor)


def _verify(module: ProcessedNetwork, values: Mapping[str, Any], folder: Path) -> str:
    """Compare a network with the test tensors of its package.

    Raises
    ------
    ModelError
        When it gives something else.
    """
    names = [next(_tests(values, side), "") for side in ("inputs", "outputs")]
    paths = [_local({"source": name}, folder) if name else None for name in names]
    if paths[0] is None or paths[1] is None:
        return "The package holds no test tensors."
    given, expected = (_array(path) for path in paths if path is not None)
    with torch.inference_mode():
        found = module.process(torch.from_numpy(given)).numpy()
    if found.shape != expected.shape:
        raise ModelError(
            f"the network of {folder.name} gives an output of shape {found.shape} for "
            f"its test tensor, and the package states {expected.shape}"
        )
    largest = float(np.abs(found - expected).max())
    if largest > _TOLERANCE * max(float(np.abs(expected).max()), 1e-6):
        raise ModelError(
            f"the network of {folder.name} gives values that differ from its package's "
            f"test tensor by up to {largest:.3g}; download the package again"
        )
    return (
        f"The package's test tensors were computed again: the largest difference is "
        f"{largest:.2g}."
    )


def _array(path: Path) -> Any:
    found = np.load(path, allow_pickle=False)
    return np.ascontiguousarray(found, np.float32)
