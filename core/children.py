"""Processes of our own: a module of this program, run by itself.

Python runs a module by name; a stand-alone bundle has no Python beside it, and its own
program runs the module instead, see `run_asked_module`.
"""

import runpy
import sys
from collections.abc import Sequence

LATENCY = "core.latency.worker_process"
SWEEP = "core.cluster.sweep_process"
COMMAND = "app.cli.child_process"
MODULES = (LATENCY, SWEEP, COMMAND)
"""Those that may be run so."""

_OPTION = "--run-module"  # of a bundle, and nobody else's


def to_command(module: str) -> list[str]:
    """Return what starts a process that runs a module.

    Nothing is imported from the current folder, where any file may be called like one
    of ours.

    Parameters
    ----------
    module
        One of `MODULES`.

    Raises
    ------
    ValueError
        When it is another one, which no bundle would run.
    """
    if module not in MODULES:
        raise ValueError(f"{module} is not among the processes of this program")
    if getattr(sys, "frozen", False):
        return [sys.executable, _OPTION, module]
    return [sys.executable, "-P", "-m", module]


def run_asked_module(arguments: Sequence[str]) -> bool:
    """Run the module that the process of a bundle was started for, if any.

    Parameters
    ----------
    arguments
        Of the process, without the name of the program.

    Returns
    -------
    bool
        Whether there was one; it has ended.
    """
    if len(arguments) != 2 or arguments[0] != _OPTION or arguments[1] not in MODULES:
        return False
    runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    return True
