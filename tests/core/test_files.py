"""Files that are written whole or not at all."""

import os
import subprocess
import sys

import pytest

from core.files import (
    set_aside,
    try_folder,
    whole_file,
    whole_folder,
    write_whole,
)


def test_content_is_replaced_and_nothing_stays_beside_it(tmp_path):
    path = tmp_path / "a.json"
    write_whole(path, "one\n")
    write_whole(path, "two\u00e9\n")
    assert path.read_bytes() == "two\u00e9\n".encode()
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.json"
    write_whole(path, "old")

    def fail():
        with whole_file(path) as hidden:
            hidden.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        fail()
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_permissions_are_those_of_the_umask_or_of_the_file_before(tmp_path, mask, mode):
    path, kept = tmp_path / "new", tmp_path / "kept"
    kept.write_text("x")
    kept.chmod(0o640)
    before = os.umask(mask)
    try:
        write_whole(path, "x")
        write_whole(kept, "y")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == mode
    assert kept.stat().st_mode & 0o777 == 0o640


def test_a_link_keeps_pointing_at_the_file(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    write_whole(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_bad_files_are_kept_under_names_of_their_own(tmp_path):
    path = tmp_path / "settings.json"
    names = []
    for text in ("a", "b"):
        path.write_text(text)
        names.append(set_aside(path).name)
    assert names == ["settings.json.bad", "settings.json.2.bad"]
    assert not path.exists()
    assert (tmp_path / "settings.json.bad").read_text() == "a"


def test_what_cannot_be_renamed_is_said(tmp_path):
    assert set_aside(tmp_path / "missing") is None


def test_r8_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "model").write_text("old")
    (folder / ".prunescope").write_text("a user's")

    def fail():
        with whole_folder(folder) as parts:
            (parts / "model").write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert (folder / "model").read_text() == "old"
    with whole_folder(folder) as parts:
        (parts / "model").write_text("new")
        (parts / "plan").write_text("new")
        assert (folder / "model").read_text() == "old"
    assert (folder / "model").read_text() == (folder / "plan").read_text() == "new"
    try_folder(folder)
    found = sorted(path.name for path in folder.iterdir())
    assert found == [".prunescope", "model", "plan"]


def test_r8_what_a_killed_program_left_is_cleared(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead = tmp_path / f".prunescope-{process.pid}-00"
    live = tmp_path / f".prunescope-{os.getpid()}-00"
    for left in (dead, live):
        left.mkdir()
        (left / "model").write_bytes(b"half")
    with whole_folder(tmp_path):
        pass
    assert not dead.exists()
    assert live.exists()  # another window is writing there
