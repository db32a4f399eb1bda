"""Files that are whole, or not there at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    target = Path(path)
    part = None
    try:
        handle, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.stem}.", suffix=target.suffix
        )
        os.close(handle)
        part = Path(name)
        yield part
        # mkstemp makes files private; an export is as readable as any other file.
        part.chmod(0o644)
        part.replace(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot write {target} ({reason}): choose another place."
        ) from error
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write text as UTF-8, whole or not at all.

    Raises
    ------
    InputError
        When nothing can be written there.
    """
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")
