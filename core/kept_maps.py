"""A network's maps of a tile, kept on this computer between runs.

Each entry is one safetensors file in the cache folder of the user, readable by the
owner only, under a name made of all that its values depend on. What happens to a file
costs time and nothing else: a damaged one is set aside and computed again.
``PRUNESCOPE_CACHE`` names another folder, or ``off``.

To read this file, start from `read_maps`.
"""

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.cache import find_folder, list_by_age
from core.files import set_aside, whole_file

MOST_TOTAL = 1_000_000_000
"""Bytes of all entries together; those that were not used for longest go first."""

MOST_ENTRY = 256_000_000
"""Bytes of one entry; larger ones are not kept."""

_KIND = "dense-maps"
_told: list[Path] = []  # folders that could not be written to, each said once


Kept = tuple[dict[str, NDArray[Any]], float]
"""Maps by name, (..., height, width), and seconds that their network took."""


def read_maps(key: str, size: tuple[int, int]) -> Kept | None:
    """Return the maps that were kept, and how long they took, or None.

    Parameters
    ----------
    key
        From `core.cache.digest`.
    size
        Width and height that they must have.
    """
    folder = find_folder(_KIND)
    if folder is None:
        return None
    path = folder / f"{key}.safetensors"
    try:
        if not path.is_file() or path.stat().st_size > 2 * MOST_ENTRY:
            return None
        found = _read(path, size)
        os.utime(path)  # used now: it goes later
    except OSError:
        return None
    except Exception:  # noqa: BLE001 - whatever a damaged file makes its reader raise
        set_aside(path)
        return None
    return found


def write_maps(key: str, maps: Mapping[str, NDArray[Any]], seconds: float) -> str:
    """Keep maps.

    Parameters
    ----------
    key
        From `core.cache.digest`.
    maps
        By name, (..., height, width).
    seconds
        That their network took.

    Returns
    -------
    str
        A sentence, the first time that a folder cannot be written to; else empty.
    """
    folder = find_folder(_KIND)
    if folder is None or sum(each.nbytes for each in maps.values()) > MOST_ENTRY:
        return ""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with whole_file(folder / f"{key}.safetensors") as hidden:
            hidden.chmod(0o600)
            _write(hidden, maps, seconds)
        _remove_oldest(folder)
    except (OSError, RuntimeError) as error:
        logging.getLogger(__name__).warning("maps are not kept: %s", error)
        if folder in _told:
            return ""
        _told.append(folder)
        reason = getattr(error, "strerror", None) or str(error)
        return (
            f"The dense result cannot be kept in {folder} ({reason}), and will be "
            "computed again next time; make room there, or name another folder in "
            "PRUNESCOPE_CACHE."
        )
    return ""


def _write(path: Path, maps: Mapping[str, NDArray[Any]], seconds: float) -> None:
    from safetensors.numpy import save_file

    arrays = {name: np.ascontiguousarray(each) for name, each in maps.items()}
    save_file(arrays, path, {"sha256": _hash(arrays), "seconds": repr(seconds)})


def _read(path: Path, size: tuple[int, int]) -> Kept:
    """Read all maps.

    Raises
    ------
    ValueError
        When they are not those that were written.
    Exception
        Whatever else the reader of the format finds.
    """
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        facts = file.metadata() or {}
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    shapes = {each.shape[-2:][::-1] for each in found.values()}
    if facts.get("sha256") != _hash(found) or shapes != {size}:
        raise ValueError("damaged")
    return found, float(facts["seconds"])


def _hash(arrays: Mapping[str, NDArray[Any]]) -> str:
    total = hashlib.sha256()
    for name in sorted(arrays):
        values = arrays[name]
        total.update(json.dumps([name, str(values.dtype), values.shape]).encode())
        total.update(values.reshape(-1).view(np.uint8).data)
    return total.hexdigest()


def _remove_oldest(folder: Path) -> None:
    """Keep to the limit; files that were set aside or left half-written count, too."""
    files = list_by_age(folder)
    total = sum(size for _, size in files)
    for path, size in files:
        if total <= MOST_TOTAL:
            return
        path.unlink(missing_ok=True)
        total -= size
