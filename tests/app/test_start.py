"""How the program starts, ends, and what it leaves behind."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from app.cli.display import find_display_fault

linux = pytest.mark.skipif(sys.platform != "linux", reason="X11 and POSIX signals")


def environment(home, **more):
    """Return an environment with a home of its own, offscreen."""
    kept = {key: value for key, value in os.environ.items() if "DISPLAY" not in key}
    own = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    own |= {"XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}
    return kept | own | {"QT_QPA_PLATFORM": "offscreen"} | more


@linux
def test_a_display_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setenv("DISPLAY", ":4711")
    said = find_display_fault()
    # either the server is not there, or Qt's libraries for it are not
    assert "':4711' cannot be reached" in said or "system library is missing" in said
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert find_display_fault() == ""


_SHOW = """
import sys
from PySide6.QtCore import QTimer
from app.controllers.controller import Controller

def ready():
    print("ready", flush=True)

open_ = Controller.open
def opening(self, model, tile):
    open_(self, model, tile)
    QTimer.singleShot(0, ready)
Controller.open = opening
sys.exit(main([]))
"""


@linux
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_saves_and_ends(name, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", _SHOW],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(getattr(signal, name))
        _, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert [path for path in (tmp_path / "config").rglob("*") if path.is_file()]


_EXPORT_IMPORTS = """
from core.privacy import disable_telemetry
disable_telemetry()
import onnxruntime
"""


def test_onnxruntime_leaves_nothing_behind(tmp_path):
    pytest.importorskip("onnxruntime")
    done = subprocess.run(
        [sys.executable, "-c", _EXPORT_IMPORTS], env=environment(tmp_path), check=False
    )
    assert done.returncode == 0
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@linux
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_a_round_opens_no_network_socket(tmp_path):
    log = tmp_path / "calls"
    command = [sys.executable, "-m", "app", "prune", "--model", "demo"]
    command += ["--tile", "sample:synthetic", "--heuristic", "l2", "--sparsity", "0.5"]
    command += ["--out", str(tmp_path / "out"), "--formats", "safetensors"]
    traced = [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-e",
        "trace=connect,sendto",
        "-o",
        str(log),
    ]
    probe = subprocess.run([*traced, "true"], capture_output=True, check=False)
    if probe.returncode:
        pytest.skip("processes cannot be traced here")
    done = subprocess.run(
        [*traced, *command], env=environment(tmp_path), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "AF_INET" not in log.read_text()
