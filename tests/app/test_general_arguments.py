"""Options of the program as a whole: version, log, completion, desktop entry."""

import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from app.__main__ import DESKTOP, main
from app.cli import desktop
from app.cli.arguments import parse
from app.cli.general_arguments import SHELLS
from core.logs import LEVEL
from core.version import list_versions

linux = pytest.mark.skipif(sys.platform != "linux", reason="a desktop of Linux")


def say(capsys, *words):
    """Return exit code, standard output and error of a command that ends at once."""
    with pytest.raises(SystemExit) as stop:
        main(words)
    told = capsys.readouterr()
    return stop.value.code, told.out, told.err


def test_the_version_names_torch_and_qt(capsys):
    code, out, _ = say(capsys, "--version")
    assert code == 0
    assert out.splitlines() == list_versions()
    assert "PyTorch 2" in out
    assert "Qt 6" in out


@pytest.mark.parametrize(
    ("line", "level", "file"),
    [
        ("", LEVEL, ""),
        ("--log-level debug --log-file a.log", "debug", "a.log"),
        ("--log-level debug inspect", "debug", ""),
        ("inspect --log-level error --log-file b.log", "error", "b.log"),
        ("--log-level debug slide --model m --slide s --out o", "debug", ""),
        ("bench --model m --log-file c.log", LEVEL, "c.log"),
    ],
)
def test_the_log_is_chosen_before_or_behind_a_command(line, level, file):
    found = parse(line.split())
    assert (found.log_level, found.log_file) == (level, file)


def test_a_log_that_cannot_be_written_ends_with_a_sentence(tmp_path, capsys):
    path = tmp_path / "no" / "log.txt"
    assert main(["--log-file", str(path), "inspect"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_knows_commands_options_and_files(shell, capsys):
    code, out, _ = say(capsys, "--print-completion", shell)
    assert code == 0
    for word in ("sweep", "heuristics", "log-level"):
        assert word in out
    program = shutil.which(shell)
    if program and shell != "tcsh":  # has no check without running
        subprocess.run([program, "-n"], input=out, text=True, check=True)


@linux
def test_the_program_is_added_to_the_menu(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    command = tmp_path / 'a "b" $c' / "prunescope"
    monkeypatch.setattr(sys, "argv", [str(command)])
    code, out, _ = say(capsys, "--install-desktop")
    assert code == 0
    entry = tmp_path / "applications" / f"{DESKTOP}.desktop"
    text = entry.read_text(encoding="utf-8")
    assert f'Exec="{tmp_path}/a \\\\"b\\\\" \\\\$c/prunescope" %f' in text
    assert f"Icon={DESKTOP}\n" in text
    for icon in (f"48x48/apps/{DESKTOP}.png", f"scalable/apps/{DESKTOP}.svg"):
        assert (tmp_path / "icons" / "hicolor" / icon).stat().st_size > 100
    about = tmp_path / "metainfo" / f"{DESKTOP}.metainfo.xml"
    assert ET.parse(about).findtext("launchable") == entry.name
    assert str(entry) in out


@linux
@pytest.mark.skipif(shutil.which("appstreamcli") is None, reason="needs appstreamcli")
def test_the_description_for_software_centres_is_valid():
    path = desktop.files("resources") / "desktop" / f"{DESKTOP}.metainfo.xml"
    subprocess.run(
        ["appstreamcli", "validate", "--no-net", str(path)],
        check=True,
        capture_output=True,
    )


@linux
def test_what_a_desktop_cannot_start_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["app/__main__.py"])
    code, _, err = say(capsys, "--install-desktop")
    assert code == 2
    assert "install the program first" in err
    assert not list(tmp_path.iterdir())
