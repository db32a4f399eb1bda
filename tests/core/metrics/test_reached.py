"""What `core.metrics` offers is used by the product, not by tests alone."""

import ast
from pathlib import Path

from core import metrics

ROOT = Path(__file__).parents[3]
OWN = ROOT / "core" / "metrics"


def test_every_function_is_used_outside():
    functions = {name for name in metrics.__all__ if name.islower()}
    used = set()
    for room in ("app", "core"):
        for path in (ROOT / room).rglob("*.py"):
            if path.is_relative_to(OWN):
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Name):
                    used.add(node.id)
    assert functions, "the list of what is public was not found"
    assert functions - used == set()
