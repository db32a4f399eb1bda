"""One import package of the folders of a checkout.

``app``, ``core`` and ``resources`` are names that other packages have, too. In a wheel
and in a bundle they lie in ``prunescope``, and every import says so.

To read this file, start from `write_package`.
"""

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "prunescope"
FOLDERS = ("app", "core", "resources")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
_MODULE = re.compile(rf"({'|'.join(FOLDERS)})(\.\w+)*\.?")

Edit = tuple[int, int, str]  # line from 1, column in bytes, what is put in there


def write_package(root: Path, folder: Path) -> Path:
    """Write the package as it is installed.

    Parameters
    ----------
    root
        Of a checkout.
    folder
        Where ``prunescope`` is made; must not hold one.

    Returns
    -------
    Path
        The package.
    """
    package = folder / PACKAGE
    shutil.copytree(root / PACKAGE, package, ignore=_LEFT_OUT)
    for name in FOLDERS:
        shutil.copytree(root / name, package / name, ignore=_LEFT_OUT)
    for path in sorted(package.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        path.write_text(rewrite(source, root), encoding="utf-8", newline="\n")
    # that of the checkout looks for the folders at top level
    about = f'"""{_first_line(root / PACKAGE / "__init__.py")}"""\n'
    (package / "__init__.py").write_text(about, encoding="utf-8", newline="\n")
    return package


def rewrite(source: str, root: Path) -> str:
    """Return a module whose imports start from the package.

    Changed are imports, strings that name a module of the checkout, and the package
    that ``importlib.resources.files`` is given. Comments and docstrings stay.

    Parameters
    ----------
    source
        Of a module.
    root
        Of the checkout whose modules count.

    Raises
    ------
    ValueError
        At ``import core.x`` without ``as``: its name would be another one.
    """
    lines = [line.encode() for line in source.splitlines(keepends=True)]
    edits: list[Edit] = []
    for node in ast.walk(ast.parse(source)):
        edits += _find_edits(node, lines, root)
    for line, column, text in sorted(edits, reverse=True):
        before = lines[line - 1]
        lines[line - 1] = before[:column] + text.encode() + before[column:]
    return b"".join(lines).decode()


def _find_edits(node: ast.AST, lines: list[bytes], root: Path) -> Iterator[Edit]:
    """Yield what has to be put in front of the names in one node."""
    prefix = f"{PACKAGE}."
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        if _is_ours(node.module or ""):
            rest = lines[node.lineno - 1][node.col_offset :]
            start = re.match(rb"from\s+", rest)
            assert start is not None
            yield node.lineno, node.col_offset + start.end(), prefix
    elif isinstance(node, ast.Import):
        for alias in node.names:
            if _is_ours(alias.name):
                yield _of_import(alias)
    elif isinstance(node, ast.Constant):
        if _names_module(node.value, root):
            yield _inside(node, lines)
    elif isinstance(node, ast.Call) and _is_files(node.func) and node.args:
        first = node.args[0]
        if isinstance(first, ast.Constant) and first.value in FOLDERS:
            yield _inside(first, lines)


def _of_import(alias: ast.alias) -> Edit:
    """Put the package before a module that is imported by its whole name."""
    if alias.asname is None:
        raise ValueError(
            f"line {alias.lineno}: write 'import {alias.name} as NAME' or "
            "'from ... import ...'; else its name differs in the package"
        )
    return alias.lineno, alias.col_offset, f"{PACKAGE}."


def _inside(node: ast.Constant, lines: list[bytes]) -> Edit:
    """Put the package behind the opening quote of a string."""
    start = re.match(rb"['\"]", lines[node.lineno - 1][node.col_offset :])
    if start is None:
        raise ValueError(f"line {node.lineno}: write {node.value!r} as a plain string")
    return node.lineno, node.col_offset + 1, f"{PACKAGE}."


def _is_files(call: ast.expr) -> bool:
    """Whether something called is ``importlib.resources.files``."""
    name = call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "")
    return name == "files"


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in FOLDERS


def _names_module(value: object, root: Path) -> bool:
    """Whether a string names a module that there is, or the start of such names.

    ``core`` alone is a word, too.
    """
    if not isinstance(value, str) or "." not in value or not _MODULE.fullmatch(value):
        return False
    place = root.joinpath(*value.rstrip(".").split("."))
    return place.is_dir() or place.with_suffix(".py").is_file()


def _first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0]
