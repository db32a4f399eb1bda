"""Files that are written whole or not at all."""

import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

_PARTS = ".prunescope-"  # what is not whole yet, with the process that writes it

DESCRIPTIONS = ("rdf.yaml", "bioimageio.yaml", "model.yaml")
"""Files that describe a package of bioimage.io."""


def write_whole(path: str | os.PathLike[str], content: str | bytes) -> None:
    """Write a file beside its place, then put it there in one step.

    A full disk, a lost connection or a killed process leaves the file that was
    there before. The permissions are those that the umask gives a new file, or
    those of the file that is replaced.

    Parameters
    ----------
    path
        Replaced when it exists; a link is followed.
    content
        Text is written as UTF-8 with its newlines as they are.

    Raises
    ------
    OSError
        When it cannot be written; nothing is left beside it.
    """
    with whole_file(path) as hidden:
        hidden.write_bytes(content.encode() if isinstance(content, str) else content)


def is_package(path: Path) -> bool:
    """Whether a zip file is a model's package of bioimage.io, by its description."""
    try:
        if path.suffix.lower() != ".zip" or not path.is_file():
            return False
        with zipfile.ZipFile(path) as packed:
            names = {name.rpartition("/")[2] for name in packed.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError):
        return False
    return not names.isdisjoint(DESCRIPTIONS)


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder; what cannot be a path is none."""
    try:
        return Path(path).is_dir()
    except (OSError, ValueError):  # too long, or with a zero byte
        return False


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a path to write to, and put what was written in its place at the end.

    Parameters
    ----------
    path
        As of `write_whole`.

    Yields
    ------
    Path
        Of an empty file in the same folder, with the same ending. When anything
        goes wrong, it is removed and the error passed on.

    Raises
    ------
    OSError
        As `write_whole`.
    """
    target = Path(path)
    target = target.resolve() if target.is_symlink() else target
    hidden = target.with_name(f".{secrets.token_hex(6)}{target.suffix}")
    try:
        hidden.touch(exist_ok=False)
        yield hidden
        _sync(hidden)
        if target.exists():
            hidden.chmod(target.stat().st_mode & 0o7777)
        hidden.replace(target)
    except BaseException:
        with suppress(OSError):
            hidden.unlink(missing_ok=True)
        raise


@contextmanager
def whole_folder(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a folder to write to, and put its files in their place at the end.

    Parameters
    ----------
    folder
        Made when it is not there. What other programs left half-written in it is
        cleared; other files of it stay, those of the same names are replaced.

    Yields
    ------
    Path
        Of an empty folder within. When anything goes wrong, it is removed, the files
        that were there before stay, and the error is passed on.

    Raises
    ------
    OSError
        When nothing can be written there.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for left in target.glob(f"{_PARTS}*"):
        owner = left.name.removeprefix(_PARTS).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    parts = target / f"{_PARTS}{os.getpid()}-{secrets.token_hex(4)}"
    parts.mkdir()
    try:
        yield parts
        for path in sorted(parts.iterdir()):
            path.replace(target / path.name)
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def try_folder(folder: str | os.PathLike[str]) -> None:
    """Make a folder and find out whether files can be written into it.

    Raises
    ------
    OSError
        When they cannot.
    """
    with whole_folder(folder) as parts:
        (parts / "probe").touch()
        (parts / "probe").unlink()


def set_aside(path: str | os.PathLike[str]) -> Path | None:
    """Rename a file that cannot be used, so that it is kept and not read again.

    Returns
    -------
    Path or None
        ``NAME.bad``, or ``NAME.2.bad`` and so on; None when it cannot be renamed.
    """
    source = Path(path)
    for number in range(1, 100):
        kept = source.with_name(
            f"{source.name}.bad" if number == 1 else f"{source.name}.{number}.bad"
        )
        if kept.exists():
            continue
        try:
            source.rename(kept)
        except OSError:
            return None
        return kept
    return None


def _sync(path: Path) -> None:
    """Put the content on the disk before the name: a crash must not leave it empty."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
