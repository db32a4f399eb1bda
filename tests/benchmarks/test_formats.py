"""The benchmark of formats: a damaged copy that kills a child is a finding."""

import os
import sys
import time

import pytest

from benchmarks import mutations
from benchmarks.mutations import READ, REFUSED, damage, read_damaged
from core.errors import InputError

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="forks, and limits memory"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of a fork with threads
]
DATA = bytes(range(256)) * 4


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(DATA)
    return path


def test_copies_are_damaged_and_the_same_for_a_number():
    copies = [damage(DATA, number) for number in range(30)]
    assert copies == [damage(DATA, number) for number in range(30)]
    assert DATA not in copies
    assert any(len(copy) < len(DATA) for copy in copies)


def test_a_crash_is_a_finding_and_the_others_are_read(file):
    fatal = damage(DATA, 4)

    def read(path):
        data = path.read_bytes()
        if data == fatal:
            os.abort()
        if len(data) < len(DATA):
            raise InputError("It is cut: copy it again.")

    found = read_damaged(file, read, 12)
    assert found.total() == 12
    assert found["a.bin, copy 4: crash, signal 6"] == 1
    assert found[REFUSED] == 4
    assert found[READ] == 7
    assert file.read_bytes() == DATA


def test_another_exception_and_a_hang_are_findings(file, monkeypatch):
    monkeypatch.setattr(mutations, "SECONDS", 1)

    def read(path):
        if path.read_bytes() == damage(DATA, 1):
            time.sleep(60)
        raise KeyError("x")

    found = read_damaged(file, read, 2)
    assert found["a.bin, copy 1: hangs for more than 1 s"] == 1
    assert any("KeyError" in what for what in found)
