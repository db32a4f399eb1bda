"""Wordings that were replaced stay replaced, in the program and in its pages."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for pattern in ("app/**/*.py", "core/**/*.py", "docs/*.md", "README.md")
    for path in ROOT.glob(pattern)
)
REPLACED = {  # what was said, and what is said now
    "no other is faster and better": "no model tried is both faster and more accurate",
    "Ask for at most": "can be removed",
    "single weights are zero and shapes stay": "layers keep their size",
    "too noisy to judge": "other programs are using the processor",
    "faster, by processor time": "CPU time, because the computer was busy",
    "MB on top": "MB extra ",
    ", best 0": "the start is still best",
    "LEFT OF THE DENSE MODEL": "REMAINING SIZE",
    "Refit+": "Sequential refit",
    "This is the whole of it": "This is the full model: it outlines every nucleus",
    "Which one is the smaller model's": "Which picture comes from the smaller model?",
    "Why it can be live": "How it stays interactive",
}


@pytest.fixture(scope="module")
def words():
    assert len(SOURCES) > 100
    return "\n".join(path.read_text("utf-8") for path in SOURCES)


@pytest.mark.parametrize("old", REPLACED)
def test_an_old_wording_is_gone_and_the_new_one_is_there(words, old):
    assert old not in words
    assert REPLACED[old] in words
