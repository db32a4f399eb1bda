"""Results as they come, one line of JSON each: a killed study loses one point."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Point = dict[str, Any]
"""What was tried; JSON values only."""


class Log:
    """A file of points and their results.

    Parameters
    ----------
    path
        Made with its folder when it does not exist. A last line that was cut off is
        left out and written over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, dict[str, Any]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = 0
        for line in path.read_bytes().splitlines(keepends=True) if _is(path) else ():
            try:
                entry = json.loads(line)
                self._found[_key(entry["point"])] = entry
            except (ValueError, KeyError):
                break
            whole += len(line)
        if _is(path) and whole < path.stat().st_size:
            with path.open("r+b") as file:
                file.truncate(whole)

    def __contains__(self, point: Mapping[str, Any]) -> bool:
        return _key(point) in self._found

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Entries: the point's fields and the result's in one."""
        for entry in self._found.values():
            yield {**entry["point"], **entry["result"]}

    def add(self, point: Point, result: Mapping[str, Any]) -> None:
        """Keep a result for good."""
        entry = {"point": point, "result": dict(result)}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, allow_nan=True) + "\n")
        self._found[_key(point)] = entry


def _is(path: Path) -> bool:
    return path.is_file()


def _key(point: Mapping[str, Any]) -> str:
    return json.dumps(point, sort_keys=True)
