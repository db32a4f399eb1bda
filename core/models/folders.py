"""Folders of a model, and the config that lies beside its weights.

``save_pretrained`` of segmentation-models-pytorch and timm writes ``config.json`` and
``model.safetensors`` (or ``pytorch_model.bin``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.tables import MODEL_LIKE_ENDINGS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONFIG = "config.json"
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")  # the usual names, best first
_LARGEST = 1 << 20  # bytes of a config


def find_weights(folder: Path) -> Path:
    """Return the file of weights in a folder of a model.

    Raises
    ------
    ModelError
        When there is none, or one of several must be chosen.
    """
    try:
        names = sorted(each for each in folder.iterdir() if each.is_file())
    except OSError as error:
        raise ModelError(f"{folder} cannot be read ({error.strerror})") from error
    for usual in _WEIGHTS:
        if folder / usual in names:
            return folder / usual
    found = [each for each in names if each.suffix.lower() in MODEL_LIKE_ENDINGS]
    if len(found) == 1:
        return found[0]
    if found:
        some = ", ".join(each.name for each in found[:4])
        raise ModelError(
            f"{folder.name} is a folder with {len(found)} files of weights ({some}); "
            "open one of them"
        )
    raise ModelError(
        f"{folder.name} is a folder without weights of a model in it; choose the file "
        "of weights, or the folder that save_pretrained wrote"
    )


def read_config(weights: Path) -> Mapping[str, Any]:
    """Return the config that lies beside a file of weights; empty when none does.

    Raises
    ------
    ModelError
        When it cannot be read.
    """
    return read_json(weights.with_name(CONFIG))


def read_json(path: Path) -> Mapping[str, Any]:
    """Return the object in a JSON file; empty when there is no file.

    Raises
    ------
    ModelError
        When it cannot be read, or holds something else.
    """
    try:
        if not path.is_file():
            return {}
        if path.stat().st_size > _LARGEST:
            raise ValueError("it is too large")
        value = json.loads(path.read_text(encoding="utf-8-sig"))
        if not isinstance(value, dict):
            raise TypeError("it holds no object")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ModelError(
            f"{path.name} beside the weights cannot be read ({error}); copy it again, "
            "or take it away to have the network recognised by its weights"
        ) from error
    return value
