"""Tissue classes of a folder of patches: a table beside them, or one folder each.

Start with `read_table` and `class_folders`.
"""

import csv
from pathlib import Path

from core.errors import InputError

TABLE = "labels.csv"
"""Name of the table beside the folder ``images``."""

_HEADERS = ("name", "file", "filename", "image", "patch", "tile")


def read_table(path: Path) -> dict[str, str]:
    """Read which patch shows which class.

    Parameters
    ----------
    path
        CSV in UTF-8: file name (with or without its ending) and class in the
        first two columns; a first line ``name,class`` is skipped.

    Returns
    -------
    classes
        Class by file stem.

    Raises
    ------
    InputError
        When the table cannot be read, a line lacks a class, or a patch stands
        in it twice with different classes.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [row for row in csv.reader(file) if any(map(str.strip, row))]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path.name} cannot be read ({error}); save it as CSV in UTF-8."
        ) from error
    if rows and rows[0][0].strip().lower() in _HEADERS:
        rows = rows[1:]
    found: dict[str, str] = {}
    for row in rows:
        name, kind = (each.strip() for each in (*row, "")[:2])
        if not name or not kind:
            raise InputError(
                f"{path.name}: '{','.join(row)}' is not a name and a class; "
                "write one patch a line, such as a.png,tumour."
            )
        stem = Path(name).stem
        if found.setdefault(stem, kind) != kind:
            raise InputError(
                f"{path.name} gives {stem} the classes {found[stem]} and {kind}; "
                "keep one of them."
            )
    if not found:
        raise InputError(
            f"{path.name} names no patch; write one a line, such as a.png,tumour."
        )
    return found


def class_folders(folder: Path, suffixes: tuple[str, ...]) -> tuple[Path, ...]:
    """Folders that hold images, each named after the class that they show."""
    return tuple(
        sorted(
            each
            for each in folder.iterdir()
            if each.is_dir()
            and not each.name.startswith(".")
            and each.name not in ("images", "labels")
            and any(file.suffix.lower() in suffixes for file in each.iterdir())
        )
    )


def class_numbers(targets: set[str], classes: tuple[str, ...]) -> dict[str, int]:
    """Number the classes of a folder as a network numbers its outputs.

    Parameters
    ----------
    targets
        Classes that occur in the folder.
    classes
        Of the network, in the order of its outputs.

    Returns
    -------
    numbers
        Output by class: by its name, whatever its case, or by its number from 0
        where *all* classes of the folder are numbers.

    Raises
    ------
    InputError
        When the network has no such class.
    """
    known = {name.casefold(): number for number, name in enumerate(classes)}
    if all(each.casefold() in known for each in targets):
        return {each: known[each.casefold()] for each in targets}
    if all(each.isascii() and each.isdigit() for each in targets):
        numbers = {each: int(each) for each in targets}
        if max(numbers.values()) < len(classes):
            return numbers
    strange = min(each for each in targets if each.casefold() not in known)
    raise InputError(
        f"The model knows no class '{strange}'; name the patches' classes "
        f"{', '.join(classes)}, or number them 0 to {len(classes) - 1}."
    )
