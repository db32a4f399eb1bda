"""Folders of a model, and the config that lies beside its weights.

``save_pretrained`` of segmentation-models-pytorch and timm writes ``config.json`` and
``model.safetensors`` (or ``pytorch_model.bin``); a bundle of MONAI has ``configs/`` and
``models/``, also packed as a zip file.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.files import DESCRIPTIONS
from core.models.formats.archives import BROKEN, damaged, read_member
from core.tables import MODEL_LIKE_ENDINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONFIG = "config.json"
_WEIGHTS = (  # the usual names, best first
    "model.safetensors",
    "pytorch_model.bin",
    "models/model.pt",
    "models/model.ts",
)
_PACKED = (".yaml", ".npy", ".data", ".py", *MODEL_LIKE_ENDINGS)
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
        if (folder / usual).is_file():
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


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """Yield the folder of a packed bundle, or `path` itself when it is none.

    Parameters
    ----------
    path
        A file. What is not of a model is left packed.

    Raises
    ------
    ModelError
        When it is damaged, or holds no weights.
    """
    names = _packed_names(path)
    if not names:
        yield path
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / path.stem
        try:
            with zipfile.ZipFile(path) as packed:
                for name, inside in names.items():
                    target = folder / inside
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(read_member(packed, name))
        except (*BROKEN, KeyError) as error:
            raise damaged(path) from error
        yield folder


def _packed_names(path: Path) -> dict[str, str]:
    """Return members of a packed bundle that are read, and where they go."""
    try:
        with path.open("rb") as file:
            if file.read(2) != b"PK":
                return {}
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
    except (*BROKEN, OSError):
        return {}
    plain = {name: name.rpartition("/")[2] for name in names}
    if any(tail in DESCRIPTIONS for tail in plain.values()):  # of bioimage.io
        return {n: tail for n, tail in plain.items() if tail.endswith(_PACKED)}
    tails = {name: "/".join(name.split("/")[-2:]) for name in names}
    kept = {
        name: tail
        for name, tail in tails.items()
        if tail in _WEIGHTS[2:]
        or (tail.startswith("configs/") and tail.endswith(".json"))
    }
    return kept if "configs" in {tail.split("/")[0] for tail in kept.values()} else {}


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
