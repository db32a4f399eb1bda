"""Facts that once stood in several files have one owner each, and a pattern here.

A new place fails with the name of the module that knows the fact.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for room in ("app", "core")
    for path in sorted((ROOT / room).rglob("*.py"))
}

# What is looked for outside of comments and docstrings, who may have it, and what
# everybody else takes.
FACTS = {
    "text of a sample": (
        r"""f?["']sample:""",
        {"core/sources.py"},
        "core.sources.Source reads and writes it",
    ),
    "sign between tile and labels": (
        r"""(?:partition|split)\(["']\|["']\)|\|\{labels\}|_LABELS = ["']\|""",
        {"core/sources.py"},
        "core.sources.Source reads and writes it",
    ),
    "several scores in a row": (
        r"""["']aji["'],\s*["']|["']pq["'],\s*["'](?:dq|sq)["']""",
        {"core/tables/metrics.py", "core/tables/tasks.py"},
        "core.tables.METRICS and metrics_for list them, TASKS those of a task",
    ),
    "several recoveries in a row": (
        r"""["']bn["'],\s*["']refit["']""",
        {"core/tables/choices.py"},
        "core.tables.RECOVERIES lists them",
    ),
    "tooltip of a recovery": (
        r"""["'](?:bn|refit|sequential|finetune)["']:\s*["'(]""",
        set(),
        "core.tables.RECOVERIES has title, short, phrase and tip",
    ),
    "endings of pictures": (
        r"""["']\.tiff?["'],\s*["']\.|["']\.(?:svs|ndpi)["'],""",
        {"core/tables/formats.py"},
        "core.tables lists TILE_ENDINGS, or a row with its reader",
    ),
    "endings of models": (
        r"""["']\.pth?["'],\s*["']\.|["']\.safetensors["'],\s*["']\.""",
        {"core/tables/formats.py"},
        "core.tables lists MODEL_ENDINGS and MODEL_EXPORTS",
    ),
    "largest sparsity": (
        r"""(?:<=?|>=?|min\(|max\(|(?i:sparsity)\w*\s*=)\s*0\.99\b""",
        {"core/tables/limits.py"},
        "core.tables.MAX_SPARSITY is the number",
    ),
    "prefix of unstructured heuristics": (
        r"""["']unstructured:""",
        {"core/types.py"},
        "core.types.UNSTRUCTURED is the prefix; ask PruneRequest for its kind",
    ),
    "a step told by its words": (
        r"""\.(?:what|step)\s*(?:==|!=|in)\s*["'(]""",
        set(),
        "a step has a kind: compare that",
    ),
}
_PROSE = re.compile(r'"""(?:.|\n)*?"""|(?m:^\s*#.*$)')
CODE = {
    name: _PROSE.sub(lambda found: "\n" * found[0].count("\n"), text)
    for name, text in SOURCES.items()
}


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_has_one_owner(fact):
    pattern, owners, instead = FACTS[fact]
    found = [
        f"{name}:{text[: match.start()].count(chr(10)) + 1}"
        for name, text in CODE.items()
        if name not in owners
        for match in re.finditer(pattern, text)
    ]
    assert not found, f"{fact} stands in {', '.join(found)}; {instead}"


@pytest.mark.parametrize("fact", [name for name, row in FACTS.items() if row[1]])
def test_the_pattern_finds_the_owner(fact):
    """Else the pattern is out of date, and the test above would find nothing."""
    pattern, owners, _ = FACTS[fact]
    assert any(re.search(pattern, CODE[name]) for name in owners if name in CODE)
