"""How the program starts, ends, and what it leaves behind."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from app.cli.display import find_display_fault

ROOT = Path(__file__).parents[2]
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
from app.__main__ import main
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
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
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


_SITE = """
import sys

def hook(event, arguments):
    if event.removeprefix("socket.") in {"connect", "sendto", "getaddrinfo", "bind"}:
        address = arguments[1] if event != "socket.getaddrinfo" else arguments[0]
        if not isinstance(address, (str, bytes)) or event == "socket.getaddrinfo":
            with open(LOG, "a") as file:
                file.write(f"{event} {arguments!r}\\n")

sys.addaudithook(hook)
"""

_PRUNE = "prune --tile tile.png --heuristic l1 --sparsity 0.5 --calibration tile.png"
_PRUNE += " --out out --formats safetensors,onnx"


def trace(tmp_path, command):
    """Run a command and return how it ended and what it asked of the network.

    Python tells of its own calls, in every process that is started; strace, where it
    is there, of those of libraries.
    """
    told, calls, site = tmp_path / "told", tmp_path / "calls", tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(f"LOG = {str(told)!r}\n{_SITE}")
    paths = os.pathsep.join([str(site), str(ROOT)])
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-e", "trace=connect,sendto,bind"]
    strace += ["-o", str(calls)]
    if shutil.which("strace"):
        probe = subprocess.run([*strace, "true"], capture_output=True, check=False)
        command = command if probe.returncode else [*strace, *command]
    done = subprocess.run(
        command,
        env=environment(tmp_path, PYTHONPATH=paths),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [each.read_text() for each in (told, calls) if each.exists()]
    found = "".join(lines).splitlines()  # strace tells of signals, too
    return done, [each for each in found if "AF_INET" in each or "socket." in each]


@linux
def test_a_call_of_the_network_is_seen(tmp_path):
    code = "import socket, subprocess, sys; "
    code += "socket.socket(type=socket.SOCK_DGRAM).connect(('127.0.0.1', 9))"
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    _, found = trace(tmp_path, [sys.executable, "-c", nested])
    assert any("127.0.0.1" in each for each in found)


@linux
@pytest.mark.slow
@pytest.mark.parametrize(
    "line", [_PRUNE, "--screenshot out.png --tile tile.png --sparsity 0.5"]
)
def test_a_round_opens_no_network_socket(tmp_path, line):
    """Window and command line; ONNX Runtime, which looked up a host, is among it."""
    Image.effect_noise((64, 64), 80).convert("RGB").save(tmp_path / "tile.png")
    command = [sys.executable, "-P", "-m", "app", *line.split()]
    done, found = trace(tmp_path, [*command, "--model", "unet-tiny"])
    assert done.returncode == 0, done.stderr
    assert found == []
    assert (tmp_path / "out.png").exists() or list((tmp_path / "out").iterdir())
