"""On which machines work is done, as windows ask for it."""

import re
from dataclasses import dataclass

_ADDRESS = re.compile(r"(tcp|tls|ucx)://\S+:\d+")


@dataclass(frozen=True, slots=True)
class Machines:
    """Where trials or patches are worked on.

    Parameters
    ----------
    kind
        ``"here"`` (one process), ``"workers"`` of this machine, or a ``"cluster"``.
    scheduler
        Address of the cluster's scheduler.
    workers
        Processes to start here.
    """

    kind: str = "here"
    scheduler: str = ""
    workers: int = 2

    def missing(self) -> str:
        """Say in a sentence what is still to be said; empty when nothing is."""
        if self.kind == "cluster" and not _ADDRESS.fullmatch(self.scheduler):
            return "Type the scheduler's address, such as tcp://node1:8786."
        return ""

    def asked(self) -> tuple[str, int]:
        """Return address and number of workers to start; neither for one process."""
        if self.kind == "cluster":
            return self.scheduler, 0
        return "", self.workers if self.kind == "workers" else 0

    def arguments(self) -> list[str]:
        """Return the options of the command line that say the same."""
        scheduler, workers = self.asked()
        found = ["--scheduler", scheduler] if scheduler else []
        return [*found, *(["--workers", str(workers)] if workers else [])]

    def describe(self) -> str:
        """Say where, in words; empty for one process here."""
        scheduler, workers = self.asked()
        if scheduler:
            return f"on the workers of {scheduler}"
        return f"on {workers} worker{'s' * (workers != 1)} here" if workers else ""
