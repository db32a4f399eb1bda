"""Limits that no linter checks."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path
    for folder in ("app", "core", "benchmarks", "distribution", "prunescope")
    for path in (ROOT / folder).rglob("*.py")
)
MOST_IN_FILE, MOST_IN_FUNCTION, MOST_PRIVATE = 400, 50, 40
TEXTS = {str(path.relative_to(ROOT)): path.read_text() for path in SOURCES}
TREES = {name: ast.parse(text) for name, text in TEXTS.items()}


def test_files_fit_in_the_head():
    lines = {name: text.count("\n") for name, text in TEXTS.items()}
    assert {name: n for name, n in lines.items() if n > MOST_IN_FILE} == {}


def test_files_say_what_they_are_for():
    said = ('"""', 'r"""')
    assert [name for name, text in TEXTS.items() if not text.startswith(said)] == []


def test_a_class_name_means_one_thing():
    """Two classes of one name are taken for each other by whoever reads.

    Benchmarks are programs of their own.
    """
    owners = {}
    product = {n: t for n, t in TEXTS.items() if n.startswith(("app", "core"))}
    for path, text in product.items():
        for name in re.findall(r"^class ([A-Z]\w*)", text, re.MULTILINE):
            owners.setdefault(name, []).append(path)
    assert {name: found for name, found in owners.items() if len(found) > 1} == {}


def _to_module(path):
    parts = Path(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(tree, known):
    """Yield modules that a file imports anywhere: in functions and for types, too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else node.module


def test_no_import_leads_back():
    """Not in functions and not for types either, which the contracts leave out."""
    trees = {_to_module(path): tree for path, tree in TREES.items()}
    graph = {n: set(_imported(tree, trees)) - {n} for n, tree in trees.items()}
    assert "app.state.session.settings" in graph["app.bootstrap"]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_functions_fit_on_a_screen():
    """Their docstrings, which the guide shows, aside."""
    long = {}
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            first = node.body[0]
            told = ast.get_docstring(node) is not None
            prose = first.end_lineno - first.lineno + 1 if told else 0
            lines = node.end_lineno - node.lineno + 1 - prose
            if lines > MOST_IN_FUNCTION:
                long[f"{path} {node.name}"] = lines
    assert long == {}


def _defined(tree):
    """Yield the names that a file defines: functions, classes, fields, variables."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def _asked_for(tree):
    """Yield private names that a test takes from elsewhere, and where."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            inner = isinstance(node.value, ast.Name) and node.value.id == "self"
            if not inner:
                yield node.attr, node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield from ((alias.name, node.lineno) for alias in node.names)


def test_tests_ask_for_behaviour():
    """Private names of the product are used in a few places of the tests only."""
    own = {name for tree in TREES.values() for name in _defined(tree)}
    own = {name for name in own if name[0] == "_" and name[:2] != "__"}
    used = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in sorted((ROOT / "tests").rglob("*.py"))
        for name, line in _asked_for(ast.parse(path.read_text()))
        if name in own
    ]
    assert used  # the search finds what is there
    assert len(used) <= MOST_PRIVATE, "\n".join(used)
