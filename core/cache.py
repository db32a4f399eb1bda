"""Small results that are dear to find again, kept on this computer between runs.

Every value is one JSON file in the cache folder of the user; whatever happens to it
costs time and nothing else: a file that is missing, broken or cannot be written is as
if nothing had been kept. ``PRUNESCOPE_CACHE`` names another folder, or ``off``.

To read this file, start from `read_cached`.
"""

import contextlib
import hashlib
import json
import os
import platform
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from core.files import write_whole

MOST_FILES = 64
"""Of one kind; those that were not used for longest go first."""

MOST_BYTES = 4_000_000
"""Of one file; a larger one is neither written nor read."""


def read_cached(kind: str, key: str) -> Any | None:
    """Return a value that was kept, or None.

    Parameters
    ----------
    kind
        Name of a folder: letters and ``-``.
    key
        From `digest`.
    """
    path = _path(kind, key)
    if path is None:
        return None
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        value = json.loads(path.read_text(encoding="utf-8"))
        os.utime(path)  # used now: it goes later
    except (OSError, ValueError, RecursionError):
        return None
    return value


def write_cached(kind: str, key: str, value: Any) -> None:
    """Keep a value that JSON can hold; nothing happens where that is impossible."""
    path = _path(kind, key)
    text = json.dumps(value, separators=(",", ":"))
    if path is None or len(text) > MOST_BYTES:
        return
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
        _remove_oldest(path.parent)


def digest(*parts: object) -> str:
    """Return 32 hexadecimal digits that name values by their texts, in order."""
    found = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        found.update(b"%d:" % len(data))
        found.update(data)
    return found.hexdigest()[:32]


def processor_name() -> str:
    """Model of this machine's processor, as the system names it."""
    info = Path("/proc/cpuinfo")
    with contextlib.suppress(OSError):
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def find_folder(kind: str) -> Path | None:
    """Return the folder of one kind of value; None when nothing is to be kept."""
    named = os.environ.get("PRUNESCOPE_CACHE", "")
    if named.lower() == "off":
        return None
    root = Path(named) if named else user_cache_path("prunescope", appauthor=False)
    return root / kind


def _path(kind: str, key: str) -> Path | None:
    folder = find_folder(kind)
    return None if folder is None else folder / f"{key}.json"


def list_by_age(folder: Path, pattern: str = "*") -> list[tuple[Path, int]]:
    """Return files and their sizes in bytes, those unused for longest first."""
    files = []
    for path in folder.glob(pattern):
        with contextlib.suppress(OSError):  # removed by another process meanwhile
            facts = path.stat()
            files.append((facts.st_mtime, path, facts.st_size))
    return [(path, size) for _, path, size in sorted(files)]


def _remove_oldest(folder: Path) -> None:
    files = list_by_age(folder, "*.json")
    for path, _ in files[: max(len(files) - MOST_FILES, 0)]:
        path.unlink(missing_ok=True)
