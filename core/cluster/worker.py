"""What runs on a worker: a trial, and a word about the worker itself."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import torch

from core.arithmetic import flush_denormals
from core.benchmark.tasks.parallel import set_cores
from core.cluster.machine_lock import MachineTurn
from core.errors import InputError
from core.job import Job
from core.latency import LatencyProcess, TimingSettings, compare
from core.sweep.grid import SWEEP_TIMING
from core.sweep.provenance import provenance
from core.sweep.trial import TrialSettings, run_trial
from core.version import read_version

if TYPE_CHECKING:
    from torch import nn

    from core.results import Comparison
    from core.store import Record, TrialIdentity
    from core.sweep.evaluator import Subject


@dataclass(frozen=True, slots=True)
class WorkerVersion:
    """What must be the same on both ends.

    Parameters
    ----------
    prunescope, torch, python
        Versions; of Python the first two numbers.
    """

    prunescope: str
    torch: str
    python: str

    @classmethod
    def here(cls) -> WorkerVersion:
        """Return that of this process."""
        python = ".".join(platform.python_version_tuple()[:2])
        return cls(read_version(), str(torch.__version__).partition("+")[0], python)

    def check(self, other: WorkerVersion, where: str) -> None:
        """Refuse a worker of another version.

        Raises
        ------
        InputError
            Says which, and what to install.
        """
        if self == other:
            return
        names = ("PruneScope", "torch", "Python")
        ours = (self.prunescope, self.torch, self.python)
        theirs = (other.prunescope, other.torch, other.python)
        found = [
            f"{name} {their or 'unknown'} instead of {our or 'unknown'}"
            for name, our, their in zip(names, ours, theirs, strict=True)
            if our != their
        ]
        raise InputError(
            f"The worker {where} has {', '.join(found)}, and its results would not "
            "compare; install the same versions there."
        )


@dataclass(frozen=True, slots=True)
class ClusterTrial:
    """One trial as it travels to a worker.

    Parameters
    ----------
    trial
        What is asked.
    timing
        How latency is measured; None leaves it out.
    sharing
        Into how many parts the cores of the worker's machine go; it uses one.
    version
        Of the program that asks.
    """

    trial: TrialIdentity
    timing: TimingSettings | None
    sharing: int
    version: WorkerVersion


def describe_worker() -> WorkerVersion:
    """Return the versions of the worker that this runs on."""
    return WorkerVersion.here()


def work(subject: Subject, asked: ClusterTrial) -> Record:
    """Do one trial on this worker.

    It is evaluated beside others; while its latency is measured nothing else runs on
    the machine.

    Raises
    ------
    InputError
        When this worker has another version.
    """
    machine = platform.node() or "unknown"
    asked.version.check(WorkerVersion.here(), machine)
    cores = max((os.cpu_count() or 1) // max(asked.sharing, 1), 1)
    cores = subject.running.threads or cores
    set_cores(cores)
    torch.set_num_threads(cores)
    facts: dict[str, Any] = provenance()
    facts |= {"machine": machine, "worker": os.getpid()}
    settings = TrialSettings(facts, asked.timing)
    with flush_denormals(), MachineTurn("trials") as turn:
        return run_trial(subject, asked.trial, settings, _AloneTimer(turn), Job())


class _AloneTimer:
    """Measures while nothing else runs on this machine."""

    def __init__(self, turn: MachineTurn) -> None:
        self._turn = turn

    def compare(
        self,
        dense: nn.Module,
        pruned: nn.Module,
        example: Any,
        *,
        settings: TimingSettings = SWEEP_TIMING,
        job: Job | None = None,
    ) -> Comparison:
        """Measure two networks against each other."""
        with self._turn.alone():
            return compare(
                dense, pruned, example, settings=settings, job=job, process=_process()
            )


@cache
def _process() -> LatencyProcess:
    """Return the process that measures for this worker; it ends with the worker."""
    return LatencyProcess()
