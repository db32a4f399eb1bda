"""MONAI bundles: what network their configs name, read as data.

A bundle has ``configs/inference.json`` (or ``train.json``) and ``models/model.pt``. In
its configs ``@name`` stands for another entry, and ``$`` starts Python, which is never
run: an entry that needs it counts as missing, and the weights tell what it is.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.models.folders import CONFIG, read_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from core.types import ModelSpec

CONFIGS, MODELS = "configs", "models"
_FILES = ("inference.json", "train.json")
_ENTRIES = ("network_def", "network", "net")
_DEEPEST = 8  # references to references
_SEPARATOR = re.compile(r"#|::")


class _UnknownError(ValueError):
    """An entry that is not plain."""


def is_bundle(folder: Path) -> bool:
    """Whether a folder has the configs of a bundle."""
    return any((folder / CONFIGS / name).is_file() for name in _FILES)


def read_network(folder: Path) -> dict[str, Any]:
    """Return class (``_target_``) and arguments of the network of a bundle.

    Parameters
    ----------
    folder
        With ``configs/`` in it.

    Returns
    -------
    dict
        Empty when no config names a network in plain values.

    Raises
    ------
    ModelError
        When a config cannot be read.
    """
    for name in _FILES:
        config = read_json(folder / CONFIGS / name)
        for entry in _ENTRIES:
            try:
                found = _plain(config.get(entry), config)
            except _UnknownError:
                continue
            if isinstance(found, dict) and "_target_" in found:
                return found
    return {}


def read_config(weights: Path) -> Mapping[str, Any]:
    """Return the config that lies beside a file of weights; empty when none does.

    Raises
    ------
    ModelError
        When it cannot be read.
    """
    folder = weights.parent
    if folder.name == MODELS and is_bundle(folder.parent):
        return read_network(folder.parent)
    return read_json(weights.with_name(CONFIG))


def _plain(value: Any, config: Mapping[str, Any], depth: int = 0) -> Any:
    """Return a value with everything put in that it refers to.

    Raises
    ------
    _UnknownError
        When something in it is Python, or refers to nothing.
    """
    if depth > _DEEPEST:
        raise _UnknownError("too deep")
    if isinstance(value, dict):
        return {key: _plain(each, config, depth + 1) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, config, depth + 1) for each in value]
    if not isinstance(value, str):
        return value
    if value.startswith("@"):
        return _plain(_find(value[1:], config), config, depth + 1)
    if value.startswith(("$", "%")):
        raise _UnknownError(value)
    return value


def _find(name: str, config: Mapping[str, Any]) -> Any:
    found: Any = config
    for part in _SEPARATOR.split(name):
        try:
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (LookupError, TypeError, ValueError) as error:
            raise _UnknownError(name) from error
    return found


def name_channels(spec: ModelSpec, weights: Path) -> ModelSpec:
    """Return a spec with the types of nuclei that ``metadata.json`` names, if any."""
    folder = weights.parent.parent
    if weights.parent.name != MODELS or not spec.classes or not is_bundle(folder):
        return spec
    found: Any = read_json(folder / CONFIGS / "metadata.json")
    outputs = ("network_data_format", "outputs")
    for key in outputs:
        found = found.get(key) if isinstance(found, dict) else None
    rows = found.values() if isinstance(found, dict) else ()
    for row in rows:
        names = row.get("channel_def") if isinstance(row, dict) else None
        if not isinstance(names, dict) or not all(str(n).isdigit() for n in names):
            continue
        types = [str(names[n])[:80] for n in sorted(names, key=int)][1:]
        if len(types) == len(spec.classes) == len(set(types)):
            return replace(spec, classes=tuple(types))
    return spec
