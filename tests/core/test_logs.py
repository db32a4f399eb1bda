"""The log, reports of faults, and what is left of a process that a fault ended."""

import logging
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from core import logs
from core.errors import InputError
from core.version import DISTRIBUTIONS, list_licences, list_versions

ROOT = Path(__file__).parents[2]
log = logging.getLogger("core.tested")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the folder of logs, which is not there yet."""
    monkeypatch.setenv("PRUNESCOPE_LOGS", str(tmp_path / "logs"))
    yield tmp_path / "logs"
    logs.end_log()


def test_a_level_decides_what_is_written(folder):
    path = logs.start_log("info")
    log.debug("too small")
    log.info("of this size")
    logs.end_log()
    log.error("too late")
    text = path.read_text(encoding="utf-8")
    assert path.parent == folder
    assert "of this size" in text
    assert "too small" not in text
    assert "too late" not in text
    assert list_versions()[0] in text


def test_a_log_that_is_full_is_renamed_and_few_are_kept(folder, monkeypatch):
    monkeypatch.setattr(logs, "MOST_BYTES", 2000)
    logs.start_log()
    for number in range(400):
        log.info("line %d", number)
    logs.end_log()
    kept = sorted(folder.glob("prunescope.log*"))
    assert len(kept) == logs.MOST_FILES + 1
    assert all(path.stat().st_size <= 2000 for path in kept)
    assert "line 399" in (folder / "prunescope.log").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_keeps_nobody_from_working(
    tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PRUNESCOPE_LOGS", str(tmp_path / "file"))
    assert logs.start_log() is None
    log.error("nowhere")
    assert logs.write_report("report") is None
    logs.end_log()


def test_a_file_that_was_named_and_cannot_be_written_is_said(folder, tmp_path):
    with pytest.raises(InputError, match=r"choose another place with --log-file"):
        logs.start_log(path=str(tmp_path / "no" / "log.txt"))


def test_logs_can_be_off(monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_LOGS", "off")
    assert logs.find_log_folder() is None
    assert logs.start_log() is None
    logs.end_log()


def test_a_report_has_versions_the_traceback_and_the_last_lines(folder):
    logs.start_log()
    log.warning("just before")
    try:
        raise RuntimeError("what went wrong")
    except RuntimeError as error:
        report = logs.build_report(error)
    for part in (*list_versions(), "what went wrong", "Traceback", "just before"):
        assert part in report
    said = logs.keep_fault(report)
    (path,) = folder.glob("crash-*.txt")
    assert str(path) in said
    assert path.read_text(encoding="utf-8") == report


def test_old_reports_go(folder):
    written = [logs.write_report(f"{n}") for n in range(logs.MOST_REPORTS + 3)]
    assert sorted(folder.glob("crash-*.txt")) == written[3:]


_FATAL = """
import os, faulthandler
from core import logs
logs.watch_fatal_faults()
if {fatal}:
    os.abort()
logs.end_watch()
"""


@pytest.mark.parametrize("fatal", [True, False])
def test_a_fault_of_a_library_is_found_at_the_next_start(folder, fatal):
    code = _FATAL.format(fatal=fatal)
    subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False
    )
    assert len(list(folder.glob("fatal-*.txt"))) == fatal
    found = logs.collect_fatal_faults()
    assert not list(folder.glob("fatal-*.txt"))
    if fatal:
        text = found.read_text(encoding="utf-8")
        assert "Aborted" in text or "abort" in text.lower()
        assert list_versions()[0] in text
    else:
        assert found is None
    assert logs.collect_fatal_faults() is None


def test_all_packages_that_the_program_needs_are_named_with_their_licence():
    about = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {Requirement(text).name for text in about["project"]["dependencies"]}
    slides = about["project"]["optional-dependencies"].get("slides", ())
    assert set(DISTRIBUTIONS) == needed | {Requirement(text).name for text in slides}
    for name, version, licence in list_licences():
        assert version, name
        assert licence, name
    qt = next(row for row in list_licences() if row[0] == "PySide6-Essentials")
    assert "LGPL" in qt[2]
