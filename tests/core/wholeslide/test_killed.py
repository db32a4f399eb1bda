"""A run that is killed at any moment goes on where it was."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.core.wholeslide.conftest import make_pixels, write_pyramid

ROOT = Path(__file__).parents[3]


def command(slide, out):
    run = [sys.executable, "-m", "app", "slide", "--model", "unet-tiny"]
    return [*run, "--slide", str(slide), "--out", str(out), "--everywhere"]


def rows(out, table="patches"):
    """What the log holds, by number; the maps come and go."""
    log = out / "run.sqlite"
    if not log.is_file():
        return {}
    with sqlite3.connect(log, timeout=30) as db:
        try:
            found = db.execute(f"SELECT * FROM {table}").fetchall()
        except sqlite3.OperationalError:  # not made yet
            return {}
    return {row[0]: row[1] if table == "patches" else row[2] for row in found}


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slide")
    return write_pyramid(folder / "s.tif", make_pixels(700, 900), levels=2)


def test_killed_and_resumed_gives_what_a_straight_run_gives(slide, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    out, whole = tmp_path / "killed", tmp_path / "whole"
    child = subprocess.Popen(command(slide, out), cwd=ROOT, env=environment)
    try:
        end = time.monotonic() + 120
        while len(rows(out)) < 5:
            assert child.poll() is None, "the run ended before it could be killed"
            assert time.monotonic() < end, "no patch was finished"
            time.sleep(0.002)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not (out / "summary.json").exists()
    before = rows(out)
    for place in (out, whole):
        subprocess.run(command(slide, place), cwd=ROOT, env=environment, check=True)
    after = rows(out)
    assert 5 <= len(before) < len(after) == len(rows(whole))
    # what had been finished was not computed again: its times are those from before
    assert {number: after[number] for number in before} == before
    assert rows(out, "found") == rows(whole, "found")
    found, straight = (
        json.loads((place / "summary.json").read_text()) for place in (out, whole)
    )
    assert found["models"] == straight["models"]
    names = {path.name for path in out.iterdir()}
    assert {"dense.geojson", "dense_labels.ome.tif", "run.sqlite"} <= names
    assert (out / "dense.geojson").read_bytes() == (
        whole / "dense.geojson"
    ).read_bytes()
