"""The fuzzer finds what it is to find, and a few seeded inputs are read without any."""

import sys
import time
from pathlib import Path

import pytest

from benchmarks.fuzz import READERS, run, try_one
from benchmarks.fuzz_seeds import make_seeds
from core.errors import InputError

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="forks, and limits memory"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of a fork with threads
]


def test_a_few_mutations_of_every_format_are_read(tmp_path):
    tried = list(run(tmp_path, 40, seed=5))
    assert [row for row in tried if row[2]] == []
    assert len({kind for kind, _, _ in tried}) >= 5


def test_every_format_has_a_file_to_begin_with(tmp_path):
    assert {kind for kind, _ in make_seeds(tmp_path)} == set(READERS)


def refuse(_):
    raise InputError("No: give another file.")


def start(_):
    import subprocess

    subprocess.run(["true"], check=False)


def allocate(_):
    return bytearray(6 << 30)


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (lambda _: None, ""),
        (refuse, ""),
        (lambda _: 1 / 0, "ZeroDivisionError"),
        (lambda _: sys.exit(1), "SystemExit"),
        (start, "ran"),
        (allocate, "MemoryError"),
        (lambda _: __import__("os").abort(), "crashes with signal 6"),
    ],
)
def test_what_is_a_finding(read, words):
    found = try_one(read, Path("x"))
    assert (words in found) if words else found == ""


def test_a_hang_is_ended(monkeypatch):
    monkeypatch.setattr("benchmarks.fuzz.SECONDS", 1)
    assert "hangs" in try_one(lambda _: time.sleep(60), Path("x"))
