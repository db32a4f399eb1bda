"""Files that are whole, or not there at all."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from core import files
from core.errors import InputError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a name beside `path` to write to; it becomes `path` when all went well.

    Parameters
    ----------
    path
        Where to; an existing file is replaced at the end, never before.

    Raises
    ------
    InputError
        When nothing can be written there.
    """
    try:
        with files.whole_file(path) as part:
            yield part
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot write {path} ({reason}): choose another place."
        ) from error


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write text as UTF-8, whole or not at all.

    Raises
    ------
    InputError
        When nothing can be written there.
    """
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
