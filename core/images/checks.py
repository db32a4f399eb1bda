"""Untrusted files: what is checked before and after a decoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_T = TypeVar("_T")
_START = 512
_WEB = ("http:/", "https:/", "ftp:/", "s3:/")  # a path joins the slashes


def check_file(path: Path) -> bytes:
    """Return the first bytes of a readable, non-empty, regular file.

    Raises
    ------
    InputError
        When it is anything else.
    """
    if str(path).startswith(_WEB):
        raise InputError(f"{path} is a web address; download the file and open that.")
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder; choose an image file inside it.")
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is not a regular file; choose an image file.")
        with path.open("rb") as file:
            start = file.read(_START)
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; check the path.") from None
    except PermissionError:
        raise InputError(
            f"{path} may not be read; change its permissions or copy it."
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} cannot be read ({error}); check the path and the disk."
        ) from None
    if not start:
        raise InputError(f"{path.name} is empty; copy or export it again.")
    return start


def decoded(path: Path, decode: Callable[[], _T]) -> _T:
    """Run a decoder on an untrusted file; any failure means a broken file."""
    try:
        return decode()
    except InputError:
        raise
    except MemoryError:
        raise InputError(
            f"{path.name} does not fit into memory; open a smaller part of it."
        ) from None
    except Exception as error:  # decoders raise anything on bad data
        raise broken(path) from error


def broken(path: Path) -> InputError:
    """Build the error for a file that starts like an image and is not one."""
    return InputError(f"{path.name} is damaged or cut off; copy or export it again.")
