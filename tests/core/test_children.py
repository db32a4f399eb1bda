"""Modules that are run in a process of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from core import children
from core.children import MODULES, run_asked_module, to_command

ROOT = Path(__file__).parents[2]


def test_python_runs_a_module_and_nothing_from_the_current_folder():
    for module in MODULES:
        assert to_command(module) == [sys.executable, "-P", "-m", module]
        assert (ROOT / (module.replace(".", "/") + ".py")).is_file()
    with pytest.raises(ValueError, match="not among the processes"):
        to_command("http.server")


def test_a_bundle_runs_the_module_itself_and_no_other(monkeypatch):
    ran = []
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(
        children.runpy, "run_module", lambda name, **more: ran.append(name)
    )
    program, *arguments = to_command(MODULES[0])
    assert program == sys.executable
    assert run_asked_module(arguments)
    assert ran == [MODULES[0]]
    for other in ([], ["--run-module"], ["--run-module", "os"], ["inspect"]):
        assert not run_asked_module(other)
    assert len(ran) == 1


def test_the_module_answers():
    """As in a bundle: the measuring process ends when nobody writes to it."""
    code = "import sys; from core.children import run_asked_module as run; "
    code += f"sys.exit(not run(['--run-module', {MODULES[0]!r}]))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 0
